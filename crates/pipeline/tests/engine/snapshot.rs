//! Snapshot: the table becomes what the source is, or stays as it was.

use lakeflow_interface::{ErrorKind, IngestionType};
use lakeflow_pipeline::RowCounts;
use serde_json::{Value, json};

use crate::connector::{ScriptedConnector, ScriptedTable, Step};
use crate::workbench::{Workbench, eager, patient, spec};

const SCHEMA: &str = "id BIGINT, tags ARRAY<STRING>, owner STRUCT<name: STRING>";

fn row(id: u64, name: &str) -> Value {
    json!({"id": id, "tags": [name, "x"], "owner": {"name": name}})
}

fn whole(rows: &[Value]) -> Vec<Step> {
    let mut script: Vec<Step> = rows.chunks(2).map(|page| Step::Page(page.to_vec())).collect();
    script.push(Step::Checkpoint(0));
    script
}

fn workbench(rows: &[Value]) -> Workbench {
    let table = ScriptedTable::new(IngestionType::Snapshot, SCHEMA).with_script(whole(rows));
    Workbench::new(ScriptedConnector::default().with_table("users", table))
}

#[tokio::test(flavor = "multi_thread")]
async fn differences_are_applied_in_one_commit() {
    let workbench = workbench(&[row(1, "a"), row(2, "b"), row(3, "c")]);
    let report = workbench.run_table("users", eager()).await;
    assert_eq!((report.totals().rows.inserted, report.totals().commits), (3, 1));
    let next = [row(1, "a"), row(2, "changed"), row(4, "new")];
    workbench.connector.set_script("users", whole(&next));
    let report = workbench.run_table("users", eager()).await;
    let totals = report.totals();
    assert_eq!((totals.rows, totals.commits), (RowCounts { inserted: 1, updated: 1, deleted: 1 }, 1));
    assert_eq!(workbench.rows("users").await, next);
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_snapshot_commits_nothing() {
    let workbench = workbench(&[row(1, "a"), row(2, "b"), json!({"id": 3})]);
    workbench.run_table("users", patient()).await;
    let version = workbench.version("users").await;
    let report = workbench.run_table("users", patient()).await;
    assert_eq!((report.totals().rows_read, report.totals().commits), (3, 0));
    assert_eq!(workbench.version("users").await, version);
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_snapshot_deletes_all_rows() {
    let workbench = workbench(&[row(1, "a"), row(2, "b")]);
    workbench.run_table("users", patient()).await;
    workbench.connector.set_script("users", whole(&[]));
    assert_eq!(workbench.run_table("users", patient()).await.totals().rows.deleted, 2);
    assert_eq!(workbench.rows("users").await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_snapshot_applies_nothing() {
    let workbench = workbench(&[row(1, "a"), row(2, "b")]);
    workbench.run_table("users", patient()).await;
    let version = workbench.version("users").await;
    let cut_off = vec![Step::Page(vec![row(9, "z")]), Step::Fail(ErrorKind::Unavailable)];
    let no_end = vec![Step::Page(vec![row(9, "z")])];
    for script in [cut_off, no_end] {
        workbench.connector.set_script("users", script);
        let (report, _) = workbench.run(&spec(&[("users", "{}")]), eager()).await;
        assert_eq!(report.failures().count(), 1);
        assert_eq!((workbench.version("users").await, report.totals().rows.inserted), (version, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn last_of_duplicate_keys_wins_and_is_reported() {
    let workbench = workbench(&[row(1, "a"), row(2, "b"), row(1, "later")]);
    for commits in [1, 0] {
        let report = workbench.run_table("users", patient()).await;
        assert_eq!(report.totals().commits, commits);
        let warning = "rows of the snapshot had the key of a later row, which won".to_owned();
        assert_eq!(report.tables[0].warnings, [(warning, 1)]);
        assert_eq!(workbench.rows("users").await, [row(1, "later"), row(2, "b")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_a_key_are_compared_as_a_whole() {
    let workbench = workbench(&[json!({"tags": ["a"]}), json!({"tags": ["b"]}), row(1, "a")]);
    let report = workbench.run_table("users", patient()).await;
    assert_eq!((report.totals().rows_rescued, report.totals().rows.inserted), (2, 3));
    workbench.connector.set_script("users", whole(&[json!({"tags": ["b"]}), row(1, "a")]));
    let totals = workbench.run_table("users", patient()).await.totals();
    assert_eq!((totals.rows.inserted, totals.rows.deleted), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_snapshot_is_appended_when_append_only() {
    let workbench = workbench(&[row(1, "a")]);
    for _ in 0..2 {
        let (report, _) = workbench.run(&spec(&[("users", r#"{"scd_type": "APPEND_ONLY"}"#)]), patient()).await;
        assert!(report.is_complete());
    }
    assert_eq!(workbench.rows("users").await, [row(1, "a"), row(1, "a")]);
}
