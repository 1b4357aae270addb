//! Corpora that are made from recorded records.

use std::collections::HashSet;

use lakeflow_simulator::{Json, RecordedCorpora, RecordedList, RecordedTable};
use serde_json::{Value, json};

use crate::support::Vendor;

const ENDPOINTS: &str = "
auth: [bearer]
endpoints:
  - {path: /tickets, corpus: tickets, parameters: {since: {filter: {field: updated_at, op: gte}}}}
  - {path: \"/tickets/{id}/comments\", corpus: comments, path_parameters: {id: {row: {of: tickets, field: id}}}}
  - {path: /users, corpus: users}
";

fn records(values: &[Value]) -> Vec<Json> {
    values.iter().map(Json::from).collect()
}

fn table(name: &str, cursor: Option<&str>, lists: Vec<RecordedList>) -> RecordedTable {
    let parent = (lists.len() > 1).then(|| "tickets".to_owned());
    RecordedTable {
        name: name.to_owned(),
        keys: vec!["id".to_owned()],
        cursor: cursor.map(str::to_owned),
        parent,
        lists,
    }
}

/// What was recorded of tickets, of their comments, and of users.
fn recorded() -> Vec<RecordedTable> {
    let tickets = [
        json!({"id": 7100, "url": "https://x.example/tickets/7100", "state": "open", "assignee_id": "u-ann",
            "created_at": "2025-03-01T08:00:00Z", "updated_at": "2025-03-03T08:00:00Z", "body": "text of 40 characters"}),
        json!({"id": 7050, "url": "https://x.example/tickets/7050", "state": "closed", "assignee_id": null,
            "created_at": "2025-02-01T08:00:00Z", "updated_at": "2025-02-01T08:00:00Z", "body": "text of 9 characters",
            "pet": "{cat}", "$kind": 1}),
        json!({"id": 7100, "state": "an older version of the same row", "updated_at": "2025-01-01T08:00:00Z"}),
    ];
    // The last version of a row that the recording has is the one that counts.
    let tickets = [&tickets[2..], &tickets[..2]].concat();
    let of_ticket = |id: &str, comments: &[Value]| RecordedList {
        parent: vec![("id".to_owned(), id.to_owned())],
        records: records(comments),
    };
    let comment = |id: &str, ticket: u64| json!({"id": id, "ticket_id": ticket, "at": "2025-03-03 07:00:00"});
    let comments = vec![
        of_ticket("7100", &[comment("c-1", 7100), comment("c-2", 7100)]),
        of_ticket("7050", &[comment("c-3", 7050)]),
    ];
    let users =
        [json!({"id": "u-ann", "joined_at": "2025-03-01T07:00:00Z"}), json!({"id": "u-bob", "joined_at": null})];
    vec![
        table("tickets", Some("updated_at"), vec![RecordedList { parent: Vec::new(), records: records(&tickets) }]),
        table("comments", None, comments),
        table("users", None, vec![RecordedList { parent: Vec::new(), records: records(&users) }]),
        table("empty", None, vec![RecordedList::default()]),
    ]
}

#[tokio::test]
async fn rows_are_served_as_they_were_recorded_relative_to_now() {
    let made = RecordedCorpora::of(&recorded());
    assert_eq!(made, RecordedCorpora::of(&recorded()), "the same recording gives the same corpora");
    assert_eq!(made.left_out.keys().collect::<Vec<_>>(), ["empty"]);
    let corpora: Vec<(&str, &str)> =
        made.corpora.iter().map(|(name, (text, _))| (name.as_str(), text.as_str())).collect();
    let vendor = Vendor::start(ENDPOINTS, &corpora).await;
    let tickets = vendor.rows("tickets");
    assert_eq!(tickets.len(), 2);
    let (first, last) = (&tickets[0], &tickets[1]);
    assert_eq!(
        *last,
        json!({"id": 7051, "state": "open", "updated_at": "2026-01-15T11:00:00Z",
            "url": "https://x.example/tickets/7051", "assignee_id": "u-1", "created_at": "2026-01-13T11:00:00Z",
            "body": last["body"], "pet": null, "$kind": null})
    );
    assert!((9..=40).contains(&last["body"].as_str().unwrap().chars().count()), "{last}");
    assert_eq!((&first["pet"], &first["$kind"], &first["assignee_id"]), (&json!("{cat}"), &json!(1), &Value::Null));
    assert_eq!(first["created_at"], first["updated_at"]);
    let users = vendor.rows("users");
    assert_eq!(users[0], json!({"id": "u-1", "joined_at": "2026-01-13T10:00:00Z"}));
    for ticket in tickets {
        let comments = vendor.get(&format!("/tickets/{}/comments", ticket["id"])).await;
        let comments = comments.as_array().unwrap();
        assert!((1..=2).contains(&comments.len()), "{comments:?}");
        assert!(
            comments
                .iter()
                .all(|comment| comment["ticket_id"] == ticket["id"] && comment["at"] == "2026-01-15 10:00:00")
        );
    }
}

#[tokio::test]
async fn larger_corpus_has_new_identities_for_rows_that_come_again() {
    let made = RecordedCorpora::of(&recorded()[2..3]);
    let (text, rows) = &made.corpora["users"];
    assert_eq!(*rows, 2);
    let vendor = Vendor::start(ENDPOINTS_OF_USERS, &[("users", &text.replace("\"count\": 2", "\"count\": 5"))]).await;
    let rows = vendor.rows("users");
    let identities: HashSet<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    assert_eq!(identities.len(), 5);
    let joined: Vec<bool> = rows.iter().map(|row| row["joined_at"].is_null()).collect();
    assert_eq!(joined, [false, true, false, true, false]);
}

const ENDPOINTS_OF_USERS: &str = "
auth: [bearer]
endpoints: [{path: /users, corpus: users}]
";
