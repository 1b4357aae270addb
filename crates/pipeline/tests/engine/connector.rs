//! A connector whose reads are scripts: pages, checkpoints and failures in the order that a test wants.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use futures::{StreamExt, stream};
use lakeflow_interface::records::{JsonRecords, Page};
use lakeflow_interface::{
    ColumnPath, CursorOrder, Error, ErrorKind, IngestionType, LakeflowConnect, Offset, ReadContext, ReadItem,
    ReadStream, Records, Result, TableMetadata, TableOptions, ddl, unknown_name,
};
use serde_json::Value;
use tokio::sync::Notify;

/// One step of a read.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A page of records.
    Page(Vec<Value>),
    /// A page of deleted records.
    Deleted(Vec<Value>),
    /// Everything before is complete up to this position.
    Checkpoint(u64),
    /// The read fails.
    Fail(ErrorKind),
    /// The read says that it came here, and stands still until the gate opens.
    Gate,
}

/// A table and the script of its reads: one that begins at a position goes on behind that checkpoint.
pub(crate) struct ScriptedTable {
    schema: SchemaRef,
    metadata: TableMetadata,
    valid_options: Vec<&'static str>,
    script: Mutex<Vec<Step>>,
    /// The script of the second read, if there is one.
    deletes: Mutex<Option<Vec<Step>>>,
}

/// The connector.
#[derive(Default)]
pub(crate) struct ScriptedConnector {
    tables: BTreeMap<String, ScriptedTable>,
    reads: AtomicUsize,
    refusal: Option<ErrorKind>,
    gate: Arc<Gate>,
}

/// Where reads stand still.
#[derive(Default)]
struct Gate {
    reached: Notify,
    open: Notify,
}

impl ScriptedTable {
    pub(crate) fn new(kind: IngestionType, schema: &str) -> Self {
        let cursor = ddl::parse(schema).unwrap().field_with_name("at").is_ok();
        Self {
            schema: ddl::parse(schema).unwrap(),
            metadata: TableMetadata {
                primary_keys: paths(&["id"]),
                cursor_field: cursor.then(|| "at".parse().unwrap()),
                ingestion_type: kind,
                order: CursorOrder::None,
            },
            valid_options: vec!["owner", "camelCase"],
            script: Mutex::default(),
            deletes: Mutex::default(),
        }
    }

    pub(crate) fn with_keys(mut self, keys: &[&str]) -> Self {
        self.metadata.primary_keys = paths(keys);
        self
    }

    pub(crate) fn with_script(self, script: Vec<Step>) -> Self {
        *self.script.lock().unwrap() = script;
        self
    }
}

pub(crate) fn paths(names: &[&str]) -> Vec<ColumnPath> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// The offset at a position of a script.
pub(crate) fn position(position: u64) -> Offset {
    Offset::beginning().with("position", position)
}

impl ScriptedConnector {
    pub(crate) fn with_table(mut self, name: &str, table: ScriptedTable) -> Self {
        self.tables.insert(name.to_owned(), table);
        self
    }

    /// Every question is answered with this error.
    pub(crate) fn refusing(kind: ErrorKind) -> Self {
        Self { refusal: Some(kind), ..Self::default() }
    }

    /// Sets what the next reads of a table give.
    pub(crate) fn set_script(&self, table: &str, script: Vec<Step>) {
        *self.tables[table].script.lock().unwrap() = script;
    }

    /// Sets what the next reads of a table's deleted rows give.
    pub(crate) fn set_deletes(&self, table: &str, script: Vec<Step>) {
        *self.tables[table].deletes.lock().unwrap() = Some(script);
    }

    /// Waits until a read stands at a gate.
    pub(crate) async fn gate_reached(&self) {
        self.gate.reached.notified().await;
    }

    /// Lets one read pass its gate.
    pub(crate) fn open_gate(&self) {
        self.gate.open.notify_one();
    }

