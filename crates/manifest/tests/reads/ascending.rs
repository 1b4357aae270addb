//! Oldest first: from the stored cursor on, with checkpoints on the way.

use crate::source::{Source, assert_resumable, at, read, read_in, row, until};
use axum::http::StatusCode;
use lakeflow_interface::{ErrorKind, Offset, ReadContext};
use serde_json::json;

const CDC: &str = "
  rows:
    ingestion_type: cdc
    primary_keys: [id]
    cursor_field: updated_at
    request: {path: /rows, params: {direction: asc}}
    incremental: {from: since, order: ascending}
    schema: id BIGINT NOT NULL, updated_at TIMESTAMP
";

fn append() -> String {
    CDC.replace("cdc", "append")
}

#[tokio::test]
async fn second_read_gives_what_changed_and_third_nothing() {
    let source = Source::start((1..=7).map(|id| row(id, id as u32)).collect()).await;
    let connector = source.connect(CDC);
    let first = read(&connector, "rows", &Offset::beginning(), &[], 100).await.unwrap();
    assert_eq!(first.ids(), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(first.end().to_string(), format!(r#"{{"cursor":"{0}","seen":["7@{0}"]}}"#, at(7)));
    source.with(|rows| rows.push(row(8, 8)));
    let second = read(&connector, "rows", first.end(), &[], 100).await.unwrap();
    assert_eq!(second.ids(), [8]);
    source.requests();
    let third = read(&connector, "rows", second.end(), &[], 100).await.unwrap();
    assert_eq!((third.rows.len(), third.checkpoints.len()), (0, 1));
    assert_eq!(third.end(), second.end());
    assert_eq!(source.requests(), [format!("/rows?direction=asc&since={}&per_page=3", at(8).replace(':', "%3A"))]);
}

#[tokio::test]
async fn batch_cap_neither_stalls_nor_downloads_pages_again() {
    let source = Source::start((1..=10).map(|id| row(id, 5)).collect()).await;
    let connector = source.connect(CDC);
    let options = [("max_records_per_batch", "2"), ("lookback_seconds", "300")];
    let whole = read(&connector, "rows", &Offset::beginning(), &options, 100).await.unwrap();
    assert_eq!(whole.ids(), (1..=10).collect::<Vec<_>>());
    // The first page is asked for again from the cursor that it ends at, and the others follow it.
    assert_eq!(source.requests().len(), 5);
    let batches: Vec<usize> = whole.checkpoints.iter().map(|(rows, _)| *rows).collect();
    assert_eq!(batches, [2, 3, 5, 6, 8, 9, 10, 10]);
    assert_resumable(&connector, "rows", &whole, &options, 100).await;
}

#[tokio::test]
async fn equal_cursors_at_the_edge_of_a_page_lose_nothing() {
    let minutes = [1, 2, 2, 2, 2, 2, 2, 2, 3, 3];
    for definition in [CDC.to_owned(), append()] {
        let rows = minutes.iter().enumerate().map(|(id, minute)| row(id as u64, *minute)).collect();
        let source = Source::start(rows).await;
        let connector = source.connect(&definition);
        let whole = read(&connector, "rows", &Offset::beginning(), &[], 100).await.unwrap();
        assert_eq!(whole.ids(), (0..10).collect::<Vec<_>>());
        assert_resumable(&connector, "rows", &whole, &[], 100).await;
    }
}

#[tokio::test]
async fn cursor_that_stands_still_up_to_the_ceiling_is_an_error_in_pages_of_any_size() {
    let source = Source::start((1..=7).map(|id| row(id, 5)).collect()).await;
    let connector = source.connect(&CDC.replace("ascending}", "ascending, ceiling: {pages: 3}}"));
    let error = read(&connector, "rows", &Offset::beginning(), &[], 100).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadResponse);
    assert!(error.message().contains("fewer than 3 pages with the same cursor, found 3"), "{error}");
    let whole = read(&connector, "rows", &Offset::beginning(), &[("per_page", "4")], 100).await.unwrap();
    assert_eq!(whole.ids(), (1..=7).collect::<Vec<_>>());
}

#[tokio::test]
async fn lookback_finds_late_rows_and_repeats_none() {
    for definition in [CDC.to_owned(), append()] {
        let source = Source::start((1..=7).map(|id| row(id, 10 * id as u32)).collect()).await;
        let connector = source.connect(&definition);
        let options = [("lookback_seconds", "1800")];
        let first = read(&connector, "rows", &Offset::beginning(), &options, 100).await.unwrap();
        source.with(|rows| rows.push(row(99, 45)));
        let second = read(&connector, "rows", first.end(), &options, 100).await.unwrap();
        assert_eq!(second.ids(), [99]);
        let third = read(&connector, "rows", second.end(), &options, 100).await.unwrap();
        assert_eq!(third.end(), second.end());
        assert!(third.rows.is_empty());
    }
}

#[tokio::test]
async fn every_checkpoint_resumes_to_the_same_rows() {
    for definition in [CDC.to_owned(), append()] {
        let source = Source::start((1..=11).map(|id| row(id, id as u32 / 2)).collect()).await;
        let connector = source.connect(&definition);
        let whole = read(&connector, "rows", &Offset::beginning(), &[], 100).await.unwrap();
        assert!(whole.checkpoints.len() >= 4);
        assert_resumable(&connector, "rows", &whole, &[], 100).await;
    }
}

/// Updates row 1 when page 2 is asked for: page 2 then begins one row later than where page 1 ended.
fn update_while_paging(source: &Source) {
    let mut is_done = false;
    source.on_request(move |number, rows| {
        if number == 2 && !is_done {
            is_done = true;
            rows[0] = row(1, 200);
        }
    });
}

#[tokio::test]
async fn row_updated_while_paging_is_not_skipped() {
    for definition in [CDC.to_owned(), append()] {
        let source = Source::start((1..=10).map(|id| row(id, id as u32)).collect()).await;
        let connector = source.connect(&definition);
        update_while_paging(&source);
        let read_once = read(&connector, "rows", &Offset::beginning(), &[], 100).await.unwrap();
        let mut ids = read_once.ids();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids, (1..=10).collect::<Vec<_>>(), "{read_once:?}");
        let later = read(&connector, "rows", read_once.end(), &[], 300).await.unwrap();
        assert_eq!(later.rows, [format!("1@{}", at(200))]);
    }
}

#[tokio::test]
async fn row_deleted_while_paging_costs_no_other_row() {
    for definition in [CDC.to_owned(), append()] {
        let source = Source::start((1..=10).map(|id| row(id, id as u32)).collect()).await;
        let connector = source.connect(&definition);
        source.on_request(|number, rows| rows.retain(|row| number < 2 || row["id"] != 1));
        let whole = read(&connector, "rows", &Offset::beginning(), &[], 100).await.unwrap();
        assert_eq!(whole.ids(), (1..=10).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn changes_that_are_all_kept_are_handed_on_once_while_rows_move() {
    let source = Source::start((1..=10).map(|id| row(id, id as u32)).collect()).await;
    let connector = source.connect(CDC);
    update_while_paging(&source);
    let context = ReadContext { keeps_all: true, ..ReadContext::new(until(100)) };
    let whole = read_in(&connector, "rows", &Offset::beginning(), &[], context).await.unwrap();
    assert_eq!(whole.ids(), (1..=10).collect::<Vec<_>>());
    let context = ReadContext { keeps_all: true, ..ReadContext::new(until(300)) };
    let later = read_in(&connector, "rows", whole.end(), &[], context).await.unwrap();
    assert_eq!(later.rows, [format!("1@{}", at(200))]);
}

/// A list of 334 pages, in an order that a test may disturb.
async fn long_list() -> Source {
    Source::start((1..=1000).map(|id| row(id, id as u32)).collect()).await
}

#[tokio::test]
async fn long_list_is_read_in_stretches() {
    let source = long_list().await;
    let connector = source.connect(&append());
    let whole = read(&connector, "rows", &Offset::beginning(), &[], 1200).await.unwrap();
    assert_eq!(whole.ids(), (1..=1000).collect::<Vec<_>>());
    // Each of three stretches reads its last page before the others too, and the last page of the one before again.
    assert_eq!(source.requests().len(), 334 + 3 * 2);
    assert_resumable(&connector, "rows", &whole, &[], 1200).await;
}

#[tokio::test]
async fn rows_that_move_or_vanish_while_a_stretch_is_read_cost_no_other_row() {
    for (number, is_deleted) in
        [2, 3, 60, 129, 130, 131, 132, 133, 200].into_iter().flat_map(|at| [(at, true), (at, false)])
    {
        let source = long_list().await;
        let definition = if number % 2 == 0 { append() } else { CDC.to_owned() };
        let connector = source.connect(&definition);
        source.on_request(move |request, rows| match request == number {
            true if is_deleted => rows.retain(|row| row["id"] != 2),
            true => rows[1] = row(2, 1300),
            false => {}
        });
        let whole = read(&connector, "rows", &Offset::beginning(), &[], 1200).await.unwrap();
        let mut ids = whole.ids();
        ids.sort_unstable();
        assert_eq!(ids, (1..=1000).collect::<Vec<_>>(), "request {number}, deleted: {is_deleted}");
        if number == 60 {
            source.on_request(|_, _| ());
            assert_resumable(&connector, "rows", &whole, &[], 1200).await;
        }
    }
}

#[tokio::test]
async fn long_list_that_changes_all_the_time_is_read_to_its_end() {
    let source = long_list().await;
    let connector = source.connect(&append());
    let mut moved = 0;
    source.on_request(move |request, rows| {
        if request % 40 == 0 && moved < 20 {
            moved += 1;
            rows[moved - 1] = row(moved as u64, 1000 + moved as u32);
        }
    });
    let whole = read(&connector, "rows", &Offset::beginning(), &[], 1200).await.unwrap();
    let versions: std::collections::BTreeSet<&String> = whole.rows.iter().collect();
    assert_eq!(versions.len(), whole.rows.len(), "a version came twice");
    assert_eq!(whole.ids().into_iter().collect::<std::collections::BTreeSet<_>>().len(), 1000);
}

#[tokio::test]
async fn row_updated_while_paging_is_not_skipped_after_a_resume() {
    let source = Source::start((1..=10).map(|id| row(id, id as u32)).collect()).await;
    let connector = source.connect(CDC);
    update_while_paging(&source);
    let whole = read(&connector, "rows", &Offset::beginning(), &[], 100).await.unwrap();
    for (rows, offset) in &whole.checkpoints {
        let rest = read(&connector, "rows", offset, &[], 100).await.unwrap();
        let mut ids: Vec<u64> = whole.ids()[..*rows].iter().copied().chain(rest.ids()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids, (1..=10).collect::<Vec<_>>(), "resumed from {offset}");
    }
}

#[tokio::test]
async fn future_dated_rows_do_not_keep_a_read_going() {
    let mut minute = 1000;
    let source = Source::start((1..=4).map(|id| row(id, id as u32)).collect()).await;
    source.on_request(move |_, rows| {
        minute += 1;
        rows.push(row(u64::from(minute), minute));
    });
    for definition in [CDC.to_owned(), append()] {
        let connector = source.connect(&definition);
        let whole = read(&connector, "rows", &Offset::beginning(), &[], 100).await.unwrap();
        let mut ids = whole.ids();
        ids.dedup();
        assert_eq!(ids[..4], [1, 2, 3, 4]);
        assert!(ids.iter().all(|id| *id < 1000), "{ids:?}");
        assert!(source.requests().len() < 10);
    }
}

#[tokio::test]
async fn record_without_cursor_is_handed_on_and_moves_nothing() {
    let source = Source::start(vec![json!({"id": 9, "updated_at": null}), row(1, 1)]).await;
    let connector = source.connect(CDC);
    let whole = read(&connector, "rows", &Offset::beginning(), &[], 100).await.unwrap();
    assert_eq!(whole.ids(), [9, 1]);
    assert_eq!(whole.end().get("cursor"), Some(&json!(at(1))));
}

#[tokio::test]
async fn start_date_is_the_first_lower_bound() {
    let source = Source::start((1..=5).map(|id| row(id, 60 * id as u32)).collect()).await;
    let connector = source.connect(CDC);
    let options = [("start_date", "2026-01-01T03:00:00Z")];
    let whole = read(&connector, "rows", &Offset::beginning(), &options, 1000).await.unwrap();
    assert_eq!(whole.ids(), [3, 4, 5]);
}

#[tokio::test]
async fn failed_page_in_mid_read_fails_the_read() {
    let source = Source::start((1..=10).map(|id| row(id, id as u32)).collect()).await;
    source.fail(3, StatusCode::BAD_REQUEST);
    for definition in [CDC.to_owned(), append()] {
        source.requests();
        let error = read(&source.connect(&definition), "rows", &Offset::beginning(), &[], 100).await.unwrap_err();
        assert_eq!(error.context("table"), Some("rows"));
        assert_eq!(error.context("status"), Some("400"));
    }
}

#[tokio::test]
async fn next_link_to_another_host_is_refused() {
    let source = Source::start((1..=10).map(|id| row(id, 1)).collect()).await;
    source.send_next_elsewhere("http://foreign.example");
    let error = read(&source.connect(CDC), "rows", &Offset::beginning(), &[], 100).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadResponse);
    assert!(error.to_string().contains("foreign.example"), "{error}");
}

#[tokio::test]
async fn offset_of_another_table_is_refused() {
    let source = Source::start(Vec::new()).await;
    let start = Offset::beginning().with("cursor", "soon");
    let error = read(&source.connect(CDC), "rows", &start, &[], 100).await.unwrap_err();
    assert_eq!(error.message(), r#"`{"cursor":"soon"}` is not an offset of this table"#);
}
