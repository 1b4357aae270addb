//! History: every version of a row with its span, however the changes arrive.

use lakeflow_interface::{ErrorKind, IngestionType};
use lakeflow_pipeline::{FullRefresh, RowCounts, RunOptions};
use serde_json::{Value, json};

use crate::connector::{ScriptedConnector, ScriptedTable, Step};
use crate::workbench::{Workbench, after, eager, patient, spec};

const SCHEMA: &str = "id BIGINT, at BIGINT, text STRING";
const SCD_2: &str = r#"{"scd_type": "SCD_TYPE_2"}"#;

fn row(id: u64, at: u64, text: &str) -> Value {
    json!({"id": id, "at": at, "text": text})
}

/// A version of a row that began with the sequence that it carries.
fn version(id: u64, start: u64, end: Option<u64>, text: &str) -> Value {
    let mut version = json!({"id": id, "at": start, "text": text, "__START_AT": start});
    if let Some(end) = end {
        version["__END_AT"] = end.into();
    }
    version
}

fn sorted(mut rows: Vec<Value>) -> Vec<Value> {
    rows.sort_by_key(|row| (row["id"].as_u64(), row["__START_AT"].as_u64(), row["__START_AT"].to_string()));
    rows
}

fn workbench(kind: IngestionType, script: Vec<Step>) -> Workbench {
    let table = ScriptedTable::new(kind, SCHEMA).with_script(script);
    Workbench::new(ScriptedConnector::default().with_table("users", table))
}

async fn run(workbench: &Workbench, options: RunOptions) -> RowCounts {
    let (report, _) = workbench.run(&spec(&[("users", SCD_2)]), options).await;
    assert!(report.is_complete(), "{report:?}");
    report.totals().rows
}

