//! `PythonConnector`: a connector written in Python, as every other connector.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex as Lock, PoisonError};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use lakeflow_interface::{
    CursorOrder, Error, ErrorKind, IngestionType, LakeflowConnect, Offset, ReadContext, ReadStream, Result, Secret,
    SupportsNamespaces, SupportsPartition, TableMetadata, TableOptions, unknown_name,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::process::Worker;
use crate::protocol::{Abilities, Request, Table};
use crate::read::{Kind, Read};
use crate::schema;
use crate::settings::PythonSettings;

/// A connector written in Python. Questions go to one worker, one at a time; every read has a worker of its own.
pub struct PythonConnector {
    settings: Arc<PythonSettings>,
    abilities: Abilities,
    /// The worker that answers questions, while it does not.
    idle: Mutex<Option<Worker>>,
    /// Whether tables are partitioned, as far as they were asked about.
    partitioned: Lock<BTreeMap<String, bool>>,
}

impl PythonConnector {
    /// Starts Python, imports the module and makes the connector, to know what it can do.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] where Python, the module or the class is not there; what the constructor raises.
    pub async fn load(settings: PythonSettings) -> Result<Self> {
        let settings = Arc::new(settings);
        let worker = Worker::start(&settings, None).await?;
        let abilities = worker.abilities();
        Ok(Self { settings, abilities, idle: Mutex::new(Some(worker)), partitioned: Lock::default() })
    }

    /// The same connector with workers of its own, of which it has none yet, and other options of the connection.
    pub fn with_options(&self, options: BTreeMap<String, Secret>) -> Self {
        let settings = Arc::new(PythonSettings { options, ..(*self.settings).clone() });
        Self { settings, abilities: self.abilities, idle: Mutex::new(None), partitioned: Lock::default() }
    }

    pub(crate) fn settings(&self) -> &Arc<PythonSettings> {
        &self.settings
    }

    pub(crate) fn is_known_as_partitioned(&self, table: &str) -> bool {
        self.partitioned.lock().unwrap_or_else(PoisonError::into_inner).get(table).copied().unwrap_or_default()
    }

