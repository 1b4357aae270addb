//! Runs as a whole: side by side, refreshed, stopped, in conflict, dry.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lakeflow_interface::{ErrorKind, IngestionType, Offset};
use lakeflow_pipeline::delta::{Checkpoint, Commit, DeletedRows, Operation, WriterSettings};
use lakeflow_pipeline::{Cadence, DryRunAction, Event, FullRefresh, Observer, RunOptions};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::connector::{ScriptedConnector, ScriptedTable, Step, position};
use crate::workbench::{Workbench, collector, destination, eager, patient, silent, spec};

const SCHEMA: &str = "id BIGINT, at BIGINT";

fn row(id: u64, at: u64) -> Value {
    json!({"id": id, "at": at})
}

fn workbench(tables: &[(&str, IngestionType, Vec<Step>)]) -> Workbench {
    Workbench::new(tables.iter().fold(ScriptedConnector::default(), |connector, (name, kind, script)| {
        connector.with_table(name, ScriptedTable::new(*kind, SCHEMA).with_script(script.clone()))
    }))
}

fn one_page() -> Vec<Step> {
    vec![Step::Page(vec![row(1, 1)]), Step::Checkpoint(1)]
}

fn with_gate() -> Vec<Step> {
    vec![Step::Page(vec![row(1, 1)]), Step::Checkpoint(1), Step::Gate, Step::Page(vec![row(2, 2)]), Step::Checkpoint(2)]
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_table_does_not_stop_the_others() {
    let workbench = workbench(&[
        ("good", IngestionType::Cdc, one_page()),
        ("bad", IngestionType::Append, vec![Step::Fail(ErrorKind::Permission)]),
        ("worse", IngestionType::Snapshot, vec![Step::Page(vec![row(1, 1)]), Step::Fail(ErrorKind::BadResponse)]),
    ]);
    let (report, _) = workbench.run(&spec(&[("bad", "{}"), ("good", "{}"), ("worse", "{}")]), patient()).await;
    let failures: Vec<_> =
        report.failures().map(|(table, error)| (table.source_table.as_str(), error.kind())).collect();
    assert_eq!(failures, [("bad", ErrorKind::Permission), ("worse", ErrorKind::BadResponse)]);
    assert_eq!(workbench.rows("good").await, [row(1, 1)]);
    assert_eq!((workbench.version("bad").await, workbench.version("worse").await), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_with_less_memory_than_one_page_still_end() {
    let script: Vec<Step> =
        (0..20).flat_map(|at| [Step::Page(vec![row(at, at); 50]), Step::Checkpoint(at + 1)]).collect();
    let names = ["a", "b", "c", "d", "e"];
    let tables: Vec<_> = names.iter().map(|name| (*name, IngestionType::Append, script.clone())).collect();
    let workbench = workbench(&tables);
    let options = RunOptions { memory: 1, ..patient() };
    let (report, _) = workbench.run(&spec(&names.map(|name| (name, "{}"))), options).await;
    assert!(report.is_complete());
    assert_eq!(report.totals().rows.inserted, 5 * 20 * 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn loser_of_two_runs_at_the_same_time_stops_and_names_the_flow() {
    for kind in [IngestionType::Append, IngestionType::Cdc] {
        let workbench = workbench(&[("issues", kind, with_gate())]);
        let spec = spec(&[("issues", "{}")]);
        let slow = workbench.run_observed(&spec, patient(), silent());
        let race = async {
            workbench.connector.gate_reached().await;
            workbench.connector.set_script("issues", vec![Step::Page(vec![row(1, 1), row(2, 2)]), Step::Checkpoint(2)]);
            let winner = workbench.run_table("issues", patient()).await;
            assert_eq!(winner.totals().rows.inserted, 2);
            workbench.connector.open_gate();
        };
        let (loser, ()) = tokio::join!(slow, race);
        let (table, error) = loser.failures().next().unwrap();
        assert_eq!((error.kind(), table.totals.rows.inserted), (ErrorKind::Conflict, 0));
        assert_eq!(error.context("flow"), Some("default.issues"));
        assert_eq!(workbench.rows("issues").await, [row(1, 1), row(2, 2)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_another_writer_appends_meanwhile_stay() {
    let workbench = workbench(&[("issues", IngestionType::Append, with_gate())]);
    let spec = spec(&[("issues", "{}")]);
    let committed = Arc::new(Notify::new());
    let sign = Arc::clone(&committed);
    let observer: Observer = Arc::new(move |event| {
        if matches!(event, Event::Committed { .. } | Event::TableFailed { .. }) {
            sign.notify_one();
        }
    });
    let run = workbench.run_observed(&spec, eager(), observer);
    let foreign = async {
        committed.notified().await;
        let table = workbench.lakehouse().table(&destination("issues")).unwrap();
        let state = table.load().await.unwrap().unwrap();
        let mut writer = table.writer(&state, WriterSettings::default());
        writer.write(&arrow::array::RecordBatch::new_empty(Arc::clone(state.schema()))).await.unwrap();
        let commit = Commit {
            flow: "somebody else".to_owned(),
            operation: Operation::Append,
            checkpoint: Checkpoint {
                offset: Offset::beginning(),
                deletes_offset: None,
                batch: 0,
                run: "foreign".to_owned(),
                at: chrono::DateTime::UNIX_EPOCH,
                tombstones: Vec::new(),
            },
            staged: writer.finish().await.unwrap(),
            deleted: DeletedRows::default(),
        };
        table.commit(&state, commit).await.unwrap();
        workbench.connector.open_gate();
    };
    let (report, ()) = tokio::join!(run, foreign);
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(workbench.rows("issues").await, [row(1, 1), row(2, 2)]);
    assert!(workbench.state("issues").await.unwrap().checkpoint("somebody else").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn full_refresh_replaces_rows_and_begins_again() {
    for kind in [IngestionType::Append, IngestionType::Cdc, IngestionType::Snapshot] {
        let workbench = workbench(&[("a", kind, one_page()), ("b", kind, one_page())]);
        let spec = spec(&[("a", "{}"), ("b", "{}")]);
        assert!(workbench.run(&spec, patient()).await.0.is_complete());
        for table in ["a", "b"] {
            workbench.connector.set_script(table, vec![Step::Page(vec![row(7, 1)]), Step::Checkpoint(1)]);
        }
        let refresh = FullRefresh::Tables(vec!["a".to_owned()]);
        let (report, events) = workbench.run(&spec, RunOptions { full_refresh: refresh, ..patient() }).await;
        assert!(report.is_complete(), "{report:?}");
        assert_eq!(workbench.rows("a").await, [row(7, 1)]);
        let unrefreshed = if kind == IngestionType::Snapshot { row(7, 1) } else { row(1, 1) };
        assert_eq!(workbench.rows("b").await, [unrefreshed]);
        let refreshed = |event: &Event| matches!(event, Event::TableStarted { full_refresh: true, .. });
        assert_eq!(events.iter().filter(|event| refreshed(event)).count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn full_refresh_without_a_row_empties_the_table() {
    let workbench = workbench(&[("a", IngestionType::Append, one_page())]);
    workbench.run_table("a", patient()).await;
    workbench.connector.set_script("a", vec![Step::Checkpoint(0)]);
    workbench.run_table("a", RunOptions { full_refresh: FullRefresh::All, ..patient() }).await;
    assert_eq!(workbench.rows("a").await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_full_refresh_keeps_the_table() {
    let workbench = workbench(&[("a", IngestionType::Append, one_page())]);
    workbench.run_table("a", patient()).await;
    workbench.connector.set_script("a", vec![Step::Page(vec![row(7, 7)]), Step::Fail(ErrorKind::Unavailable)]);
    let options = RunOptions { full_refresh: FullRefresh::All, ..patient() };
    assert!(!workbench.run(&spec(&[("a", "{}")]), options).await.0.is_complete());
    assert_eq!(workbench.rows("a").await, [row(1, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn full_refresh_of_an_unknown_table_is_refused() {
    let workbench = workbench(&[("issues", IngestionType::Append, one_page())]);
    let pipeline = workbench.pipeline(&spec(&[("issues", "{}")])).await.unwrap();
    let refresh = FullRefresh::Tables(vec!["isues".to_owned()]);
    let error = pipeline.run(RunOptions { full_refresh: refresh, ..patient() }, silent()).await.unwrap_err();
    assert_eq!(error.to_string(), "unknown table of this pipeline `isues`");
    assert_eq!(error.hint(), Some("did you mean `issues`? valid: `issues`"));
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_run_keeps_what_a_checkpoint_covers() {
    let covered = with_gate();
    let uncovered = vec![Step::Page(vec![row(1, 1)]), Step::Gate, Step::Checkpoint(1)];
    let cases = [
        (IngestionType::Append, covered.clone(), vec![row(1, 1)]),
        (IngestionType::Append, uncovered.clone(), vec![]),
        (IngestionType::Cdc, covered, vec![row(1, 1)]),
        (IngestionType::Snapshot, uncovered, vec![]),
    ];
    for (kind, script, kept) in cases {
        let workbench = workbench(&[("a", kind, script)]);
        let cadence = Cadence { interval: Duration::from_millis(50), ..patient().cadence };
        let options = RunOptions { cadence, ..patient() };
        let cancellation = options.cancellation.clone();
        // The flow has the row as soon as the progress shows it.
        let observer: Observer = Arc::new(move |event| match event {
            Event::Progress { totals, .. } if totals.rows_read == 1 => cancellation.cancel(),
            _ => {}
        });
        let report = workbench.run_observed(&spec(&[("a", "{}")]), options, observer).await;
        assert!(report.is_cancelled());
        let (table, error) = report.failures().next().unwrap();
        assert_eq!(error.hint(), Some("run again to go on: what is committed stays"));
        assert_eq!((table.totals.rows.inserted, workbench.rows("a").await), (kept.len() as u64, kept), "{kind}");
        workbench.connector.open_gate();
        workbench.run_table("a", eager()).await;
        assert!(workbench.rows("a").await.starts_with(&[row(1, 1)]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_writes_nothing_and_reads_nothing() {
    let tables = [("new", IngestionType::Cdc, one_page()), ("old", IngestionType::Append, one_page())];
    let workbench = workbench(&tables);
    workbench.run_table("old", patient()).await;
    let before = files(workbench.folder());
    let reads = workbench.connector.reads();
    let pipeline = workbench.pipeline(&spec(&[("new", "{}"), ("old", "{}")])).await.unwrap();
    let dry = pipeline.dry_run(&patient()).await.unwrap();
    let found: Vec<_> = dry.tables.iter().map(|table| (table.action, table.offset.clone(), table.rows)).collect();
    let update = (DryRunAction::Update, position(1), Some(1));
    assert_eq!(found, [(DryRunAction::Create, Offset::beginning(), None), update]);
    let refresh = RunOptions { full_refresh: FullRefresh::All, ..patient() };
    assert_eq!(pipeline.dry_run(&refresh).await.unwrap().tables[1].action, DryRunAction::Replace);
    assert_eq!((files(workbench.folder()), workbench.connector.reads()), (before, reads));
}

fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn table_that_is_not_ours_is_left_alone() {
    let workbench = workbench(&[("a", IngestionType::Append, one_page()), ("b", IngestionType::Append, one_page())]);
    workbench.run_table("a", patient()).await;
    std::fs::rename(workbench.folder().join("default/a"), workbench.folder().join("default/b")).unwrap();
    let options = RunOptions { full_refresh: FullRefresh::All, ..patient() };
    for options in [patient(), options] {
        let (report, _) = workbench.run(&spec(&[("b", "{}")]), options).await;
        let (_, error) = report.failures().next().unwrap();
        assert_eq!(error.message(), "the destination is filled by another flow, `default.a`");
    }
    assert_eq!(workbench.rows("b").await, [row(1, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_values_are_rescued_or_stop_the_table() {
    let script = vec![Step::Page(vec![json!({"id": "x", "at": 1}), row(2, 2)]), Step::Checkpoint(1)];
    let workbench = workbench(&[("a", IngestionType::Append, script.clone()), ("b", IngestionType::Append, script)]);
    let (report, _) = workbench.run(&spec(&[("a", "{}"), ("b", r#"{"bad_values": "FAIL"}"#)]), patient()).await;
    assert_eq!(report.tables[0].totals.rows_rescued, 1);
    assert_eq!(workbench.rows("a").await, [json!({"at": 1, "_rescued_data": r#"{"id":"x"}"#}), row(2, 2)]);
    assert_eq!(report.failures().map(|(_, error)| error.kind()).collect::<Vec<_>>(), [ErrorKind::BadValue]);
    assert_eq!(workbench.version("b").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_column_is_added_and_old_rows_stay() {
    let workbench = workbench(&[("a", IngestionType::Cdc, one_page())]);
    workbench.run_table("a", patient()).await;
    let wider = ScriptedTable::new(IngestionType::Cdc, "id BIGINT, at BIGINT, text STRING");
    let page = Step::Page(vec![json!({"id": 2, "at": 2, "text": "new"})]);
    let wider = wider.with_script([one_page(), vec![page, Step::Checkpoint(2)]].concat());
    let workbench = workbench.with_connector(ScriptedConnector::default().with_table("a", wider));
    workbench.run_table("a", patient()).await;
    assert_eq!(workbench.rows("a").await, [row(1, 1), json!({"id": 2, "at": 2, "text": "new"})]);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_have_stable_names() {
    let script = vec![
        Step::Page(vec![row(1, 1), json!({"id": 2, "at": "soon", "extra": true})]),
        Step::Checkpoint(1),
        Step::Fail(ErrorKind::RateLimited),
    ];
    let workbench = workbench(&[("a", IngestionType::Cdc, one_page()), ("b", IngestionType::Append, script)]);
    let events = Arc::new(Mutex::new(Vec::new()));
    let options = RunOptions { parallel: 1, ..eager() };
    let spec = spec(&[("a", "{}"), ("b", "{}")]);
    workbench.run_observed(&spec, options, collector(&events)).await;
    let lines: Vec<String> = events.lock().unwrap().iter().map(line).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

/// An event as the program prints it, with what differs from run to run left out.
fn line(event: &Event) -> String {
    let mut json = serde_json::to_value(event).unwrap();
    for (name, value) in [("run", json!("RUN")), ("seconds", json!(0))] {
        if let Some(found) = json.get_mut(name) {
            *found = value;
        }
    }
    json.to_string()
}