async fn versions(workbench: &Workbench) -> Vec<Value> {
    sorted(workbench.rows("users").await)
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_close_one_version_and_open_the_next() {
    for options in [eager(), patient()] {
        let workbench = workbench(
            IngestionType::CdcWithDeletes,
            vec![
                Step::Page(vec![row(1, 1, "a"), row(2, 1, "b")]),
                Step::Checkpoint(1),
                Step::Page(vec![row(1, 3, "c")]),
                Step::Deleted(vec![json!({"id": 2, "at": 4})]),
                Step::Checkpoint(2),
                Step::Page(vec![row(2, 6, "b"), row(1, 5, "c")]),
                Step::Checkpoint(3),
            ],
        );
        let counts = run(&workbench, options).await;
        assert_eq!(counts, RowCounts { inserted: 3, updated: 1, deleted: 1 });
        let expected = [
            version(1, 1, Some(3), "a"),
            version(1, 3, None, "c"),
            version(2, 1, Some(4), "b"),
            version(2, 6, None, "b"),
        ];
        assert_eq!(versions(&workbench).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn late_change_splits_what_an_unchanged_repetition_confirmed() {
    let first = vec![Step::Page(vec![row(1, 1, "a"), row(1, 5, "a")]), Step::Checkpoint(1)];
    let workbench = workbench(IngestionType::Cdc, first.clone());
    run(&workbench, patient()).await;
    assert_eq!(versions(&workbench).await, [version(1, 1, None, "a")]);
    let late = [first, vec![Step::Page(vec![row(1, 3, "b")]), Step::Checkpoint(2)]].concat();
    workbench.connector.set_script("users", late);
    run(&workbench, patient()).await;
    let expected = [version(1, 1, Some(3), "a"), version(1, 3, Some(5), "b"), version(1, 5, None, "a")];
    assert_eq!(versions(&workbench).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn change_of_nothing_but_the_sequence_writes_no_data_file() {
    let first = vec![Step::Page(vec![row(1, 1, "a")]), Step::Checkpoint(1)];
    let workbench = workbench(IngestionType::Cdc, first.clone());
    run(&workbench, patient()).await;
    let more = [first, vec![Step::Page(vec![row(1, 2, "a")]), Step::Checkpoint(2)]].concat();
    workbench.connector.set_script("users", more);
    let (report, _) = workbench.run(&spec(&[("users", SCD_2)]), patient()).await;
    assert_eq!((report.totals().rows.all(), report.totals().files, report.totals().commits), (0, 0, 1));
    assert_eq!(versions(&workbench).await, [version(1, 1, None, "a")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn delete_that_comes_before_the_row_it_closes_counts() {
    let first = vec![Step::Deleted(vec![json!({"id": 1, "at": 4})]), Step::Checkpoint(1)];
    let workbench = workbench(IngestionType::CdcWithDeletes, first.clone());
    run(&workbench, patient()).await;
    let more = [first, vec![Step::Page(vec![row(1, 2, "a")]), Step::Checkpoint(2)]].concat();
    workbench.connector.set_script("users", more);
    run(&workbench, patient()).await;
    assert_eq!(versions(&workbench).await, [version(1, 2, Some(4), "a")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_and_composite_sequences_span_versions() {
    let record =
        |major: u64, minor: u64, text: &str| json!({"id": 1, "at": {"major": major, "minor": minor}, "text": text});
    let script = vec![
        Step::Page(vec![record(1, 1, "a"), record(1, 3, "c")]),
        Step::Checkpoint(1),
        Step::Page(vec![record(1, 2, "b"), record(2, 0, "d")]),
        Step::Checkpoint(2),
    ];
    let schema = "id BIGINT, at STRUCT<major: BIGINT, minor: BIGINT>, text STRING";
    for (sequence, at) in [(r#"["at.major", "at.minor"]"#, ["at_major", "at_minor"]), (r#""at""#, ["major", "minor"])] {
        let table = ScriptedTable::new(IngestionType::Cdc, schema).with_script(script.clone());
        let workbench = Workbench::new(ScriptedConnector::default().with_table("users", table));
        let configuration = format!(r#"{{"scd_type": "SCD_TYPE_2", "sequence_by": {sequence}}}"#);
        let (report, _) = workbench.run(&spec(&[("users", &configuration)]), eager()).await;
        assert!(report.is_complete(), "{report:?}");
        let span = |major: u64, minor: u64| json!({at[0]: major, at[1]: minor});
        let ends = [Some(span(1, 2)), Some(span(1, 3)), Some(span(2, 0)), None];
        let rows = [record(1, 1, "a"), record(1, 2, "b"), record(1, 3, "c"), record(2, 0, "d")];
        let expected = rows.into_iter().zip(ends).map(|(mut row, end)| {
            row["__START_AT"] = span(row["at"]["major"].as_u64().unwrap(), row["at"]["minor"].as_u64().unwrap());
            if let Some(end) = end {
                row["__END_AT"] = end;
            }
            row
        });
        assert_eq!(versions(&workbench).await, sorted(expected.collect()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_a_sequence_or_a_key_are_kept_and_counted() {
    let script = vec![
        Step::Page(vec![json!({"id": 1, "text": "no sequence"}), json!({"at": 4, "text": "no key"})]),
        Step::Checkpoint(1),
        Step::Page(vec![row(1, 3, "a"), json!({"id": 1, "text": "none either"})]),
        Step::Checkpoint(2),
    ];
    for options in [eager(), patient()] {
        let workbench = workbench(IngestionType::Cdc, script.clone());
        let (report, _) = workbench.run(&spec(&[("users", SCD_2)]), options).await;
        assert_eq!(report.totals().rows_rescued, 3, "{report:?}");
        let expected = [
            json!({"at": 4, "text": "no key", "__START_AT": 4}),
            json!({"id": 1, "text": "none either", "__END_AT": 3}),
            version(1, 3, None, "a"),
        ];
        assert_eq!(versions(&workbench).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replayed_history_writes_nothing() {
    let rows = vec![row(1, 1, "a"), row(1, 4, "b"), row(1, 6, "b"), row(2, 2, "c")];
    let deletes = vec![json!({"id": 2, "at": 5}), json!({"id": 2, "at": 7})];
    let first = vec![Step::Page(rows.clone()), Step::Deleted(deletes.clone()), Step::Checkpoint(1)];
    let workbench = workbench(IngestionType::CdcWithDeletes, first.clone());
    run(&workbench, patient()).await;
    let before = versions(&workbench).await;
    let again = [first, vec![Step::Deleted(deletes), Step::Page(rows), Step::Checkpoint(2)]].concat();
    workbench.connector.set_script("users", again);
    let (report, _) = workbench.run(&spec(&[("users", SCD_2)]), eager()).await;
    assert_eq!((report.totals().rows.all(), report.totals().files), (0, 0), "{report:?}");
    assert_eq!(versions(&workbench).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_every_kind_are_compared() {
    let record = |at: u64, flag: bool, tag: &str| json!({"id": 1, "at": at, "flag": flag, "tags": [tag], "attributes": {"k": tag}, "day": "2024-02-29", "price": "1.50"});
    let script = vec![
        Step::Page(vec![record(1, true, "a"), record(2, true, "a"), record(3, true, "b")]),
        Step::Checkpoint(1),
        Step::Page(vec![record(4, true, "b"), record(5, false, "b")]),
        Step::Checkpoint(2),
    ];
    let schema = "id BIGINT, at BIGINT, flag BOOLEAN, tags ARRAY<STRING>, attributes MAP<STRING, STRING>, day DATE, \
                  price DECIMAL(10, 2)";
    for configuration in [SCD_2, r#"{"scd_type": "SCD_TYPE_1"}"#] {
        let table = ScriptedTable::new(IngestionType::Cdc, schema).with_script(script.clone());
        let workbench = Workbench::new(ScriptedConnector::default().with_table("users", table));
        let (report, _) = workbench.run(&spec(&[("users", configuration)]), eager()).await;
        assert!(report.is_complete(), "{report:?}");
        let starts: Vec<_> = versions(&workbench).await.iter().map(|row| row["at"].as_u64().unwrap()).collect();
        assert_eq!(starts, if configuration == SCD_2 { vec![1, 3, 5] } else { vec![5] });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn append_table_has_a_history_where_the_spec_gives_keys() {
    let script = vec![Step::Page(vec![row(1, 1, "a"), row(1, 2, "b")]), Step::Checkpoint(1)];
    let workbench = workbench(IngestionType::Append, script);
    let configuration = r#"{"scd_type": "SCD_TYPE_2", "primary_keys": ["id"]}"#;
    let (report, _) = workbench.run(&spec(&[("users", configuration)]), patient()).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(versions(&workbench).await, [version(1, 1, Some(2), "a"), version(1, 2, None, "b")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn table_without_history_needs_a_full_refresh_to_get_one() {
    let workbench = workbench(IngestionType::Cdc, vec![Step::Page(vec![row(1, 1, "a")]), Step::Checkpoint(1)]);
    workbench.run_table("users", patient()).await;
    let (report, _) = workbench.run(&spec(&[("users", SCD_2)]), patient()).await;
    let (_, error) = report.failures().next().unwrap();
    assert_eq!(error.message(), "expected a history in the destination, found no history");
    run(&workbench, RunOptions { full_refresh: FullRefresh::All, ..patient() }).await;
    assert_eq!(versions(&workbench).await, [version(1, 1, None, "a")]);
}

fn snapshot(rows: &[(u64, &str)]) -> Vec<Step> {
    let rows = rows.iter().map(|(id, text)| row(*id, 0, text)).collect();
    vec![Step::Page(rows), Step::Checkpoint(0)]
}

fn at(minutes: u64) -> RunOptions {
    after(patient(), minutes)
}

/// A version of a snapshot's row, with its span in minutes after the first run.
fn found(id: u64, text: &str, start: u64, end: Option<u64>) -> Value {
    let instant = |minute: u64| format!("2023-11-14T22:{:02}:20Z", 13 + minute);
    let mut version = json!({"id": id, "at": 0, "text": text, "__START_AT": instant(start)});
    if let Some(end) = end {
        version["__END_AT"] = instant(end).into();
    }
    version
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_open_and_close_versions_at_the_instant_of_their_runs() {
    let workbench = workbench(IngestionType::Snapshot, snapshot(&[(1, "a"), (2, "b"), (3, "c")]));
    assert_eq!(run(&workbench, at(0)).await, RowCounts { inserted: 3, updated: 0, deleted: 0 });
    let version = workbench.version("users").await;
    run(&workbench, at(1)).await;
    assert_eq!(workbench.version("users").await, version, "an identical snapshot wrote something");
    workbench.connector.set_script("users", snapshot(&[(1, "a2"), (3, "c"), (4, "d")]));
    assert_eq!(run(&workbench, at(2)).await, RowCounts { inserted: 1, updated: 1, deleted: 1 });
    workbench.connector.set_script("users", snapshot(&[(1, "a2"), (2, "b"), (3, "c"), (4, "d")]));
    assert_eq!(run(&workbench, at(3)).await, RowCounts { inserted: 1, updated: 0, deleted: 0 });
    let expected = [
        found(1, "a", 0, Some(2)),
        found(1, "a2", 2, None),
        found(2, "b", 0, Some(2)),
        found(2, "b", 3, None),
        found(3, "c", 0, None),
        found(4, "d", 2, None),
    ];
    assert_eq!(versions(&workbench).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_of_one_instant_or_of_a_clock_set_back_make_no_span_without_length() {
    let workbench = workbench(IngestionType::Snapshot, snapshot(&[(1, "a"), (2, "b")]));
    run(&workbench, at(5)).await;
    workbench.connector.set_script("users", snapshot(&[(1, "a2")]));
    run(&workbench, at(5)).await;
    assert_eq!(versions(&workbench).await, [found(1, "a2", 5, None)]);
    workbench.connector.set_script("users", snapshot(&[(1, "a3"), (2, "b")]));
    run(&workbench, at(1)).await;
    assert_eq!(versions(&workbench).await, [found(1, "a3", 5, None), found(2, "b", 5, None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_snapshot_closes_nothing() {
    let workbench = workbench(IngestionType::Snapshot, snapshot(&[(1, "a"), (2, "b")]));
    run(&workbench, at(0)).await;
    let version = workbench.version("users").await;
    let cut_off = vec![Step::Page(vec![row(1, 0, "a2")]), Step::Fail(ErrorKind::Unavailable)];
    workbench.connector.set_script("users", cut_off);
    let (report, _) = workbench.run(&spec(&[("users", SCD_2)]), at(1)).await;
    assert_eq!(report.failures().count(), 1);
    assert_eq!(workbench.version("users").await, version);
}
