//! Newest first, until the stored cursor.

use crate::source::{Source, assert_resumable, read, row};
use lakeflow_interface::Offset;

const ROWS: &str = "
  rows:
    ingestion_type: cdc
    primary_keys: [id]
    cursor_field: updated_at
    request: {path: /rows, params: {direction: desc}}
    incremental: {order: descending}
    schema: id BIGINT NOT NULL, updated_at TIMESTAMP
";

#[tokio::test]
async fn incremental_read_stops_at_the_stored_cursor() {
    let source = Source::start((1..=20).map(|id| row(id, id as u32)).collect()).await;
    let connector = source.connect(ROWS);
    let first = read(&connector, "rows", &Offset::beginning(), &[], 100).await.unwrap();
    assert_eq!(first.ids(), (1..=20).rev().collect::<Vec<_>>());
    assert_eq!(first.checkpoints.len(), 1);
    source.requests();
    let nothing = read(&connector, "rows", first.end(), &[], 100).await.unwrap();
    assert_eq!((nothing.rows.len(), nothing.end()), (0, first.end()));
    assert_eq!(source.requests(), ["/rows?direction=desc&per_page=3"]);
    source.with(|rows| {
        rows.push(row(21, 21));
        rows[4] = row(5, 22);
    });
    let changed = read(&connector, "rows", first.end(), &[], 100).await.unwrap();
    assert_eq!(changed.ids(), [5, 21]);
    assert_resumable(&connector, "rows", &changed, &[], 100).await;
}

#[tokio::test]
async fn row_that_comes_twice_is_handed_on_once() {
    let source = Source::start((1..=12).map(|id| row(id, id as u32)).collect()).await;
    let mut next = 100;
    source.on_request(move |number, rows| {
        if number > 1 {
            next += 1;
            rows.push(row(u64::from(next), next));
        }
    });
    let options = [("max_records_per_batch", "1")];
    let whole = read(&source.connect(ROWS), "rows", &Offset::beginning(), &options, 50).await.unwrap();
    assert_eq!(whole.ids(), (1..=12).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn rows_behind_the_horizon_are_left_for_the_next_read() {
    let source = Source::start(vec![row(1, 1), row(2, 60)]).await;
    let connector = source.connect(ROWS);
    let first = read(&connector, "rows", &Offset::beginning(), &[], 30).await.unwrap();
    assert_eq!(first.ids(), [1]);
    assert_eq!(read(&connector, "rows", first.end(), &[], 90).await.unwrap().ids(), [2]);
}

#[tokio::test]
async fn lookback_finds_late_rows_and_repeats_none() {
    let source = Source::start((1..=9).map(|id| row(id, 10 * id as u32)).collect()).await;
    let connector = source.connect(ROWS);
    let options = [("lookback_seconds", "1800")];
    let first = read(&connector, "rows", &Offset::beginning(), &options, 100).await.unwrap();
    source.with(|rows| rows.push(row(99, 65)));
    let second = read(&connector, "rows", first.end(), &options, 100).await.unwrap();
    assert_eq!(second.ids(), [99]);
}
