//! The columns by which a table is clustered.

use std::collections::BTreeSet;

use lakeflow_interface::{ColumnPath, Result};
use serde_json::json;

use super::amendment::Amendment;
use super::evolution::with_features;
use super::replacement::CLUSTERING_DOMAIN;
use super::scan::physical_path;
use super::state::TableState;
use super::storage::{internal_error, kernel_error};
use super::table::DeltaTable;

impl DeltaTable {
    /// Clusters the table by these columns from now on, in a commit of its own; the same state where it is already.
    ///
    /// No file is rewritten: `optimize` sorts what it rewrites anyway, or everything where that is asked for.
    pub async fn cluster_by(&self, state: &TableState, columns: &[ColumnPath]) -> Result<TableState> {
        let paths = columns.iter().map(|column| physical_path(&state.layout, column));
        let paths: Vec<Vec<String>> = paths.collect::<Result<_>>().map_err(|error| self.located(error))?;
        let (table, state) = (self.clone(), state.clone());
        self.blocking(move || {
            let present = state.snapshot.get_physical_clustering_columns(table.engine());
            let present = present.map_err(|cause| kernel_error("the table's clustering cannot be read", cause))?;
            let is_same = present.is_some_and(|present| present.iter().map(|column| column.path()).eq(&paths));
            if is_same { Ok(state) } else { recluster(&table, &state, &paths) }
        })
        .await
    }
}

fn recluster(table: &DeltaTable, state: &TableState, paths: &[Vec<String>]) -> Result<TableState> {
    let protocol = serde_json::to_value(state.snapshot.table_configuration().protocol())
        .map_err(|cause| internal_error("the table's protocol cannot be read", cause))?;
    let features = BTreeSet::from(["clustering", "domainMetadata"]);
    let protocol = with_features(protocol, &["writerFeatures"], &features)?;
    let mut actions: Vec<_> = protocol.map(|protocol| json!({ "protocol": protocol })).into_iter().collect();
    let configuration = json!({ "clusteringColumns": paths }).to_string();
    actions.push(json!({
        "domainMetadata": {"domain": CLUSTERING_DOMAIN, "configuration": configuration, "removed": false}
    }));
    let by = json!(paths).to_string();
    let amendment = Amendment {
        operation: "CLUSTER BY",
        parameters: vec![("clusteringColumns", by)],
        is_data_change: false,
        actions,
    };
    amendment.commit(table, state, |_| Ok(()))
}
