//! Zendesk: incremental exports by cursor and by time, deleted rows that stay in the export, wrapped writes.

use lakeflow_simulator::Advance;
use serde_json::json;

use crate::support::{Vendor, column};

const ENDPOINTS: &str = r#"
auth: [bearer, basic]
errors: {invalid_parameter: {status: 400, body: {error: StartTimeTooRecent, description: "{reason}"}}}
endpoints:
  - path: /api/v2/incremental/tickets/cursor.json
    corpus: tickets
    rows: all
    default_sort: updated_at
    parameters:
      start_time: {filter: {field: updated_at, op: gte, before_now: 1m}}
      cursor: {cursor: {}}
      per_page: {per_page: {default: 1000, maximum: 1000}}
    response:
      pagination: cursor
      records_key: tickets
      extras: {after_cursor: "{cursor}", after_url: "{next_url}", end_of_stream: "{at_end}"}
  - path: /api/v2/incremental/ticket_events.json
    corpus: ticket_events
    default_sort: created_at
    parameters:
      start_time: {filter: {field: timestamp, op: gte}}
      per_page: {per_page: {default: 1000, maximum: 1000}}
      page: page
    response:
      pagination: next_url
      records_key: ticket_events
      extras: {next_page: "{next_url}", count: "{count}", end_time: "{last.timestamp}", end_of_stream: "{at_end}"}
  - path: /api/v2/deleted_tickets.json
    corpus: tickets
    rows: deleted
    default_sort: updated_at
    parameters: {page: page, per_page: {per_page: {default: 100, maximum: 100}}}
    response: {pagination: next_url, records_key: deleted_tickets, extras: {count: "{total}", next_page: "{next_url}"}}
  - path: /api/v2/tickets.json
    corpus: tickets
    parameters:
      "page[size]": {per_page: {default: 100, maximum: 100}}
      "page[after]": {cursor: {}}
      sort: {sort: {fields: {updated_at: updated_at, id: id}, default: id}}
    response: {pagination: cursor, records_key: tickets, extras: {meta.has_more: "{has_more}", meta.after_cursor: "{cursor}", links.next: "{next_url}"}}
  - {path: /api/v2/tickets.json, method: POST, corpus: tickets, action: create,
     write: {under: ticket, fields: {comment.body: description}}, response: {status: 201, records_key: ticket}}
  - {path: "/api/v2/tickets/{id}.json", method: PUT, corpus: tickets, action: update, write: {under: ticket},
     path_parameters: &ticket {id: {row: {of: tickets, field: id}}}, response: {records_key: ticket}}
  - {path: "/api/v2/tickets/{id}.json", method: DELETE, corpus: tickets, action: delete, path_parameters: *ticket, response: {status: 204}}
  - {path: "/api/v2/tickets/{id}.json", corpus: tickets, path_parameters: *ticket, response: {single_entity: true, records_key: ticket}}
"#;

const TICKETS: &str = r#"{"count": 40, "identity": "id", "cursor": "updated_at", "record": {
    "id": {"$number": "100 + n"}, "subject": {"$words": [2, 5]}, "description": {"$words": [2, 3]},
    "status": {"$choice": ["new", "open", "solved"]},
    "created_at": {"$before": "updated_at", "within": "30d"}, "updated_at": {"$timestamp": ["-90d", "-1h"], "rows_per_instant": 3}},
    "changes": {"subject": {"$words": [2, 5]}}, "deleted": {"status": "deleted"}}"#;

const TICKET_EVENTS: &str = r#"{"parent": "tickets", "per_parent": [1, 3], "identity": "id", "cursor": "created_at", "record": {
    "id": {"$number": "9000 + n"}, "ticket_id": {"$field": "parent.id"}, "created_at": {"$before": "parent.updated_at", "within": "20d"},
    "timestamp": {"$after": "created_at", "by": "0s", "format": "epoch_seconds"},
    "child_events": {"$list": [0, 2], "of": {"event_type": "Comment", "id": {"$number": "n * 10 + i"}, "body": {"$text": [5, 30]}}}}}"#;

async fn zendesk() -> Vendor {
    Vendor::start(ENDPOINTS, &[("tickets", TICKETS), ("ticket_events", TICKET_EVENTS)]).await
}

const EXPORT: &str = "/api/v2/incremental/tickets/cursor.json";

/// Reads the export from a query to its end: the identities, and the cursor to go on with.
async fn export(zendesk: &Vendor, query: &str) -> (Vec<String>, String) {
    let (mut ids, mut query) = (Vec::new(), query.to_owned());
    loop {
        let page = zendesk.get(&format!("{EXPORT}?per_page=7&{query}")).await;
        ids.extend(column(&page["tickets"], "id"));
        let cursor = page["after_cursor"].as_str().unwrap().to_owned();
        if page["end_of_stream"] == true {
            assert!(page["after_url"].is_null());
            return (ids, cursor);
        }
        query = format!("cursor={cursor}");
    }
}

