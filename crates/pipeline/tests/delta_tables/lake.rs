//! A lakehouse in a temporary folder, and what tests do with its tables.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::json::LineDelimitedWriter;
use chrono::DateTime;
use futures::TryStreamExt;
use lakeflow_interface::Offset;
use lakeflow_pipeline::delta::{
    Checkpoint, Commit, DeletedRows, DeltaTable, Destination, Lakehouse, NewTable, Operation, Scan, StagedFile,
    TableState, WriterSettings,
};
use tempfile::TempDir;

pub(crate) const FLOW: &str = "people";

pub(crate) struct Lake {
    pub(crate) folder: TempDir,
    pub(crate) lakehouse: Lakehouse,
}

impl Lake {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let lakehouse = Lakehouse::open(folder.path().to_str().unwrap()).unwrap();
        Self { folder, lakehouse }
    }

    pub(crate) fn table(&self, name: &str) -> DeltaTable {
        self.lakehouse.table(&name.parse::<Destination>().unwrap()).unwrap()
    }

    /// A new table of people, empty.
    pub(crate) async fn people(&self) -> (DeltaTable, TableState) {
        let table = self.table("people");
        let state = table.create(&NewTable::new(people_schema())).await.unwrap();
        (table, state)
    }
}

pub(crate) fn people_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false), Field::new("name", DataType::Utf8, true)]))
}

pub(crate) fn people(rows: &[(i64, &str)]) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|(id, _)| *id)));
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|(_, name)| *name)));
    RecordBatch::try_new(people_schema(), vec![ids, names]).unwrap()
}

pub(crate) fn checkpoint(batch: i64) -> Checkpoint {
    Checkpoint {
        offset: Offset::beginning().with("cursor", batch),
        deletes_offset: None,
        batch,
        run: "run".to_owned(),
        at: DateTime::UNIX_EPOCH,
        tombstones: Vec::new(),
    }
}

pub(crate) fn commit(batch: i64, staged: Vec<StagedFile>) -> Commit {
    Commit {
        flow: FLOW.to_owned(),
        operation: Operation::Append,
        checkpoint: checkpoint(batch),
        staged,
        deleted: DeletedRows::default(),
    }
}

pub(crate) async fn stage(table: &DeltaTable, state: &TableState, batch: &RecordBatch) -> Vec<StagedFile> {
    let mut writer = table.writer(state, WriterSettings::default());
    writer.write(batch).await.unwrap();
    writer.finish().await.unwrap()
}

/// Appends rows as the next batch of the flow.
pub(crate) async fn append(table: &DeltaTable, state: &TableState, rows: &RecordBatch) -> TableState {
    let batch = state.checkpoint(FLOW).map_or(0, |last| last.batch + 1);
    let staged = stage(table, state, rows).await;
    table.commit(state, commit(batch, staged)).await.unwrap()
}

/// All rows as JSON lines, sorted.
pub(crate) async fn rows(table: &DeltaTable, state: &TableState) -> Vec<String> {
    scanned(table, state, Scan::all()).await
}

pub(crate) async fn scanned(table: &DeltaTable, state: &TableState, scan: Scan) -> Vec<String> {
    let batches: Vec<_> = table.scan(state, scan).await.unwrap().try_collect().await.unwrap();
    let mut lines: Vec<String> = batches.iter().flat_map(|placed| json_lines(&placed.batch)).collect();
    lines.sort();
    lines
}

pub(crate) fn json_lines(batch: &RecordBatch) -> Vec<String> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    String::from_utf8(writer.into_inner()).unwrap().lines().map(str::to_owned).collect()
}

/// The rows of a table that is loaded anew, as JSON lines, sorted.
pub(crate) async fn reloaded_rows(table: &DeltaTable) -> Vec<String> {
    let state = table.load().await.unwrap().unwrap();
    rows(table, &state).await
}

/// The actions of one version in the table's log.
pub(crate) fn log(table: &DeltaTable, version: u64) -> Vec<serde_json::Value> {
    let path = table.location().to_file_path().unwrap().join(format!("_delta_log/{version:020}.json"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The names of the data files in the table's folder, committed or not.
pub(crate) fn data_files(table: &DeltaTable) -> Vec<String> {
    let entries = std::fs::read_dir(table.location().to_file_path().unwrap()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".parquet")).collect()
}
