//! Range by range, with a checkpoint after each.

use crate::source::{Source, assert_resumable, read, row};
use lakeflow_interface::Offset;
use serde_json::Value as Json;

const ROWS: &str = "
  rows:
    ingestion_type: append
    primary_keys: [id]
    cursor_field: updated_at
    request: {path: /rows, params: {direction: desc}}
    incremental: {from: since, to: until, window: 10m, oldest: last_page}
    schema: id BIGINT NOT NULL, updated_at TIMESTAMP
";

fn rows() -> Vec<Json> {
    [3, 5, 5, 13, 13, 13, 13, 23, 40, 41, 55].iter().enumerate().map(|(id, minute)| row(id as u64, *minute)).collect()
}

#[tokio::test]
async fn windows_give_each_row_once_and_resume_after_each() {
    let source = Source::start(rows()).await;
    let connector = source.connect(ROWS);
    let whole = read(&connector, "rows", &Offset::beginning(), &[], 60).await.unwrap();
    let mut ids = whole.ids();
    ids.sort_unstable();
    assert_eq!(ids, (0..11).collect::<Vec<_>>());
    assert!(whole.checkpoints.len() >= 4, "{:?}", whole.checkpoints);
    assert_resumable(&connector, "rows", &whole, &[], 60).await;
    let nothing = read(&connector, "rows", whole.end(), &[], 70).await.unwrap();
    assert_eq!((nothing.rows.len(), nothing.end()), (0, whole.end()));
}

#[tokio::test]
async fn first_window_begins_at_the_oldest_record_of_the_last_page() {
    let source = Source::start(rows()).await;
    read(&source.connect(ROWS), "rows", &Offset::beginning(), &[], 60).await.unwrap();
    let requests = source.requests();
    assert_eq!(requests[0], "/rows?direction=desc&per_page=3");
    assert_eq!(requests[1], "/rows?direction=desc&page=4&per_page=3");
    assert!(
        requests[2..].iter().any(|request| !request.contains("since") && request.contains("until=2026-01-01T00%3A1")),
        "{requests:?}"
    );
}

#[tokio::test]
async fn empty_source_yields_the_start() {
    let source = Source::start(Vec::new()).await;
    let whole = read(&source.connect(ROWS), "rows", &Offset::beginning(), &[], 60).await.unwrap();
    assert_eq!(whole.end(), &Offset::beginning());
    assert_eq!(source.requests().len(), 1);
}

#[tokio::test]
async fn start_date_and_window_are_the_users() {
    let source = Source::start(rows()).await;
    let options = [("start_date", "2026-01-01T00:20:00Z"), ("window_seconds", "3600")];
    let whole = read(&source.connect(ROWS), "rows", &Offset::beginning(), &options, 60).await.unwrap();
    let mut ids = whole.ids();
    ids.sort_unstable();
    assert_eq!(ids, [7, 8, 9, 10]);
    assert!(source.requests().iter().all(|request| request.contains("since") && request.contains("until")));
}

#[tokio::test]
async fn lookback_finds_late_rows_and_repeats_none() {
    let source = Source::start(rows()).await;
    let connector = source.connect(ROWS);
    let options = [("lookback_seconds", "1200")];
    let first = read(&connector, "rows", &Offset::beginning(), &options, 60).await.unwrap();
    source.with(|rows| rows.push(row(99, 38)));
    let second = read(&connector, "rows", first.end(), &options, 70).await.unwrap();
    assert_eq!(second.ids(), [99]);
}
