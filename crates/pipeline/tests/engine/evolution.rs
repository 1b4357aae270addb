//! A source whose columns change from run to run.

use lakeflow_interface::{ErrorKind, IngestionType};
use serde_json::{Value, json};

use crate::connector::{ScriptedConnector, ScriptedTable, Step};
use crate::workbench::{Workbench, patient, spec};

/// The lakehouse with a source of one table, `t`, that has these columns and gives these rows, page by page.
fn with_source(workbench: Option<Workbench>, kind: IngestionType, schema: &str, pages: Vec<Vec<Value>>) -> Workbench {
    let pages = pages.into_iter().zip(1..);
    let script = pages.flat_map(|(rows, place)| [Step::Page(rows), Step::Checkpoint(place)]).collect();
    let connector = ScriptedConnector::default().with_table("t", ScriptedTable::new(kind, schema).with_script(script));
    match workbench {
        Some(workbench) => workbench.with_connector(connector),
        None => Workbench::new(connector),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn key_and_sequence_that_widen_still_find_their_rows() {
    let kind = IngestionType::Cdc;
    let first = vec![json!({"id": 1, "at": 1}), json!({"id": 2, "at": 1})];
    let workbench = with_source(None, kind, "id INT, at INT", vec![first.clone()]);
    workbench.run_table("t", patient()).await;
    let wide = json!({"id": 1, "at": 5_000_000_000_i64, "new": "x"});
    let mut pages = vec![first.clone(), vec![wide.clone()]];
    let workbench = with_source(Some(workbench), kind, "id BIGINT, at BIGINT, new STRING", pages.clone());
    workbench.run_table("t", patient()).await;
    assert_eq!(workbench.rows("t").await, [wide.clone(), first[1].clone()]);
    pages.push(vec![json!({"id": 2, "at": 3}), json!({"id": 1, "at": 4})]);
    let workbench = with_source(Some(workbench), kind, "id INT, at INT", pages);
    workbench.run_table("t", patient()).await;
    assert_eq!(workbench.rows("t").await, [wide, json!({"id": 2, "at": 3})], "a narrower source fits the wider table");
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshot_that_widens_changes_only_rows_that_changed() {
    let kind = IngestionType::Snapshot;
    let rows = vec![json!({"id": 1, "n": 1}), json!({"id": 2, "n": 2})];
    let workbench = with_source(None, kind, "id INT, n INT", vec![rows.clone()]);
    workbench.run_table("t", patient()).await;
    let changed = vec![rows[0].clone(), json!({"id": 2, "n": 3})];
    let workbench = with_source(Some(workbench), kind, "id INT, n BIGINT", vec![changed.clone()]);
    let totals = workbench.run_table("t", patient()).await.totals();
    assert_eq!((totals.rows.inserted, totals.rows.updated, totals.rows.deleted), (0, 1, 0));
    assert_eq!(workbench.rows("t").await, changed);
    let workbench = with_source(Some(workbench), kind, "id INT, n INT", vec![changed]);
    assert_eq!(workbench.run_table("t", patient()).await.totals().commits, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn incompatible_change_stops_before_a_row_is_written() {
    for kind in [IngestionType::Cdc, IngestionType::Snapshot, IngestionType::Append] {
        let workbench = with_source(None, kind, "id INT, at INT", vec![vec![json!({"id": 1, "at": 1})]]);
        workbench.run_table("t", patient()).await;
        let version = workbench.version("t").await;
        let rows = vec![json!({"id": 1, "at": 1}), json!({"id": 2, "at": 2})];
        let workbench = with_source(Some(workbench), kind, "id INT, at STRING", vec![rows]);
        let (report, _) =
            workbench.run(&spec(&[("t", r#"{"primary_keys": ["id"], "sequence_by": "at"}"#)]), patient()).await;
        let (_, error) = report.failures().next().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.message().contains("`at` was INT, is STRING"), "{error}");
        assert!(error.hint().unwrap().contains("--full-refresh"));
        assert_eq!(workbench.version("t").await, version);
    }
}
