//! Tables whose changes a feed tells.

use crate::scripted::{Asked, Scripted, end, json, read, read_with, rows};
use axum::response::Response;
use lakeflow_interface::ErrorKind;
use serde_json::{Value as Json, json};

const DEFINITION: &str = "
feeds:
  events:
    request: {path: /events, params: {\"types[]\": \"{{ feed.types }}\"}}
    events: $.data
    id: $.id
    type: $.type
    sequence: $.created
    record: $.data.object
    from: {param: \"created[gte]\", format: epoch_seconds}
    horizon: 30d
tables:
  rows:
    ingestion_type: cdc_with_deletes
    primary_keys: [id]
    cursor_field: updated
    request: /rows
    records: $.data
    pagination: {last_record: {param: after, field: id, more: $.more}}
    add_fields: {updated: $.created}
    changes: {feed: events, upsert: [row.created, row.updated], delete: [row.deleted], start: {param: since, format: epoch_seconds}}
    schema: id STRING NOT NULL, created TIMESTAMP, v BIGINT, updated TIMESTAMP
";

/// 2026-06-30T00:00:00Z
const HORIZON: u64 = 1_782_777_600;

fn event(id: &str, kind: &str, created: u64, object: Json) -> Json {
    json!({"id": id, "type": kind, "created": created, "data": {"object": object}})
}

fn answer(asked: &Asked, events: &[Json]) -> Response {
    if asked.path == "/events" {
        let from: u64 = asked.param("created[gte]").unwrap().parse().unwrap();
        let found: Vec<&Json> =
            events.iter().rev().filter(|event| event["created"].as_u64().unwrap() >= from).collect();
        return json(json!({"data": found, "more": false}));
    }
    let all = ["a", "b", "c"].map(|id| json!({"id": id, "created": 5, "v": 1}));
    let begin = asked.param("after").map_or(0, |after| all.iter().position(|row| row["id"] == after).unwrap() + 1);
    json(json!({"data": all[begin..(begin + 2).min(3)], "more": begin + 2 < 3}))
}

#[tokio::test]
async fn list_is_read_once_and_then_the_feed() {
    let events = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = events.clone();
    let source = Scripted::start(move |asked| answer(asked, &told.lock().unwrap())).await;
    let connector = source.connect(DEFINITION);
    let first = read(&connector, "rows", "{}").await.unwrap();
    assert_eq!(
        rows(&first),
        ["a", "b", "c"].map(|id| format!("+{{\"created\":5,\"id\":\"{id}\",\"v\":1,\"updated\":5}}"))
    );
    assert_eq!(end(&first), r#"{"feed":"2026-06-29T23:55:00Z"}"#);
    let from = HORIZON - 300;
    let events_from =
        format!("/events?types[]=row.created&types[]=row.updated&types[]=row.deleted&created[gte]={from}");
    let asked = [events_from.clone(), "/rows".to_owned(), "/rows?after=b".to_owned(), events_from];
    assert_eq!(source.requests(), asked);
    let resumed =
        read(&connector, "rows", r#"{"backfill":{"after":"b"},"feed":"2026-06-29T23:55:00Z"}"#).await.unwrap();
    assert_eq!(rows(&resumed).len(), 1);
    *events.lock().unwrap() = vec![
        event("e1", "row.updated", HORIZON - 10, json!({"id": "a", "v": 2})),
        event("e2", "row.updated", HORIZON - 10, json!({"id": "a", "v": 3})),
        event("e3", "row.deleted", HORIZON - 9, json!({"id": "b", "v": 1})),
        event("e4", "other.updated", HORIZON - 9, json!({"id": "x"})),
        event("e5", "row.updated", HORIZON + 9, json!({"id": "c", "v": 9})),
    ];
    let second = read(&connector, "rows", end(&first)).await.unwrap();
    let at = HORIZON - 10;
    assert_eq!(
        rows(&second),
        [
            format!("+{{\"id\":\"a\",\"v\":3,\"updated\":{at}}}"),
            format!("-{{\"id\":\"b\",\"v\":1,\"updated\":{}}}", at + 1),
        ]
    );
    assert_eq!(end(&second), r#"{"feed":"2026-06-29T23:59:51Z","seen":["e3"]}"#);
    let third = read(&connector, "rows", end(&second)).await.unwrap();
    assert_eq!(third, [format!("={}", end(&second))]);
}

#[tokio::test]
async fn place_behind_the_horizon_of_the_feed_is_an_error_and_a_quiet_one_moves_on() {
    let source = Scripted::start(|asked| answer(asked, &[])).await;
    let connector = source.connect(DEFINITION);
    let error = read(&connector, "rows", r#"{"feed":"2026-05-01T00:00:00Z"}"#).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.hint().unwrap().contains("full refresh"), "{error:?}");
    let old = read(&connector, "rows", r#"{"feed":"2026-06-20T00:00:00Z"}"#).await.unwrap();
    assert_eq!(end(&old), r#"{"feed":"2026-06-29T23:55:00Z"}"#);
}

#[tokio::test]
async fn start_date_bounds_the_list() {
    let source = Scripted::start(|asked| answer(asked, &[])).await;
    let given = [("start_date", "1970-01-02")];
    read_with(&source.connect(DEFINITION), "rows", "{}", &given, "2026-06-30T00:00:00Z").await.unwrap();
    assert_eq!(source.requests()[1], "/rows?since=86400");
}

#[tokio::test]
async fn what_the_feed_told_before_the_list_does_not_come_again() {
    let told = [
        event("e1", "row.created", HORIZON - 90, json!({"id": "a", "v": 1})),
        event("e2", "row.created", HORIZON - 60, json!({"id": "b", "v": 1})),
        event("e3", "row.created", HORIZON - 60, json!({"id": "c", "v": 1})),
    ];
    let source = Scripted::start(move |asked| answer(asked, &told)).await;
    let first = read(&source.connect(DEFINITION), "rows", "{}").await.unwrap();
    assert_eq!(rows(&first).len(), 3);
    assert_eq!(end(&first), r#"{"feed":"2026-06-29T23:59:00Z","seen":["e2","e3"]}"#);
}

#[tokio::test]
async fn event_that_is_listed_late_is_lost_without_a_lookback_and_comes_once_with_it() {
    let in_time = || event("e1", "row.updated", HORIZON - 60, json!({"id": "a", "v": 2}));
    let late = || event("e2", "row.updated", HORIZON - 90, json!({"id": "b", "v": 2}));
    let with_lookback = DEFINITION.replace("horizon: 30d", "horizon: 30d\n    lookback: 5m");
    for (definition, expected) in [(DEFINITION, 0), (&with_lookback, 1)] {
        let events = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let told = events.clone();
        let source = Scripted::start(move |asked| answer(asked, &told.lock().unwrap())).await;
        let connector = source.connect(definition);
        let first = read(&connector, "rows", "{}").await.unwrap();
        events.lock().unwrap().push(in_time());
        let second = read(&connector, "rows", end(&first)).await.unwrap();
        assert_eq!(rows(&second).len(), 1);
        events.lock().unwrap().insert(0, late());
        let third = read(&connector, "rows", end(&second)).await.unwrap();
        assert_eq!(rows(&third).len(), expected, "{third:?}");
        let fourth = read(&connector, "rows", end(&third)).await.unwrap();
        assert_eq!(fourth, [format!("={}", end(&third))]);
    }
}
