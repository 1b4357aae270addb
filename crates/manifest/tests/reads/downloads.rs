//! Bodies of lines, archives, reports that take their time, and windows that are read when they are complete.

use std::io::Write;

use crate::scripted::{Scripted, context, end, items, json, options, read, read_with, rows, status};
use axum::response::IntoResponse;
use flate2::Compression;
use flate2::write::GzEncoder;
use lakeflow_interface::{ErrorKind, Offset};
use serde_json::json;

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

const HOURS: &str = "
tables:
  rows:
    ingestion_type: append
    primary_keys: [id]
    cursor_field: at
    request: /export
    format: json_lines
    incremental:
      from: {param: start, format: \"%Y%m%dT%H\"}
      to: {param: end, format: \"%Y%m%dT%H\"}
      window: 1h
      delay: 2h
      start_date: 2026-01-01T00:30:00Z
    errors: {404: skip}
    schema: id BIGINT, at TIMESTAMP
";

#[tokio::test]
async fn windows_are_read_once_when_they_are_complete() {
    let source = Scripted::start(|asked| match asked.param("start") {
        Some("20260101T01") => status(404, json!({})),
        Some(hour) => gzip(&format!("{{\"id\":1{}}}\n{{\"id\":99}}\n", &hour[9..])).into_response(),
        None => status(400, json!({})),
    })
    .await;
    let connector = source.connect(HOURS);
    let first = read_with(&connector, "rows", "{}", &[], "2026-01-01T05:10:00Z").await.unwrap();
    assert_eq!(
        source
            .requests()
            .iter()
            .map(|line| line.split_once('?').unwrap().1.to_owned())
            .collect::<std::collections::BTreeSet<_>>(),
        ["00", "01", "02"].map(|hour| format!("start=20260101T{hour}&end=20260101T{hour}")).into()
    );
    assert_eq!(rows(&first), [r#"+{"id":100}"#, r#"+{"id":99}"#, r#"+{"id":102}"#, r#"+{"id":99}"#]);
    assert_eq!(end(&first), r#"{"until":"2026-01-01T03:00:00Z"}"#);
    let nothing = read_with(&connector, "rows", end(&first), &[], "2026-01-01T05:59:00Z").await.unwrap();
    assert_eq!(nothing, [r#"={"until":"2026-01-01T03:00:00Z"}"#]);
    assert_eq!(source.requests(), [""; 0]);
}

#[tokio::test]
async fn rows_that_are_only_added_have_no_lookback_and_others_none_before_the_start() {
    let source = Scripted::start(|_| "".into_response()).await;
    let given = [("lookback_seconds", "7200")];
    let error = read_with(&source.connect(HOURS), "rows", "{}", &given, "2026-01-01T05:10:00Z").await.unwrap_err();
    assert!(error.message().contains("lookback_seconds"), "{error:?}");
    let connector = source.connect(&HOURS.replace("append", "cdc"));
    read_with(&connector, "rows", r#"{"until":"2026-01-01T01:00:00Z"}"#, &given, "2026-01-01T04:10:00Z").await.unwrap();
    let mut asked = source.requests();
    asked.sort();
    assert_eq!(asked, ["00", "01"].map(|hour| format!("/export?start=20260101T{hour}&end=20260101T{hour}")));
}

#[tokio::test]
async fn complete_windows_are_partitions() {
    let source = Scripted::start(|_| "{\"id\":1}\n".into_response()).await;
    let connector = source.connect(HOURS);
    let partitions = connector.partitions().unwrap();
    let (given, context) = (options(&[]), context("2026-01-01T05:10:00Z"));
    assert!(partitions.is_partitioned("rows", &given));
    let start = Offset::beginning();
    let latest = partitions.latest_offset("rows", &start, &given, &context).await.unwrap();
    assert_eq!(latest.to_string(), r#"{"until":"2026-01-01T03:00:00Z"}"#);
    let shares = partitions.get_partitions("rows", &start, &latest, &given).await.unwrap();
    assert_eq!(shares.len(), 3);
    for share in &shares {
        let read = items(partitions.read_partition("rows", share, &given, &context).await).await.unwrap();
        assert_eq!(rows(&read), [r#"+{"id":1}"#]);
    }
    assert!(partitions.get_partitions("rows", &latest, &latest, &given).await.unwrap().is_empty());
    assert_eq!(partitions.latest_offset("rows", &latest, &given, &context).await.unwrap(), latest);
}

const REPORT: &str = "
tables:
  rows:
    ingestion_type: snapshot
    primary_keys: [id]
    request: {method: post, path: /reports, body: {kind: rows}}
    format: {csv: {delimiter: \";\"}}
    job:
      as: {id: $.job.id}
      poll: /reports/{{ job.id }}
      done: $.state == 'done'
      failed: $.state == 'failed'
      result: {file: $.file}
      download: /files/{{ job.file }}
      every: 1ms
      patience: 1s
    schema: id BIGINT, name STRING
";

#[tokio::test]
async fn report_is_asked_for_polled_and_downloaded() {
    let mut polls = 0;
    let source = Scripted::start(move |asked| match asked.path.as_str() {
        "/reports" => json(json!({"job": {"id": 7}})),
        "/reports/7" => {
            polls += 1;
            json(if polls < 3 { json!({"state": "running"}) } else { json!({"state": "done", "file": "f/1"}) })
        }
        "/files/f%2F1" => "id;name\n1;a\n2;\n".into_response(),
        _ => status(404, json!({})),
    })
    .await;
    let items = read(&source.connect(REPORT), "rows", "{}").await.unwrap();
    assert_eq!(rows(&items), [r#"+{"id":"1","name":"a"}"#, r#"+{"id":"2","name":null}"#]);
}

#[tokio::test]
async fn report_that_fails_or_never_ends_is_an_error() {
    for (state, expected) in [("failed", "could not make the report"), ("running", "was not ready within 1s")] {
        let source = Scripted::start(move |asked| match asked.path.as_str() {
            "/reports" => json(json!({"job": {"id": 7}})),
            _ => json(json!({"state": state})),
        })
        .await;
        let error = read(&source.connect(REPORT), "rows", "{}").await.unwrap_err();
        assert!(error.message().contains(expected), "{error:?}");
    }
}

#[tokio::test]
async fn bomb_ends_the_read_with_an_error() {
    let bomb = gzip(&"0".repeat(80 << 20));
    let source = Scripted::start(move |_| bomb.clone().into_response()).await;
    let error = read_with(&source.connect(HOURS), "rows", "{}", &[], "2026-01-01T05:10:00Z").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadResponse);
}
