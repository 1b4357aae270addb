//! A batch as a connector: one table, whose rows are those that tasks have staged.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, not};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use async_stream::try_stream;
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use lakeflow_interface::records::RESCUED_DATA;
use lakeflow_interface::{
    CursorOrder, Error, ErrorKind, IngestionType, LakeflowConnect, Offset, ReadContext, ReadItem, ReadStream, Records,
    Result, TableMetadata, TableOptions,
};

use super::options::DeleteMark;
use super::place::{Decision, decide};
use super::share::{ShareFile, TaskShare, read};
use super::{BatchId, Sink};

/// See the module.
pub(super) struct StagedSource {
    sink: Sink,
    schema: SchemaRef,
    batch: BatchId,
    files: Vec<ShareFile>,
    was_there: AtomicBool,
}

impl StagedSource {
    pub(super) fn new(sink: &Sink, schema: &SchemaRef, batch: &BatchId, shares: &[TaskShare]) -> Self {
        // What could not be typed is a column that every flow adds itself.
        let declared = schema.fields().iter().filter(|field| field.name() != RESCUED_DATA).cloned();
        Self {
            sink: sink.clone(),
            schema: Arc::new(Schema::new(declared.collect::<Vec<_>>())),
            batch: batch.clone(),
            files: shares.iter().filter_map(|share| share.file.clone()).collect(),
            was_there: AtomicBool::new(false),
        }
    }

    /// Whether the table had the batch already when it was asked last.
    pub(super) fn was_there(&self) -> bool {
        self.was_there.load(Ordering::Relaxed)
    }

    /// The offset that the batch leads to; none where the table has it already.
    fn next(&self, start: &Offset) -> Result<Option<Offset>> {
        let options = &self.sink.options;
        // A snapshot is whole: it is right wherever the table was, and changes nothing the second time.
        if options.ingestion_type() == IngestionType::Snapshot {
            return Ok(Some(Offset::beginning()));
        }
        let decision = decide(start, &options.flow_name, &self.batch, options.take_over.as_deref())?;
        self.was_there.store(decision == Decision::PassOver, Ordering::Relaxed);
        Ok(match decision {
            Decision::PassOver => None,
            Decision::Apply(offset) => Some(offset),
        })
    }
}

#[async_trait]
impl LakeflowConnect for StagedSource {
    async fn list_tables(&self) -> Result<Vec<String>> {
        Ok(vec![self.sink.options.destination.table().to_owned()])
    }

    async fn get_table_schema(&self, _table: &str, _options: &TableOptions) -> Result<SchemaRef> {
        Ok(Arc::clone(&self.schema))
    }

    async fn read_table_metadata(&self, _table: &str, _options: &TableOptions) -> Result<TableMetadata> {
        Ok(TableMetadata {
            primary_keys: Vec::new(),
            cursor_field: None,
            ingestion_type: self.sink.options.ingestion_type(),
            order: CursorOrder::None,
        })
    }

    async fn read_table(
        &self,
        _table: &str,
        start: &Offset,
        _options: &TableOptions,
        _context: &ReadContext,
    ) -> Result<ReadStream> {
        let next = self.next(start)?;
        let (sink, files, start) = (self.sink.clone(), self.files.clone(), start.clone());
        Ok(Box::pin(try_stream! {
            let files = if next.is_some() { files } else { Vec::new() };
            for file in files {
                let mut rows = read(&sink, &file).await?;
                while let Some(rows) = rows.try_next().await? {
                    for item in items(rows, &sink.options.deletes)? {
                        yield item;
                    }
                }
            }
            yield ReadItem::Checkpoint(next.unwrap_or(start));
        })
        .boxed())
    }
}

/// Rows as records and deletes.
fn items(rows: RecordBatch, deletes: &DeleteMark) -> Result<Vec<ReadItem>> {
    let column = match deletes {
        DeleteMark::NoRows => return Ok(vec![ReadItem::Records(Records::Arrow(rows))]),
        DeleteMark::AllRows => return Ok(vec![ReadItem::Deletes(Records::Arrow(rows))]),
        DeleteMark::Column(column) => column,
    };
    let is_delete = mark(&rows, column)?;
    let select = |wanted: &BooleanArray| filter_record_batch(&rows, wanted).map(Records::Arrow).map_err(unselected);
    let records = select(&not(&is_delete).map_err(unselected)?)?;
    let deletes = select(&is_delete)?;
    Ok(vec![ReadItem::Records(records), ReadItem::Deletes(deletes)])
}

/// Which rows a column marks as deletes: those where it is true.
fn mark(rows: &RecordBatch, column: &str) -> Result<BooleanArray> {
    match rows.column_by_name(column) {
        Some(marks) if *marks.data_type() == DataType::Boolean => {
            let marks = marks.as_boolean();
            Ok((0..marks.len()).map(|row| Some(marks.is_valid(row) && marks.value(row))).collect())
        }
        found => {
            let found = found.map_or("no such column".to_owned(), |marks| format!("`{}`", marks.data_type()));
            let message = format!("expected a boolean column `{column}` for `apply_as_deletes`, found {found}");
            Err(Error::new(ErrorKind::Configuration, message)
                .with_hint("set `apply_as_deletes` to `true`, or to the name of a boolean column of the rows"))
        }
    }
}

fn unselected(cause: arrow::error::ArrowError) -> Error {
    Error::new(ErrorKind::Internal, "deleted rows cannot be told from others").with_cause(cause)
}