    /// Asks the connector; it is made anew for other options.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        table: Option<(&str, &TableOptions)>,
        request: Request<'_>,
    ) -> Result<T> {
        let mut idle = self.idle.lock().await;
        // Where this future is dropped, so is the worker: half of an answer may be in its pipe.
        let mut worker = match idle.take() {
            // The constructor's instant may be what the latest offset is capped by.
            Some(mut worker) => match worker.reconnect(table, matches!(request, Request::LatestOffset(_))).await {
                Ok(()) => worker,
                Err(error) => {
                    *idle = Some(worker).filter(Worker::is_usable);
                    return Err(error);
                }
            },
            None => Worker::start(&self.settings, table).await?,
        };
        let answer = worker.ask(request).await;
        *idle = Some(worker).filter(Worker::is_usable);
        answer
    }

    /// The same about a table; where the connector does not know it, the error says so.
    async fn ask_of_table<T: DeserializeOwned>(
        &self,
        table: &str,
        options: &TableOptions,
        request: Request<'_>,
    ) -> Result<T> {
        match self.ask(Some((table, options)), request).await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.explain(table, error).await),
        }
    }

    async fn explain(&self, table: &str, error: Error) -> Error {
        match self.list_tables().await {
            Ok(names) if !names.iter().any(|name| name == table) => {
                unknown_name(ErrorKind::Configuration, "table", table, names.iter().map(String::as_str))
                    .with_cause(error)
            }
            _ => error.with_context("table", table),
        }
    }

    /// Asks whether the table is read by partitions, where tables can be.
    async fn learn_partitioned(&self, table: &str, options: &TableOptions) -> Result<()> {
        if self.abilities.partitioned_stream {
            let answer = self.ask_of_table(table, options, Request::IsPartitioned { table }).await?;
            self.partitioned.lock().unwrap_or_else(PoisonError::into_inner).insert(table.to_owned(), answer);
        }
        Ok(())
    }

    /// A read by partitions; nothing where the table is read by calls of `read_table`. Its metadata was asked for.
    async fn read_split(
        &self,
        table: &str,
        start: &Offset,
        options: &TableOptions,
        kind: IngestionType,
        context: &ReadContext,
    ) -> Result<Option<ReadStream>> {
        let is_split = if self.abilities.partitioned_stream {
            self.is_known_as_partitioned(table)
        } else {
            self.abilities.partition && kind == IngestionType::Snapshot
        };
        if !is_split {
            return Ok(None);
        }
        if kind != IngestionType::Snapshot {
            let end = SupportsPartition::latest_offset(self, table, start, options, context).await?;
            let partitions = SupportsPartition::get_partitions(self, table, start, &end, options).await?;
            return Ok(Some(self.read_partitions(partitions, (table, options), end, context)));
        }
        let request = Request::GetPartitions { table: Table { name: table, options }, range: None };
        match self.ask(Some((table, options)), request).await {
            Ok(partitions) => {
                Ok(Some(self.read_partitions(partitions, (table, options), Offset::beginning(), context)))
            }
            // A connector that splits some tables only may say so by raising.
            Err(error) if !self.abilities.partitioned_stream && error.kind() == ErrorKind::Unsupported => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn start_read(
        &self,
        kind: Kind,
        table: (&str, &TableOptions),
        metadata: TableMetadata,
        context: &ReadContext,
    ) -> Result<Read> {
        let worker = Worker::start(&self.settings, Some(table)).await?;
        Ok(Read::new(worker, kind, table, metadata, context))
    }
}

#[async_trait]
impl LakeflowConnect for PythonConnector {
    async fn list_tables(&self) -> Result<Vec<String>> {
        self.ask(None, Request::ListTables).await
    }

    async fn get_table_schema(&self, table: &str, options: &TableOptions) -> Result<SchemaRef> {
        let request = Request::GetTableSchema(Table { name: table, options });
        let answer: Value = self.ask_of_table(table, options, request).await?;
        schema::of_answer(&answer).map_err(|error| error.with_context("table", table))
    }

    async fn read_table_metadata(&self, table: &str, options: &TableOptions) -> Result<TableMetadata> {
        let request = Request::ReadTableMetadata(Table { name: table, options });
        let answer: Value = self.ask_of_table(table, options, request).await?;
        self.learn_partitioned(table, options).await?;
        metadata(&answer).map_err(|error| error.with_context("table", table))
    }

    async fn read_table(
        &self,
        table: &str,
        start: &Offset,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<ReadStream> {
        let metadata = self.read_table_metadata(table, options).await?;
        if let Some(split) = self.read_split(table, start, options, metadata.ingestion_type, context).await? {
            return Ok(split);
        }
        Ok(self.start_read(Kind::Changes, (table, options), metadata, context).await?.items_from(start))
    }

    async fn read_table_deletes(
        &self,
        table: &str,
        start: &Offset,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<ReadStream> {
        let metadata = self.read_table_metadata(table, options).await?;
        if metadata.ingestion_type != IngestionType::CdcWithDeletes {
            let message = format!("table `{table}` has no read of deleted rows: it is `{}`", metadata.ingestion_type);
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        Ok(self.start_read(Kind::Deletes, (table, options), metadata, context).await?.items_from(start))
    }

    fn namespaces(&self) -> Option<&dyn SupportsNamespaces> {
        self.abilities.namespaces.then_some(self as _)
    }

    fn partitions(&self) -> Option<&dyn SupportsPartition> {
        self.abilities.partitioned_stream.then_some(self as _)
    }
}

#[async_trait]
impl SupportsNamespaces for PythonConnector {
    async fn list_namespaces(&self, prefix: &[String]) -> Result<Vec<Vec<String>>> {
        let mut found: Vec<Vec<String>> = self.ask(None, Request::ListNamespaces { prefix }).await?;
        found.sort();
        Ok(found)
    }

    async fn list_tables_in_namespace(&self, namespace: &[String]) -> Result<Vec<String>> {
        let mut found: Vec<String> = self.ask(None, Request::ListTablesInNamespace { namespace }).await?;
        found.sort();
        Ok(found)
    }
}

/// The metadata in a connector's dictionary; without an ingestion type a table is `cdc`, other keys are its own affair.
fn metadata(answer: &Value) -> Result<TableMetadata> {
    let wrong = |key: &str, expected: &str, found: &Value| {
        Error::new(
            ErrorKind::Definition,
            format!("`{key}` of `read_table_metadata`: expected {expected}, found {found}"),
        )
    };
    let ingestion_type = match answer.get("ingestion_type") {
        None | Some(Value::Null) => IngestionType::Cdc,
        Some(value) => IngestionType::ALL
            .into_iter()
            .find(|kind| value.as_str() == Some(kind.as_str()))
            .ok_or_else(|| wrong("ingestion_type", "`snapshot`, `cdc`, `cdc_with_deletes` or `append`", value))?,
    };
    let primary_keys = match answer.get("primary_keys") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(names)) => names
            .iter()
            .map(|name| name.as_str().ok_or_else(|| wrong("primary_keys", "names of columns", name))?.parse())
            .collect::<Result<_>>()?,
        Some(other) => return Err(wrong("primary_keys", "a list of names of columns", other)),
    };
    let cursor_field = match answer.get("cursor_field") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) if name.is_empty() => None,
        Some(Value::String(name)) => Some(name.parse()?),
        Some(other) => return Err(wrong("cursor_field", "the name of a column", other)),
    };
    Ok(TableMetadata { primary_keys, cursor_field, ingestion_type, order: CursorOrder::default() })
}
