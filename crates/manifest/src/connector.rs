//! `Connector`: what a definition describes, at work.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use lakeflow_interface::{
    Error, ErrorKind, LakeflowConnect, Offset, ReadContext, ReadMetrics, ReadStream, Result, SupportsPartition,
    SupportsWriteBack, TableMetadata, TableOptions,
};

use crate::catalog::Catalog;
use crate::connect::Clients;
use crate::loaded::Definition;
use crate::plan::TablePlan;
use crate::read::{Ask, TableRead, read, read_deletes};
use crate::template::Scope;

/// A connector that a definition describes.
pub(crate) struct Connector {
    pub(crate) definition: Definition,
    pub(crate) clients: Clients,
    pub(crate) scope: Scope,
    /// The parameters that hold the credentials.
    credentials: Arc<[String]>,
    catalog: Catalog,
}

impl Connector {
    pub(crate) fn new(definition: Definition, clients: Clients, scope: Scope, credentials: Vec<String>) -> Self {
        Self { definition, clients, scope, credentials: credentials.into(), catalog: Catalog::default() }
    }

    /// A table, with what the source tells of it.
    pub(crate) async fn plan(
        &self,
        table: &str,
        options: &TableOptions,
        metrics: &Arc<ReadMetrics>,
    ) -> Result<Arc<TablePlan>> {
        let plan = self.catalog.table(self, table, options, metrics).await;
        plan.map_err(|error| self.with_hint(error))
    }

    /// The read of a table, or of something else that its plan says.
    pub(crate) async fn table_read(
        &self,
        plan: Arc<TablePlan>,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<TableRead> {
        let values = plan.option_settings().resolve(options.iter());
        let values = values.map_err(|error| error.with_context("table", plan.name.clone()))?;
        let mut ancestors = BTreeMap::new();
        let mut parent = plan.table.parent.as_ref().map(|parent| parent.table.clone());
        while let Some(name) = parent {
            let ancestor = self.plan(&name, options, &context.metrics).await?;
            parent = ancestor.table.parent.as_ref().map(|parent| parent.table.clone());
            ancestors.insert(name, ancestor);
        }
        let ask = Ask {
            client: self.clients.of(&plan.table, &self.scope)?,
            ancestors,
            connection: self.scope.clone(),
            credentials: self.credentials.clone(),
            metrics: context.metrics.clone(),
            horizon: context.horizon.instant(),
            keeps_all: context.keeps_all,
        };
        TableRead::new(ask, plan, values)
    }

    pub(crate) fn with_hint(&self, error: Error) -> Error {
        hint_at_credentials(error, &self.credentials)
    }
}

/// Says which parameters to look at when the source does not know us.
pub(crate) fn hint_at_credentials(error: Error, credentials: &[String]) -> Error {
    if error.kind() != ErrorKind::Authentication || credentials.is_empty() {
        return error;
    }
    let names: Vec<String> = credentials.iter().map(|name| format!("`{name}`")).collect();
    error.with_hint(format!(
        "check the connection parameter {}: it may be wrong, expired or revoked",
        names.join(" and ")
    ))
}

#[async_trait]
impl LakeflowConnect for Connector {
    async fn list_tables(&self) -> Result<Vec<String>> {
        let tables = self.catalog.names(self, &Arc::default()).await;
        tables.map_err(|error| self.with_hint(error))
    }

    async fn get_table_schema(&self, table: &str, options: &TableOptions) -> Result<SchemaRef> {
        Ok(self.plan(table, options, &Arc::default()).await?.schema.clone())
    }

    async fn read_table_metadata(&self, table: &str, options: &TableOptions) -> Result<TableMetadata> {
        let plan = self.plan(table, options, &Arc::default()).await?;
        // So that a mistake in the options is found before anything is read.
        plan.option_settings().resolve(options.iter())?;
        Ok(plan.metadata.clone())
    }

    async fn read_table(
        &self,
        table: &str,
        start: &Offset,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<ReadStream> {
        let plan = self.plan(table, options, &context.metrics).await?;
        read(self.table_read(plan, options, context).await?, start)
    }

    async fn read_table_deletes(
        &self,
        table: &str,
        start: &Offset,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<ReadStream> {
        let plan = self.plan(table, options, &context.metrics).await?;
        let deletes = plan.deletes.clone().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, format!("table `{table}` has no separate read of deleted rows"))
        })?;
        read_deletes(self.table_read(deletes, options, context).await?, start)
    }

    async fn check_connection(&self) -> Result<()> {
        let Some(check) = &self.definition.manifest().connection.check else { return Ok(()) };
        let request = crate::read::request(&check.full(), &self.scope)?;
        let answer = self.clients.main.send(&request, &ReadMetrics::default()).await;
        answer.map(|_| ()).map_err(|error| self.with_hint(error))
    }

    fn partitions(&self) -> Option<&dyn SupportsPartition> {
        Some(self)
    }

    fn write_back(&self) -> Option<&dyn SupportsWriteBack> {
        let has_any = self.definition.shared.tables.values().any(|plan| plan.table.write_back.is_some());
        has_any.then_some(self as &dyn SupportsWriteBack)
    }
}
