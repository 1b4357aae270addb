//! What a run would do, without a write and without reading a row.

use futures::{StreamExt, TryStreamExt, stream};
use lakeflow_interface::{Offset, Result};
use serde::Serialize;

use super::{Pipeline, RunOptions};
use crate::flow::FlowKind;
use crate::plan::PlannedTable;

/// What a run would do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DryRun {
    /// Its tables, in the order of the plan.
    pub tables: Vec<DryRunTable>,
}

/// What a run would do with one table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DryRunTable {
    /// The destination.
    pub table: String,
    /// The table's name in the source.
    pub source_table: String,
    /// How rows would get into the destination.
    pub flow: FlowKind,
    /// What would happen to the destination.
    pub action: DryRunAction,
    /// Where the read would go on.
    pub offset: Offset,
    /// The version of the destination, if it exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The number of its rows, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// What the user should know before the run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What would happen to a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DryRunAction {
    /// It would be created, and the whole table read.
    Create,
    /// It would be brought up to date.
    Update,
    /// All its rows would be replaced.
    Replace,
}

impl Pipeline {
    /// Looks at the destinations; writes nothing, and asks the source nothing.
    ///
    /// # Errors
    /// The first destination that a run could not write to.
    pub async fn dry_run(&self, options: &RunOptions) -> Result<DryRun> {
        self.check_full_refresh(options)?;
        let tables = stream::iter(&self.plan.tables).map(|table| self.look_at(table, options));
        Ok(DryRun { tables: tables.buffered(options.parallel.max(1)).try_collect().await? })
    }

    async fn look_at(&self, plan: &PlannedTable, options: &RunOptions) -> Result<DryRunTable> {
        let flow = plan.flow_name();
        let state = self.lakehouse.table(&plan.destination)?.load().await?;
        if let Some(state) = &state {
            crate::flow::check_ours(state, plan).await?;
        }
        let checkpoint = state.as_ref().and_then(|state| state.checkpoint(&flow));
        let (action, offset) = match (checkpoint, options.full_refresh.includes(plan)) {
            (_, true) if state.is_some() => (DryRunAction::Replace, Offset::beginning()),
            (Some(checkpoint), false) => (DryRunAction::Update, checkpoint.offset.clone()),
            _ => (DryRunAction::Create, Offset::beginning()),
        };
        Ok(DryRunTable {
            table: flow,
            source_table: plan.source_table.clone(),
            flow: plan.flow,
            action,
            offset,
            version: state.as_ref().map(crate::delta::TableState::version),
            rows: match &state {
                Some(state) => state.rows().await?,
                None => None,
            },
            warnings: plan.warnings.clone(),
        })
    }
}