    /// The number of reads so far.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    fn table(&self, name: &str) -> Result<&ScriptedTable> {
        let names = self.tables.keys().map(String::as_str);
        self.tables.get(name).ok_or_else(|| unknown_name(ErrorKind::NotFound, "table", name, names))
    }
}

#[async_trait]
impl LakeflowConnect for ScriptedConnector {
    async fn list_tables(&self) -> Result<Vec<String>> {
        match self.refusal {
            Some(kind) => Err(Error::new(kind, "the source refuses").with_hint("ask somebody else")),
            None => Ok(self.tables.keys().cloned().collect()),
        }
    }

    async fn get_table_schema(&self, table: &str, options: &TableOptions) -> Result<SchemaRef> {
        let table = self.table(table)?;
        if let Some((option, _)) = options.iter().find(|(name, _)| !table.valid_options.contains(name)) {
            let error = unknown_name(ErrorKind::Configuration, "option", option, table.valid_options.iter().copied());
            return Err(error.with_context("option", option));
        }
        Ok(Arc::clone(&table.schema))
    }

    async fn read_table_metadata(&self, table: &str, _options: &TableOptions) -> Result<TableMetadata> {
        Ok(self.table(table)?.metadata.clone())
    }

    async fn read_table(
        &self,
        table: &str,
        start: &Offset,
        _options: &TableOptions,
        context: &ReadContext,
    ) -> Result<ReadStream> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let table = self.table(table)?;
        let is_snapshot = table.metadata.ingestion_type == IngestionType::Snapshot;
        let script = table.script.lock().unwrap().clone();
        context.metrics.count_request();
        Ok(self.play(script, start, is_snapshot))
    }

    async fn read_table_deletes(
        &self,
        table: &str,
        start: &Offset,
        _options: &TableOptions,
        _context: &ReadContext,
    ) -> Result<ReadStream> {
        let script = self.table(table)?.deletes.lock().unwrap().clone();
        match script {
            Some(script) => Ok(self.play(script, start, false)),
            None => Err(Error::new(ErrorKind::Unsupported, "there is no second read")),
        }
    }
}

impl ScriptedConnector {
    /// The steps of a script behind a position.
    fn play(&self, mut script: Vec<Step>, start: &Offset, is_snapshot: bool) -> ReadStream {
        if let Some(begin) = start.get("position").and_then(Value::as_u64) {
            let is_start = |step: &Step| matches!(step, Step::Checkpoint(position) if *position == begin);
            script.drain(..=script.iter().position(is_start).expect("the start is a checkpoint of the script"));
        }
        let ends_at_start = Step::Checkpoint(start.get("position").and_then(Value::as_u64).unwrap_or(0));
        if script.is_empty() && !start.is_beginning() {
            script.push(ends_at_start);
        }
        let items = script.into_iter().map(move |step| match step {
            Step::Page(records) => Ok(Some(ReadItem::Records(page(&records)))),
            Step::Deleted(records) => Ok(Some(ReadItem::Deletes(page(&records)))),
            Step::Checkpoint(_) if is_snapshot => Ok(Some(ReadItem::Checkpoint(Offset::beginning()))),
            Step::Checkpoint(at) => Ok(Some(ReadItem::Checkpoint(position(at)))),
            Step::Fail(kind) => Err(Error::new(kind, "the page cannot be read")),
            Step::Gate => Ok(None),
        });
        let gate = Arc::clone(&self.gate);
        let items = stream::iter(items).filter_map(move |item| {
            let gate = Arc::clone(&gate);
            async move {
                match item.transpose() {
                    Some(item) => Some(item),
                    None => {
                        gate.reached.notify_one();
                        gate.open.notified().await;
                        None
                    }
                }
            }
        });
        items.boxed()
    }
}

fn page(records: &[Value]) -> Records {
    let page = Arc::new(Page::parse(Value::from(records.to_vec()).to_string()).unwrap());
    let places = page.root().items().map(|value| value.index()).collect();
    Records::Json(JsonRecords::new(page, places))
}
