//! Snapshots, and what all tables have in common.

use crate::source::{Source, read, row};
use axum::http::StatusCode;
use lakeflow_interface::{ErrorKind, Offset, TableOptions};

const ROWS: &str = "
  rows:
    ingestion_type: snapshot
    primary_keys: [id]
    options: [{kind: {enum: [a, b]}}]
    request: {path: /rows, params: {kind: '{{ options.kind }}'}}
    errors: {403: {fail: ask an administrator}}
    schema: id BIGINT NOT NULL, updated_at TIMESTAMP
";

#[tokio::test]
async fn snapshot_is_whole_and_its_offset_empty() {
    let source = Source::start((1..=8).map(|id| row(id, 1)).collect()).await;
    let connector = source.connect(ROWS);
    for _ in 0..2 {
        let whole = read(&connector, "rows", &Offset::beginning(), &[("per_page", "5")], 100).await.unwrap();
        assert_eq!(whole.ids(), (1..=8).collect::<Vec<_>>());
        assert_eq!(whole.checkpoints, [(8, Offset::beginning())]);
        assert_eq!(source.requests(), ["/rows?per_page=5", "/rows?page=2&per_page=5"]);
    }
}

#[tokio::test]
async fn failed_page_fails_the_read() {
    let source = Source::start((1..=8).map(|id| row(id, 1)).collect()).await;
    source.fail(2, StatusCode::FORBIDDEN);
    let error = read(&source.connect(ROWS), "rows", &Offset::beginning(), &[], 100).await.unwrap_err();
    assert_eq!((error.kind(), error.hint()), (ErrorKind::Permission, Some("ask an administrator")));
}

#[tokio::test]
async fn options_are_checked_before_anything_is_sent() {
    let source = Source::start(Vec::new()).await;
    let connector = source.connect(ROWS);
    for (option, expected) in [
        (("kind", "c"), "option `kind`: expected `a` or `b`, found `c`"),
        (("per_page", "0"), "option `per_page`: expected a whole number from 1 to 100, found `0`"),
        (("knid", "a"), "unknown option `knid`"),
        (("start_date", "2026-01-01"), "unknown option `start_date`"),
    ] {
        let error = read(&connector, "rows", &Offset::beginning(), &[option], 100).await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Configuration, expected));
    }
    assert!(source.requests().is_empty());
}

#[tokio::test]
async fn unknown_table_names_the_nearest() {
    let source = Source::start(Vec::new()).await;
    let error = source.connect(ROWS).get_table_schema("row", &TableOptions::default()).await.unwrap_err();
    assert_eq!((error.message(), error.hint()), ("unknown table `row`", Some("did you mean `rows`? valid: `rows`")));
}

#[tokio::test]
async fn refused_credentials_name_their_parameter() {
    let source = Source::start(Vec::new()).await;
    source.fail(1, StatusCode::UNAUTHORIZED);
    let error = source.connect(ROWS).check_connection().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert_eq!(error.hint(), Some("check the connection parameter `token`: it may be wrong, expired or revoked"));
    assert!(!format!("{error:?}").contains("geheim"));
}
