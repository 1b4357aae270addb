//! Upsert: the latest row of each key, however the changes arrive.

use lakeflow_interface::IngestionType;
use serde_json::{Value, json};

use crate::connector::{ScriptedConnector, ScriptedTable, Step};
use crate::workbench::{Workbench, eager, patient, spec};

const SCHEMA: &str = "id BIGINT, at BIGINT, text STRING";

fn row(id: u64, at: u64, text: &str) -> Value {
    json!({"id": id, "at": at, "text": text})
}

fn workbench(script: Vec<Step>) -> Workbench {
    let table = ScriptedTable::new(IngestionType::Cdc, SCHEMA).with_script(script);
    Workbench::new(ScriptedConnector::default().with_table("issues", table))
}

#[tokio::test(flavor = "multi_thread")]
async fn latest_of_a_key_wins_within_and_across_commits() {
    for options in [eager(), patient()] {
        let workbench = workbench(vec![
            Step::Page(vec![row(1, 1, "a"), row(2, 5, "b"), row(1, 3, "c"), row(1, 2, "late")]),
            Step::Checkpoint(1),
            Step::Page(vec![row(2, 4, "late"), row(1, 4, "d"), row(3, 1, "e")]),
            Step::Checkpoint(2),
        ]);
        workbench.run_table("issues", options).await;
        assert_eq!(workbench.rows("issues").await, [row(1, 4, "d"), row(2, 5, "b"), row(3, 1, "e")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_equal_sequences_the_later_row_wins() {
    let workbench = workbench(vec![
        Step::Page(vec![row(1, 1, "first"), row(1, 1, "second")]),
        Step::Checkpoint(1),
        Step::Page(vec![row(1, 1, "third")]),
        Step::Checkpoint(2),
    ]);
    workbench.run_table("issues", eager()).await;
    assert_eq!(workbench.rows("issues").await, [row(1, 1, "third")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_older_than_the_table_is_dropped_in_a_later_run() {
    let first = vec![Step::Page(vec![row(1, 5, "new")]), Step::Checkpoint(1)];
    let workbench = workbench(first.clone());
    workbench.run_table("issues", patient()).await;
    let second = [first, vec![Step::Page(vec![row(1, 4, "old"), row(2, 1, "other")]), Step::Checkpoint(2)]].concat();
    workbench.connector.set_script("issues", second);
    let report = workbench.run_table("issues", patient()).await;
    assert_eq!((report.totals().rows_read, report.totals().rows.inserted, report.totals().rows.deleted), (2, 1, 0));
    assert_eq!(workbench.rows("issues").await, [row(1, 5, "new"), row(2, 1, "other")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn second_run_with_nothing_new_commits_nothing() {
    let workbench = workbench(vec![Step::Page(vec![row(1, 1, "a")]), Step::Checkpoint(1)]);
    workbench.run_table("issues", patient()).await;
    let version = workbench.version("issues").await;
    assert_eq!(workbench.run_table("issues", patient()).await.totals().commits, 0);
    assert_eq!(workbench.version("issues").await, version);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_without_a_sequence_counts_as_rescued_and_loses_to_any_other() {
    let workbench = workbench(vec![
        Step::Page(vec![row(1, 1, "a"), json!({"id": 1, "text": "no sequence"}), json!({"id": 2, "text": "alone"})]),
        Step::Checkpoint(1),
    ]);
    let report = workbench.run_table("issues", patient()).await;
    assert_eq!(report.totals().rows_rescued, 2);
    assert_eq!(workbench.rows("issues").await, [row(1, 1, "a"), json!({"id": 2, "text": "alone"})]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_a_key_are_kept_once_and_counted() {
    let script = vec![
        Step::Page(vec![json!({"at": 1, "text": "x"}), json!({"id": "seven", "at": 1}), row(1, 1, "a")]),
        Step::Checkpoint(1),
        Step::Page(vec![row(1, 2, "b")]),
        Step::Checkpoint(2),
    ];
    for options in [eager(), patient()] {
        let workbench = workbench(script.clone());
        let report = workbench.run_table("issues", options).await;
        assert_eq!(report.totals().rows_rescued, 2);
        let unreadable = json!({"at": 1, "_rescued_data": r#"{"id":"seven"}"#});
        assert_eq!(workbench.rows("issues").await, [unreadable, json!({"at": 1, "text": "x"}), row(1, 2, "b")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_without_a_key_stops_the_table_when_bad_values_fail() {
    let workbench = workbench(vec![Step::Page(vec![json!({"at": 1})]), Step::Checkpoint(1)]);
    let (report, _) = workbench.run(&spec(&[("issues", r#"{"bad_values": "fail"}"#)]), patient()).await;
    let (_, error) = report.failures().next().unwrap();
    assert_eq!(error.to_string(), "a row has no key: the column is null (table `issues`)");
    assert_eq!(workbench.version("issues").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_and_composite_keys_of_the_spec_override_the_connector() {
    let record = |owner: u64, name: &str, at: u64| json!({"id": 7, "owner": {"id": owner, "at": at}, "name": name});
    let script = vec![
        Step::Page(vec![record(1, "a", 1), record(1, "b", 1), record(2, "a", 1), record(1, "a", 2)]),
        Step::Checkpoint(1),
        Step::Page(vec![record(2, "a", 0), record(1, "b", 2)]),
        Step::Checkpoint(2),
    ];
    let schema = "id BIGINT, owner STRUCT<id: BIGINT, at: BIGINT>, name STRING";
    let table = ScriptedTable::new(IngestionType::Cdc, schema).with_script(script);
    let workbench = Workbench::new(ScriptedConnector::default().with_table("repositories", table));
    let configuration = r#"{"primary_keys": ["owner.id", "name"], "sequence_by": "owner.at"}"#;
    let (report, _) = workbench.run(&spec(&[("repositories", configuration)]), eager()).await;
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(workbench.rows("repositories").await, [record(1, "a", 2), record(1, "b", 2), record(2, "a", 1)]);
}
