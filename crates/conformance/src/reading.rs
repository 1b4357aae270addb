//! Reads of a table, typed and taken to JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::json::writer::{JsonArray, WriterBuilder};
use futures::StreamExt;
use lakeflow_interface::records::{BadValues, JsonRecords, Page, TypedBatch, Typer};
use lakeflow_interface::{Error, ErrorKind, Offset, ReadItem, ReadStream, Records, Result};
use serde_json::Value as Json;

use crate::finding::{Finding, Outcome};

/// What one read gave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    /// What was read, as text for messages: `from {} with per_page=1`.
    pub(crate) title: String,
    /// The rows in their order, as JSON.
    pub(crate) rows: Vec<Json>,
    /// The deleted rows in their order, as JSON.
    pub(crate) deletes: Vec<Json>,
    /// Each checkpoint, with what came before it.
    pub(crate) checkpoints: Vec<Checkpoint>,
    /// Whether the last item was a checkpoint.
    pub(crate) ends_with_checkpoint: bool,
    /// Fields that the schema does not have.
    pub(crate) undeclared: BTreeSet<String>,
    /// What was skipped, and how often.
    pub(crate) warnings: BTreeMap<String, u64>,
    /// How many requests were made.
    pub(crate) requests: u64,
    /// The batches as they were typed.
    pub(crate) batches: Vec<RecordBatch>,
}

/// A checkpoint, with the number of rows and deleted rows before it.
#[derive(Clone, Debug)]
pub(crate) struct Checkpoint {
    pub(crate) rows: usize,
    pub(crate) deletes: usize,
    pub(crate) offset: Offset,
}

/// When a read is left off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) checkpoints: usize,
    pub(crate) rows: usize,
    pub(crate) requests: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { checkpoints: usize::MAX, rows: usize::MAX, requests: u64::MAX }
    }
}

impl Reading {
    /// The offset that the read ended at.
    pub(crate) fn end(&self) -> Outcome<&Offset> {
        match self.checkpoints.last() {
            Some(checkpoint) if self.ends_with_checkpoint => Ok(&checkpoint.offset),
            Some(_) => Err(Finding::new("a checkpoint as the last item", "rows after the last checkpoint")
                .at(self.title.clone())
                .into()),
            None => Err(Finding::new("a checkpoint as the last item", "a read without any checkpoint")
                .at(self.title.clone())
                .into()),
        }
    }

    /// Whether it gave neither rows nor deleted rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.deletes.is_empty()
    }

    /// Takes the items of a stream; `requests` tells how many requests were made so far.
    pub(crate) async fn fill(
        &mut self,
        mut stream: ReadStream,
        typer: &mut Typer,
        limits: Limits,
        requests: impl Fn() -> u64,
    ) -> Result<()> {
        while let Some(item) = stream.next().await {
            self.ends_with_checkpoint = false;
            match item? {
                ReadItem::Records(records) => {
                    let typed = self.typed(records, typer)?;
                    self.rows.extend(to_json(&typed)?);
                    self.batches.push(typed);
                }
                ReadItem::Deletes(records) => {
                    let typed = self.typed(records, typer)?;
                    self.deletes.extend(to_json(&typed)?);
                }
                ReadItem::Checkpoint(offset) => {
                    let (rows, deletes) = (self.rows.len(), self.deletes.len());
                    self.checkpoints.push(Checkpoint { rows, deletes, offset });
                    self.ends_with_checkpoint = true;
                }
            }
            self.requests = requests();
            let is_enough = self.checkpoints.len() >= limits.checkpoints || self.rows.len() >= limits.rows;
            if is_enough || self.requests > limits.requests {
                break;
            }
        }
        self.requests = requests();
        Ok(())
    }

    fn typed(&mut self, records: Records, typer: &mut Typer) -> Result<RecordBatch> {
        match records {
            Records::Json(records) => {
                typer.push(&records)?;
                let TypedBatch { batch, undeclared, .. } = typer.finish()?;
                self.undeclared.extend(undeclared);
                Ok(batch)
            }
            Records::Arrow(batch) => Ok(batch),
        }
    }
}

/// Records as the source has them, typed, with the columns that each record really has.
pub(crate) fn typed_records(schema: &SchemaRef, records: &[Json]) -> Result<Vec<Json>> {
    let mut typer = Typer::new("table", schema.clone(), BadValues::Rescue)?;
    let text = serde_json::to_vec(records).map_err(|error| {
        Error::new(ErrorKind::Internal, "the simulator's rows cannot be written as JSON").with_cause(error)
    })?;
    let page = Arc::new(Page::parse(text)?);
    let places = page.root().items().map(|record| record.index()).collect();
    typer.push(&JsonRecords::new(page, places))?;
    let mut rows = to_json(&typer.finish()?.batch)?;
    for (row, record) in rows.iter_mut().zip(records) {
        if let (Json::Object(row), Json::Object(record)) = (row, record) {
            row.retain(|column, _| record.contains_key(column));
        }
    }
    Ok(rows)
}

/// The rows of a batch as JSON objects, nulls included.
pub(crate) fn to_json(batch: &RecordBatch) -> Result<Vec<Json>> {
    let failed =
        |cause: String| Error::new(ErrorKind::Internal, "a typed batch cannot be written as JSON").with_cause(cause);
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(Vec::new());
    writer.write(batch).map_err(|error| failed(error.to_string()))?;
    writer.finish().map_err(|error| failed(error.to_string()))?;
    let text = writer.into_inner();
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows: Vec<Json> = serde_json::from_slice(&text).map_err(|error| failed(error.to_string()))?;
    rows.iter_mut().for_each(sort_keys);
    Ok(rows)
}

/// Sorts the keys of objects that are texts: the order that a source gives them in says nothing.
fn sort_keys(value: &mut Json) {
    match value {
        Json::String(text) if text.starts_with(['{', '[']) => {
            if let Ok(parsed) = serde_json::from_str::<Json>(text) {
                *text = parsed.to_string();
            }
        }
        Json::Array(items) => items.iter_mut().for_each(sort_keys),
        Json::Object(fields) => fields.values_mut().for_each(sort_keys),
        _ => {}
    }
}
