//! What a run does for its tables' files beside filling them.

use lakeflow_interface::IngestionType;
use serde_json::{Value, json};

use crate::connector::{ScriptedConnector, ScriptedTable, Step};
use crate::workbench::{Workbench, eager, patient};

fn row(id: u64, at: u64) -> Value {
    json!({"id": id, "at": at})
}

#[tokio::test(flavor = "multi_thread")]
async fn many_small_files_are_joined_after_the_run() {
    let pages = (1..=40_u64)
        .flat_map(|page| [Step::Page(vec![row(page, page), row(page / 2, 1000 + page)]), Step::Checkpoint(page)]);
    let table = ScriptedTable::new(IngestionType::Cdc, "id BIGINT, at BIGINT").with_script(pages.collect());
    let workbench = Workbench::new(ScriptedConnector::default().with_table("issues", table));
    let report = workbench.run_table("issues", eager()).await;
    assert!(report.totals().files > 24);
    let expected = workbench.rows("issues").await;
    assert_eq!(expected.len(), 41);
    let state = workbench.state("issues").await.unwrap();
    assert_eq!(state.files().await.unwrap().len(), 1);
    assert_eq!(workbench.run_table("issues", patient()).await.totals().commits, 0);
    assert_eq!(workbench.version("issues").await, Some(state.version()), "a run without news leaves the table alone");
}