#[tokio::test]
async fn export_gives_every_row_once_and_its_cursor_goes_on_later() {
    let zendesk = zendesk().await;
    let (ids, cursor) = export(&zendesk, "start_time=1").await;
    assert_eq!(ids, (101..=140).map(|id| id.to_string()).collect::<Vec<_>>());
    assert_eq!(export(&zendesk, &format!("cursor={cursor}")).await, (vec![], cursor.clone()));
    zendesk
        .simulator
        .advance(&Advance::new().change("tickets", 105).delete("tickets", 107).table("tickets", 1, 0, 0))
        .unwrap();
    let page = zendesk.get(&format!("{EXPORT}?cursor={cursor}")).await;
    assert_eq!(column(&page["tickets"], "id"), ["105", "141", "107"]);
    assert_eq!(column(&page["tickets"], "status")[2], "deleted");
    let updated = column(&page["tickets"], "updated_at");
    assert!(updated.is_sorted() && updated[0].as_str() > "2026-01-15T12:00:00Z", "{updated:?}");
}

#[tokio::test]
async fn row_that_moves_while_pages_are_read_is_neither_lost_nor_hides_another() {
    let zendesk = zendesk().await;
    let first = zendesk.get(&format!("{EXPORT}?start_time=1&per_page=10")).await;
    let cursor = first["after_cursor"].as_str().unwrap();
    zendesk
        .simulator
        .advance(&Advance::new().change("tickets", 103).change("tickets", 115).change("tickets", 110))
        .unwrap();
    let (rest, _) = export(&zendesk, &format!("cursor={cursor}")).await;
    let mut seen = column(&first["tickets"], "id");
    seen.extend(rest.iter().cloned());
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 40);
    assert_eq!(rest.len(), 30 + 2, "the two that were read before come again");
}

#[tokio::test]
async fn start_time_too_recent_and_foreign_cursor_are_refused() {
    let zendesk = zendesk().await;
    let recent = crate::support::now().timestamp() - 30;
    for query in [format!("start_time={recent}"), "cursor=nonsense".to_owned()] {
        let (status, body) = zendesk.ask("GET", &format!("{EXPORT}?{query}"), None).await;
        assert_eq!((status, &body["error"]), (400, &"StartTimeTooRecent".into()), "{query}");
    }
}

#[tokio::test]
async fn deleted_rows_are_listed_by_themselves_and_gone_elsewhere() {
    let zendesk = zendesk().await;
    zendesk.simulator.advance(&Advance::new().delete("tickets", 120).delete("tickets", 104)).unwrap();
    let deleted = zendesk.get("/api/v2/deleted_tickets.json").await;
    assert_eq!(column(&deleted["deleted_tickets"], "id"), ["120", "104"]);
    let listed = zendesk.get("/api/v2/tickets.json?page[size]=100").await;
    assert_eq!(listed["tickets"].as_array().unwrap().len(), 38);
}

#[tokio::test]
async fn cursor_paging_follows_links_and_hidden_sort() {
    let zendesk = zendesk().await;
    let mut next = Some("/api/v2/tickets.json?page[size]=15&sort=-updated_at".to_owned());
    let (mut ids, mut pages) = (Vec::new(), 0);
    while let Some(url) = next {
        let page = zendesk.get(&url).await;
        ids.extend(column(&page["tickets"], "id"));
        next = page["links"]["next"].as_str().map(str::to_owned);
        assert_eq!(page["meta"]["has_more"], next.is_some());
        pages += 1;
    }
    assert_eq!((pages, ids.len()), (3, 40));
    assert_eq!(ids[0], "140");
}

#[tokio::test]
async fn time_based_export_tells_its_end() {
    let zendesk = zendesk().await;
    let page = zendesk.get("/api/v2/incremental/ticket_events.json?start_time=0&per_page=9").await;
    let last = page["ticket_events"][8].clone();
    assert_eq!(
        (&page["end_time"], &page["count"], &page["end_of_stream"]),
        (&last["timestamp"], &9.into(), &false.into())
    );
    let second = zendesk.get(page["next_page"].as_str().unwrap()).await;
    assert!(second["ticket_events"][0]["timestamp"].as_i64() >= last["timestamp"].as_i64());
}

#[tokio::test]
async fn writes_are_wrapped_and_seen_by_the_export() {
    let zendesk = zendesk().await;
    let (_, cursor) = export(&zendesk, "start_time=1").await;
    let (status, body) = zendesk
        .post("/api/v2/tickets.json", json!({"ticket": {"subject": "Printer", "comment": {"body": "smokes"}}}))
        .await;
    let ticket = &body["ticket"];
    assert_eq!((status, &ticket["subject"], &ticket["description"]), (201, &"Printer".into(), &"smokes".into()));
    let path = format!("/api/v2/tickets/{}.json", ticket["id"]);
    let (status, body) = zendesk.ask("PUT", &path, Some(json!({"ticket": {"status": "solved"}}))).await;
    assert_eq!(
        (status, &body["ticket"]["status"], &body["ticket"]["subject"]),
        (200, &"solved".into(), &"Printer".into())
    );
    assert!(body["ticket"]["updated_at"].as_str() > ticket["updated_at"].as_str());
    assert_eq!(zendesk.get(&path).await["ticket"], body["ticket"]);
    assert_eq!(zendesk.ask("DELETE", &path, None).await.0, 204);
    let page = zendesk.get(&format!("{EXPORT}?cursor={cursor}")).await;
    assert_eq!(
        (column(&page["tickets"], "status"), page["end_of_stream"].clone()),
        (vec!["deleted".to_owned()], true.into())
    );
    assert_eq!(page["tickets"][0]["subject"], "Printer");
}
