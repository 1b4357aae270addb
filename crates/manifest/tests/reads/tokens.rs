//! Tokens of the source that say where to go on.

use crate::scripted::{Asked, Scripted, end, json, read, rows, status};
use axum::response::Response;
use serde_json::{Value as Json, json};

fn table(offset: &str, more: &str) -> String {
    format!(
        "tables:\n  rows:\n    ingestion_type: cdc_with_deletes\n    primary_keys: [id]\n    cursor_field: at\n    \
         request: /rows\n    records: $.rows\n    offset: {offset}\n    deletes: {{where: $.status == 'deleted'}}\n{more}    \
         schema: id BIGINT NOT NULL, at TIMESTAMP, status STRING\n"
    )
}

const CURSOR: &str = "{first: {param: start, value: \"{{ options.start_date | epoch_seconds or 0 }}\"}, \
                      next: {param: cursor, from: $.after}, end: $.end}";

fn row(id: u64, second: u64) -> Json {
    json!({"id": id, "at": 1_700_000_000 + second, "status": if id.is_multiple_of(3) { "deleted" } else { "open" }})
}

/// Pages of two rows; a cursor is the number of rows before it.
fn by_cursor(asked: &Asked, count: u64) -> Response {
    let begin: u64 = asked.param("cursor").map_or(0, |cursor| cursor.parse().unwrap());
    let end = (begin + 2).min(count);
    let rows: Vec<Json> = (begin..end).map(|id| row(id + 1, id)).collect();
    json(json!({"rows": rows, "after": end.to_string(), "end": end == count}))
}

#[tokio::test]
async fn pages_follow_by_token_and_the_next_read_goes_on_at_the_last() {
    let mut count = 5;
    let source = Scripted::start(move |asked| {
        count += u64::from(asked.path == "/more");
        by_cursor(asked, count)
    })
    .await;
    let connector = source.connect(&table(CURSOR, ""));
    let first = read(&connector, "rows", "{}").await.unwrap();
    let marks: Vec<char> = rows(&first).iter().map(|row| row.chars().next().unwrap()).collect();
    assert_eq!(marks, ['+', '+', '-', '+', '+']);
    assert_eq!(first.iter().filter(|item| item.starts_with('=')).count(), 4);
    assert_eq!(end(&first), r#"{"token":"5"}"#);
    assert_eq!(source.requests(), ["/rows?start=0", "/rows?cursor=2", "/rows?cursor=4"]);
    let nothing = read(&connector, "rows", end(&first)).await.unwrap();
    assert_eq!(nothing, [r#"={"token":"5"}"#]);
    let resumed = read(&connector, "rows", r#"{"token":"2"}"#).await.unwrap();
    assert_eq!(rows(&resumed).len(), 3);
}

#[tokio::test]
async fn inclusive_token_hands_on_the_rows_at_it_once() {
    let rows_of = [1, 2, 2, 3, 3, 3];
    let source = Scripted::start(move |asked| {
        let from: u64 = asked.param("t").unwrap().parse().unwrap();
        let all = rows_of.iter().zip(1..).filter(|(second, _)| 1_700_000_000 + **second >= from);
        let page: Vec<Json> = all.take(3).map(|(second, id)| row(id, *second)).collect();
        let last = page.last().map(|row| row["at"].clone());
        json(json!({"rows": page, "time": last}))
    })
    .await;
    let offset = "{first: {param: t, value: \"0\"}, next: {param: t, from: $.time}, inclusive: true}";
    let connector = source.connect(&table(offset, ""));
    let first = read(&connector, "rows", "{}").await.unwrap();
    let ids: Vec<&str> = rows(&first).iter().map(|row| &row[1..8]).collect();
    assert_eq!(ids, ["{\"at\":1"; 6], "{first:?}");
    let nothing = read(&connector, "rows", end(&first)).await.unwrap();
    assert_eq!(nothing.len(), 1);
    assert_eq!(end(&nothing), end(&first));
}

#[tokio::test]
async fn delta_link_is_followed_whole_and_read_anew_when_it_is_too_old() {
    let source = Scripted::start(|asked| match (asked.path.as_str(), asked.param("d")) {
        ("/rows", None) => json(json!({"rows": [row(1, 1)], "@odata.nextLink": "/next?p=2"})),
        ("/next", _) => json(json!({"rows": [row(2, 2)], "@odata.deltaLink": "/rows?d=old"})),
        ("/rows", Some("old")) => status(410, json!({"error": "resyncRequired"})),
        _ => status(404, json!({})),
    })
    .await;
    let offset = "{next: {url: \"$['@odata.nextLink']\"}, resume: {url: \"$['@odata.deltaLink']\"}, expired: 410}";
    let connector = source.connect(&table(offset, ""));
    let first = read(&connector, "rows", "{}").await.unwrap();
    assert_eq!(end(&first), r#"{"resume":"/rows?d=old"}"#);
    source.requests();
    let again = read(&connector, "rows", end(&first)).await.unwrap();
    assert_eq!(rows(&again).len(), 2);
    assert_eq!(source.requests(), ["/rows?d=old", "/rows", "/next?p=2"]);
}

#[tokio::test]
async fn each_parent_has_a_token_of_its_own() {
    let mut has_third = false;
    let source = Scripted::start(move |asked| match (asked.path.as_str(), asked.param("cursor")) {
        ("/teams", _) => {
            let teams: &[&str] = if has_third { &["a", "b", "c"] } else { &["a", "b"] };
            has_third = true;
            json(teams.iter().map(|id| json!({"id": id})).collect())
        }
        (path, None) => json(json!({"rows": [row(path.len() as u64, 1)], "after": "1", "end": true})),
        (_, Some(_)) => json(json!({"rows": [], "after": "1", "end": true})),
    })
    .await;
    let more = "    parent: {table: teams, as: {team: id}}\n";
    let text = table(CURSOR, more).replace("request: /rows", "request: /teams/{{ parent.team }}/rows");
    let teams = "  teams: {ingestion_type: snapshot, primary_keys: [id], request: /teams, schema: id STRING}\n";
    let connector = source.connect(&format!("{text}{teams}"));
    let first = read(&connector, "rows", "{}").await.unwrap();
    assert_eq!(end(&first), r#"{"parents":{"a":{"token":"1"},"b":{"token":"1"}}}"#);
    let second = read(&connector, "rows", end(&first)).await.unwrap();
    assert_eq!(rows(&second).len(), 1);
    assert_eq!(end(&second), r#"{"parents":{"a":{"token":"1"},"b":{"token":"1"},"c":{"token":"1"}}}"#);
}
