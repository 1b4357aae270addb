//! Deletes: in the stream of changes or in a read of their own, early or late, they count where they belong.

use lakeflow_interface::{ErrorKind, IngestionType};
use lakeflow_pipeline::{Evidence, RowCounts};
use serde_json::{Value, json};

use crate::connector::{ScriptedConnector, ScriptedTable, Step, position};
use crate::workbench::{Workbench, after, eager, patient, spec};

const SCHEMA: &str = "id BIGINT NOT NULL, at BIGINT, text STRING NOT NULL";

fn row(id: u64, at: u64, text: &str) -> Value {
    json!({"id": id, "at": at, "text": text})
}

fn gone(id: u64, at: u64) -> Value {
    json!({"id": id, "at": at})
}

fn workbench(script: Vec<Step>) -> Workbench {
    let table = ScriptedTable::new(IngestionType::CdcWithDeletes, SCHEMA).with_script(script);
    Workbench::new(ScriptedConnector::default().with_table("tickets", table))
}

#[tokio::test(flavor = "multi_thread")]
async fn deletes_in_the_stream_count_in_the_order_of_their_sequences() {
    for options in [eager(), patient()] {
        let workbench = workbench(vec![
            Step::Page(vec![row(1, 1, "a"), row(2, 1, "b"), row(3, 5, "c")]),
            Step::Deleted(vec![gone(1, 2), gone(3, 4), gone(4, 9)]),
            Step::Checkpoint(1),
            Step::Page(vec![row(1, 1, "late"), row(2, 2, "b2"), row(4, 8, "late")]),
            Step::Checkpoint(2),
        ]);
        let report = workbench.run_table("tickets", options).await;
        assert_eq!(workbench.rows("tickets").await, [row(2, 2, "b2"), row(3, 5, "c")]);
        assert_eq!((report.totals().rows_rescued, report.tables[0].evidence), (0, Some(Evidence::ReadEnded)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn late_update_of_an_earlier_run_does_not_revive_a_deleted_row() {
    let first = vec![
        Step::Page(vec![row(1, 1, "a"), row(2, 1, "b")]),
        Step::Checkpoint(1),
        Step::Deleted(vec![gone(1, 5)]),
        Step::Checkpoint(2),
    ];
    let workbench = workbench(first.clone());
    let report = workbench.run_table("tickets", eager()).await;
    assert_eq!(report.totals().rows, RowCounts { inserted: 2, updated: 0, deleted: 1 });
    let late =
        [first, vec![Step::Page(vec![row(1, 4, "late"), row(1, 5, "same instant")]), Step::Checkpoint(3)]].concat();
    workbench.connector.set_script("tickets", late.clone());
    workbench.run_table("tickets", patient()).await;
    assert_eq!(workbench.rows("tickets").await, [row(2, 1, "b")]);
    let again = [late, vec![Step::Page(vec![row(1, 6, "again")]), Step::Checkpoint(4)]].concat();
    workbench.connector.set_script("tickets", again);
    workbench.run_table("tickets", patient()).await;
    assert_eq!(workbench.rows("tickets").await, [row(1, 6, "again"), row(2, 1, "b")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tombstone_is_forgotten_after_its_retention() {
    let first = vec![Step::Page(vec![row(1, 1, "a")]), Step::Deleted(vec![gone(1, 5)]), Step::Checkpoint(1)];
    let late = [first.clone(), vec![Step::Page(vec![row(1, 4, "late")]), Step::Checkpoint(2)]].concat();
    for (hours, configuration, revived) in [
        (47, "{}", false),
        (49, "{}", true),
        (2, r#"{"tombstone_retention": "1h"}"#, true),
        (100, r#"{"tombstone_retention": "1w"}"#, false),
    ] {
        let workbench = workbench(first.clone());
        let spec = spec(&[("tickets", configuration)]);
        assert!(workbench.run(&spec, patient()).await.0.is_complete());
        workbench.connector.set_script("tickets", late.clone());
        let options = after(patient(), hours * 60);
        assert!(workbench.run(&spec, options).await.0.is_complete());
        assert_eq!(workbench.rows("tickets").await.len(), usize::from(revived), "{hours} {configuration}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn second_read_has_an_offset_of_its_own() {
    let workbench = workbench(vec![Step::Page(vec![row(1, 1, "a"), row(2, 1, "b")]), Step::Checkpoint(1)]);
    workbench.connector.set_deletes("tickets", vec![Step::Deleted(vec![gone(1, 2)]), Step::Checkpoint(7)]);
    let report = workbench.run_table("tickets", patient()).await;
    assert_eq!(report.tables[0].evidence, Some(Evidence::BothReadsEnded));
    assert_eq!(workbench.rows("tickets").await, [row(2, 1, "b")]);
    let state = workbench.state("tickets").await.unwrap();
    let checkpoint = state.checkpoint("default.tickets").unwrap();
    assert_eq!((&checkpoint.offset, checkpoint.deletes_offset.as_ref()), (&position(1), Some(&position(7))));
    let version = workbench.version("tickets").await;
    let report = workbench.run_table("tickets", patient()).await;
    assert_eq!((report.totals().commits, report.tables[0].evidence), (0, Some(Evidence::NothingNew)));
    assert_eq!(workbench.version("tickets").await, version);
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_second_read_keeps_what_the_first_one_gave() {
    let workbench = workbench(vec![Step::Page(vec![row(1, 1, "a")]), Step::Checkpoint(1)]);
    let deletes = vec![Step::Deleted(vec![gone(1, 2)]), Step::Fail(ErrorKind::Unavailable)];
    workbench.connector.set_deletes("tickets", deletes);
    let (report, _) = workbench.run(&spec(&[("tickets", "{}")]), patient()).await;
    let (table, error) = report.failures().next().unwrap();
    assert_eq!((error.kind(), table.evidence), (ErrorKind::Unavailable, None));
    let state = workbench.state("tickets").await.unwrap();
    let checkpoint = state.checkpoint("default.tickets").unwrap();
    assert_eq!((&checkpoint.offset, &checkpoint.deletes_offset), (&position(1), &None));
    workbench.connector.set_deletes("tickets", vec![Step::Deleted(vec![gone(1, 2)]), Step::Checkpoint(1)]);
    workbench.run_table("tickets", patient()).await;
    assert_eq!(workbench.rows("tickets").await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn delete_that_lacks_its_key_or_sequence_is_counted_and_not_applied() {
    let workbench = workbench(vec![
        Step::Page(vec![row(1, 1, "a")]),
        Step::Deleted(vec![json!({"at": 2}), json!({"id": 1})]),
        Step::Checkpoint(1),
    ]);
    let report = workbench.run_table("tickets", patient()).await;
    assert_eq!((report.totals().rows.deleted, report.totals().rows_rescued), (0, 2));
    let warning = "deletes without a key or a sequence were not applied: nothing tells what they delete".to_owned();
    assert!(report.tables[0].warnings.contains(&(warning, 2)), "{:?}", report.tables[0].warnings);
    assert_eq!(workbench.rows("tickets").await, [row(1, 1, "a")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_tombstones_stay_few() {
    let mut script = Vec::new();
    for at in 1..=20 {
        script.extend([Step::Page(vec![row(at, at, "x")]), Step::Deleted(vec![gone(at, at)]), Step::Checkpoint(at)]);
    }
    let workbench = workbench(script);
    workbench.run_table("tickets", eager()).await;
    let state = workbench.state("tickets").await.unwrap();
    let files = &state.checkpoint("default.tickets").unwrap().tombstones;
    assert_eq!(files.iter().map(|file| file.rows).sum::<u64>(), 20);
    assert!(files.len() <= 4, "{files:?}");
    assert!(files.iter().all(|file| file.path.starts_with("_lakeflow/")));
}
