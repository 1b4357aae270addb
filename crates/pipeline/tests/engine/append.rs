//! Append: every row arrives once.

use lakeflow_interface::{ErrorKind, IngestionType};
use lakeflow_pipeline::Event;
use serde_json::json;

use crate::connector::{ScriptedConnector, ScriptedTable, Step, position};
use crate::workbench::{Workbench, eager, patient, spec};

const SCHEMA: &str = "id BIGINT, text STRING";

fn workbench(script: Vec<Step>) -> Workbench {
    let table = ScriptedTable::new(IngestionType::Append, SCHEMA).with_script(script);
    Workbench::new(ScriptedConnector::default().with_table("events", table))
}

fn three_pages() -> Vec<Step> {
    vec![
        Step::Page(vec![json!({"id": 1, "text": "a"}), json!({"id": 2})]),
        Step::Checkpoint(1),
        Step::Page(vec![json!({"id": 3})]),
        Step::Checkpoint(2),
        Step::Page(vec![json!({"id": 3})]),
        Step::Checkpoint(3),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn second_run_with_nothing_new_commits_nothing() {
    let workbench = workbench(three_pages());
    let report = workbench.run_table("events", patient()).await;
    assert_eq!((report.totals().rows_read, report.totals().rows.inserted, report.totals().commits), (4, 4, 1));
    let expected = [json!({"id": 1, "text": "a"}), json!({"id": 2}), json!({"id": 3}), json!({"id": 3})];
    assert_eq!(workbench.rows("events").await, expected);
    let version = workbench.version("events").await;
    let report = workbench.run_table("events", patient()).await;
    assert_eq!((report.totals().rows_read, report.totals().commits), (0, 0));
    assert_eq!(workbench.version("events").await, version);
    assert_eq!(report.tables[0].offset, Some(position(3)));
}

#[tokio::test(flavor = "multi_thread")]
async fn eager_cadence_commits_at_every_checkpoint() {
    let workbench = workbench(three_pages());
    let (report, events) = workbench.run(&spec(&[("events", "{}")]), eager()).await;
    assert!(report.is_complete());
    let offsets: Vec<_> = events
        .into_iter()
        .filter_map(|event| match event {
            Event::Committed { offset, rows, .. } => Some((offset, rows.inserted)),
            _ => None,
        })
        .collect();
    assert_eq!(offsets, [(position(1), 2), (position(2), 1), (position(3), 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_behind_the_last_checkpoint_are_dropped_with_the_failed_read() {
    let mut script = three_pages();
    script.truncate(3);
    script.push(Step::Fail(ErrorKind::Unavailable));
    let workbench = workbench(script);
    let (report, _) = workbench.run(&spec(&[("events", "{}")]), eager()).await;
    let (table, error) = report.failures().next().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!((&table.offset, table.totals.rows_read, table.totals.rows.inserted), (&Some(position(1)), 3, 2));
    workbench.connector.set_script("events", three_pages());
    let report = workbench.run_table("events", eager()).await;
    assert_eq!(report.totals().rows.inserted, 2);
    assert_eq!(workbench.rows("events").await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_with_an_offset_that_stands_still_are_refused() {
    let mut script = three_pages();
    script.extend([Step::Page(vec![json!({"id": 9})]), Step::Checkpoint(3)]);
    let workbench = workbench(script);
    let (report, _) = workbench.run(&spec(&[("events", "{}")]), eager()).await;
    let (table, error) = report.failures().next().unwrap();
    assert_eq!(error.message(), "the connector gave rows without moving its offset");
    assert_eq!((&table.offset, table.totals.rows.inserted), (&Some(position(3)), 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn read_without_a_checkpoint_at_its_end_fails() {
    let mut script = three_pages();
    script.pop();
    let workbench = workbench(script);
    let (report, _) = workbench.run(&spec(&[("events", "{}")]), patient()).await;
    assert_eq!(report.failures().next().unwrap().1.message(), "the read ended without a checkpoint");
    assert_eq!(workbench.rows("events").await, Vec::<serde_json::Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_a_cdc_table_are_all_kept_when_append_only() {
    let script = vec![
        Step::Page(vec![json!({"id": 1, "at": 1}), json!({"id": 1, "at": 2})]),
        Step::Deleted(vec![json!({"id": 1, "at": 3})]),
        Step::Checkpoint(1),
    ];
    let table = ScriptedTable::new(IngestionType::CdcWithDeletes, "id BIGINT, at BIGINT").with_script(script);
    let workbench = Workbench::new(ScriptedConnector::default().with_table("changes", table));
    let (report, _) = workbench.run(&spec(&[("changes", r#"{"scd_type": "append_only"}"#)]), patient()).await;
    assert!(report.is_complete());
    assert_eq!(workbench.rows("changes").await, [json!({"id": 1, "at": 1}), json!({"id": 1, "at": 2})]);
    let warning = "deleted rows were passed over: `APPEND_ONLY` keeps what was there".to_owned();
    assert_eq!(report.tables[0].warnings, [(warning, 1)]);
}
