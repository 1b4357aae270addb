//! A full refresh: the same table with new columns and none of its old rows.
//!
//! The kernel has no transaction that replaces a schema. So the new protocol and metadata are made by creating the table
//! in memory, and a committer of ours adds them to the transaction that removes the old files.

use std::collections::BTreeSet;
use std::sync::Arc;

use delta_kernel_default_engine::DefaultEngineBuilder;
use delta_kernel_default_engine::executor::tokio::TokioMultiThreadExecutor;
use lakeflow_interface::{Error, ErrorKind, Result};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::{Map, Value, json};
use tokio::runtime::Handle;
use url::Url;

use super::amendment::Amendment;
use super::state::{Layout, TableState};
use super::storage::{internal_error, kernel_error};
use super::table::{DeltaTable, NewTable, commit_creation};

/// The domain that holds the columns by which a table is clustered.
pub(crate) const CLUSTERING_DOMAIN: &str = "delta.clustering";

/// What a table becomes: actions of its next commit.
pub(crate) struct Replacement {
    pub(crate) actions: Arc<[Value]>,
}

impl DeltaTable {
    /// The state to write to for a full refresh: it has the new columns and no files.
    ///
    /// Committing on it removes all old files, sets the new columns and adds the staged files in one transaction; until
    /// then nothing changes. The table keeps its identity, and the features that its protocol has already.
    pub async fn replacement(&self, state: &TableState, table: &NewTable) -> Result<TableState> {
        let (handle, state, table) = (self.clone(), state.clone(), table.clone());
        self.blocking(move || {
            let (template, layout) = template(&table, handle.runtime())?;
            state.unclustered_for(&handle, &template)?.replaced_by_template(template, layout)
        })
        .await
    }
}

impl TableState {
    fn replaced_by_template(&self, template: Vec<Value>, layout: Layout) -> Result<Self> {
        let configuration = self.snapshot.table_configuration();
        let (mut protocol, mut metadata) = (action(&template, "protocol")?, action(&template, "metaData")?);
        let present = serde_json::to_value(configuration.protocol())
            .map_err(|cause| internal_error("the table's protocol cannot be read", cause))?;
        keep_features(&mut protocol, &present);
        metadata.insert("id".to_owned(), configuration.metadata().id().into());
        let mut actions = vec![json!({ "protocol": protocol }), json!({ "metaData": metadata })];
        actions.extend(clustering(&template).cloned());
        Ok(self.replaced_by(Replacement { actions: actions.into() }, layout))
    }
}

impl TableState {
    /// The state without clustering, in a commit of its own, where a template is clustered otherwise.
    ///
    /// The kernel wants statistics of the columns by which a table was clustered, which the new files may not have.
    fn unclustered_for(self, table: &DeltaTable, template: &[Value]) -> Result<Self> {
        let present = self.snapshot.get_domain_metadata_internal(CLUSTERING_DOMAIN, table.engine());
        let present = present.map_err(|cause| kernel_error("the table's clustering cannot be read", cause))?;
        let Some(present) = present else { return Ok(self) };
        if clustering(template).is_some_and(|wanted| wanted["domainMetadata"]["configuration"] == present) {
            return Ok(self);
        }
        let domain = json!({"domain": CLUSTERING_DOMAIN, "configuration": present, "removed": true});
        let amendment = Amendment {
            operation: "CLUSTER BY",
            parameters: vec![("clusteringColumns", "[]".to_owned())],
            is_data_change: false,
            actions: vec![json!({ "domainMetadata": domain })],
        };
        amendment.commit(table, &self, |_| Ok(()))
    }
}

/// The action that says by which columns a template is clustered.
fn clustering(template: &[Value]) -> Option<&Value> {
    template.iter().find(|action| action["domainMetadata"]["domain"] == CLUSTERING_DOMAIN)
}

/// The actions of the first commit of a table that is created in memory, and its layout.
fn template(table: &NewTable, runtime: &Handle) -> Result<(Vec<Value>, Layout)> {
    let unreadable = |cause: Box<dyn std::error::Error + Send + Sync>| {
        internal_error("the new table's metadata cannot be made", cause)
    };
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let url = Url::parse("memory:///table/").map_err(|cause| unreadable(cause.into()))?;
    let executor = Arc::new(TokioMultiThreadExecutor::new(runtime.clone()));
    let engine = DefaultEngineBuilder::new(Arc::clone(&store)).with_task_executor(executor).build();
    let snapshot = commit_creation(table.creation(&url)?, &engine)?;
    let layout = Layout::of(&snapshot, &engine)?;
    let path = Path::from("table/_delta_log/00000000000000000000.json");
    let log =
        runtime.block_on(async { store.get(&path).await?.bytes().await }).map_err(|cause| unreadable(cause.into()))?;
    let actions = serde_json::Deserializer::from_slice(&log).into_iter().collect::<serde_json::Result<_>>();
    Ok((actions.map_err(|cause| unreadable(cause.into()))?, layout))
}

fn action(actions: &[Value], name: &str) -> Result<Map<String, Value>> {
    let found = actions.iter().find_map(|action| action.get(name)).and_then(Value::as_object);
    found.cloned().ok_or_else(|| Error::new(ErrorKind::Internal, format!("the new table has no `{name}`")))
}

/// Adds the features of the present protocol to the new one: a table never loses a feature by being refreshed.
fn keep_features(protocol: &mut Map<String, Value>, present: &Value) {
    for list in ["readerFeatures", "writerFeatures"] {
        let names = |value: Option<&Value>| -> Vec<String> {
            let names = value.and_then(Value::as_array).into_iter().flatten();
            names.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let mut features: BTreeSet<String> = names(protocol.get(list)).into_iter().collect();
        features.extend(names(present.get(list)));
        protocol.insert(list.to_owned(), features.into_iter().collect());
    }
}
