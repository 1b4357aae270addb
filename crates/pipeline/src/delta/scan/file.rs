//! Reading one data file.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{BooleanArray, BooleanBufferBuilder, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Fields};
use delta_kernel::actions::deletion_vector::DeletionVectorDescriptor;
use futures::StreamExt;
use lakeflow_interface::{Error, ErrorKind, Result};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::schema::types::SchemaDescriptor;
use tokio::sync::mpsc;

use super::pruning::Pruning;
use super::store_reader::StoreReader;
use super::{KeySieve, PlacedBatch, Positions, Projection};
use crate::delta::deletion::{Vector, read_vector};
use crate::delta::files::LiveFile;
use crate::delta::schema::{conform, relabel};
use crate::delta::storage::{internal_error, storage_error};
use crate::delta::table::DeltaTable;

/// The number of rows in a batch, where they are not wide.
const BATCH_ROWS: usize = 32 << 10;
/// The bytes that a batch of wide rows should not exceed by much.
const BATCH_BYTES: i64 = 4 << 20;

/// One file to read.
pub(super) struct FileRead {
    table: DeltaTable,
    path: Arc<str>,
    size: u64,
    deletion_vector: Option<DeletionVectorDescriptor>,
    projection: Projection,
    pruning: Arc<Pruning>,
    sieve: Option<KeySieve>,
    /// The rows that are wanted; none where all are.
    rows: Option<Vector>,
}

impl FileRead {
    pub(super) fn new(table: DeltaTable, file: &LiveFile, projection: Projection, pruning: Arc<Pruning>) -> Self {
        let (path, deletion_vector) = (Arc::clone(&file.path), file.deletion_vector.clone());
        Self { table, path, size: file.size, deletion_vector, projection, pruning, sieve: None, rows: None }
    }

    /// Leaves out most rows that have none of the keys in a sieve.
    pub(super) fn with_sieve(self, sieve: Option<KeySieve>) -> Self {
        Self { sieve, ..self }
    }

    /// Leaves out all rows but these.
    pub(super) fn with_rows(self, rows: Vector) -> Self {
        Self { rows: Some(rows), ..self }
    }

    /// Sends the file's batches, and the error that ends them early; ends too when nobody listens.
    pub(super) async fn send_all(self, batches: &mpsc::Sender<Result<PlacedBatch>>) {
        if let Err(error) = self.read(batches).await {
            let error = self.table.located(error.with_context("file", &*self.path));
            batches.send(Err(error)).await.ok();
        }
    }

    async fn read(&self, batches: &mpsc::Sender<Result<PlacedBatch>>) -> Result<()> {
        let path = self.table.file(&self.path)?;
        let reader = StoreReader::new(self.table.clone(), path, self.size);
        let mut builder = ParquetRecordBatchStreamBuilder::new(reader).await.map_err(unreadable)?;
        if let Some(wanted) = &self.rows {
            return self.read_rows(builder, wanted, batches).await;
        }
        let groups = self.pruning.groups(&mut builder).await.map_err(unreadable)?;
        if groups.is_empty() {
            return Ok(());
        }
        let deleted = self.deleted().await?;
        let mask = mask(builder.parquet_schema(), self.projection.physical.fields());
        let batch_rows = batch_rows(builder.metadata(), &mask);
        let mut stretches = stretches(builder.metadata(), &groups).into_iter();
        let builder = builder.with_row_groups(groups).with_projection(mask).with_batch_size(batch_rows);
        let mut rows = builder.build().map_err(unreadable)?;
        let mut stretch = stretches.next().unwrap_or_default();
        while let Some(batch) = rows.next().await {
            let mut batch = batch.map_err(unreadable)?;
            while batch.num_rows() > 0 {
                while stretch.is_empty() {
                    stretch = stretches.next().ok_or_else(|| {
                        Error::new(ErrorKind::Storage, "a data file has more rows than its footer says")
                    })?;
                }
                let count = stretch.end.saturating_sub(stretch.start).min(batch.num_rows() as u64);
                let here = batch.slice(0, count as usize);
                batch = batch.slice(count as usize, batch.num_rows() - count as usize);
                let placed = self.place(&here, stretch.start, &deleted)?;
                stretch.start += count;
                if let Some(placed) = placed
                    && batches.send(Ok(placed)).await.is_err()
                {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn deleted(&self) -> Result<Vector> {
        match &self.deletion_vector {
            Some(descriptor) => read_vector(&self.table, descriptor).await,
            None => Ok(Vector::new()),
        }
    }

    /// Sends the batches of some rows, and decodes nothing else.
    async fn read_rows(
        &self,
        builder: ParquetRecordBatchStreamBuilder<StoreReader>,
        wanted: &Vector,
        batches: &mpsc::Sender<Result<PlacedBatch>>,
    ) -> Result<()> {
        let wanted = wanted - self.deleted().await?;
        let mask = mask(builder.parquet_schema(), self.projection.physical.fields());
        let batch_rows = batch_rows(builder.metadata(), &mask);
        let builder = builder.with_projection(mask).with_batch_size(batch_rows);
        let mut rows = builder.with_row_selection(selection(&wanted)).build().map_err(unreadable)?;
        let mut positions = wanted.iter();
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(unreadable)?;
            let positions = Positions::Each(positions.by_ref().take(batch.num_rows()).collect());
            if batches.send(Ok(self.placed(self.shaped(&batch)?, positions))).await.is_err() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The wanted rows of a batch, in the table's shape; none where there are none.
    fn place(&self, batch: &RecordBatch, first: u64, deleted: &Vector) -> Result<Option<PlacedBatch>> {
        let batch = self.shaped(batch)?;
        let dead = dead_rows(deleted, first, first + batch.num_rows() as u64);
        let candidates = self.sieve.as_ref().and_then(|sieve| sieve.candidates(batch.columns()));
        if dead.is_empty() && candidates.is_none() {
            return Ok(Some(self.placed(batch, Positions::From(first))));
        }
        let mut wanted = BooleanBufferBuilder::new(batch.num_rows());
        wanted.append_buffer(&candidates.unwrap_or_else(|| BooleanBuffer::new_set(batch.num_rows())));
        dead.iter().for_each(|position| wanted.set_bit((position - first) as usize, false));
        let wanted = wanted.finish();
        let positions: Vec<u64> = wanted.set_indices().map(|row| first + row as u64).collect();
        if positions.is_empty() {
            return Ok(None);
        }
        let batch = filter_record_batch(&batch, &BooleanArray::from(wanted))
            .map_err(|cause| internal_error("rows that are not wanted cannot be left out", cause))?;
        Ok(Some(self.placed(batch, Positions::Each(positions))))
    }

    fn placed(&self, batch: RecordBatch, positions: Positions) -> PlacedBatch {
        PlacedBatch { file: Arc::clone(&self.path), batch, positions }
    }

    /// A batch in the table's shape.
    fn shaped(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let batch = conform(batch, &self.projection.physical)?;
        self.projection.flatten(relabel(&batch, &self.projection.logical)?)
    }
}

/// Rows as what to take and what to skip of a file.
fn selection(wanted: &Vector) -> RowSelection {
    let mut selectors: Vec<RowSelector> = Vec::new();
    let mut next = 0;
    for position in wanted {
        if position > next {
            selectors.push(RowSelector::skip((position - next) as usize));
        }
        match selectors.last_mut() {
            Some(last) if !last.skip => last.row_count += 1,
            _ => selectors.push(RowSelector::select(1)),
        }
        next = position + 1;
    }
    RowSelection::from(selectors)
}

/// The positions of the rows of some row groups.
fn stretches(metadata: &ParquetMetaData, groups: &[usize]) -> Vec<Range<u64>> {
    let mut first = 0;
    let all = metadata.row_groups().iter().map(|group| {
        let start = first;
        first += group.num_rows().unsigned_abs();
        start..first
    });
    let all: Vec<_> = all.collect();
    groups.iter().map(|group| all[*group].clone()).collect()
}

/// The positions in `from..to` that are deleted.
fn dead_rows(deleted: &Vector, from: u64, to: u64) -> Vec<u64> {
    let mut positions = deleted.iter();
    positions.advance_to(from);
    positions.take_while(|position| *position < to).collect()
}

/// The Parquet columns of some fields.
fn mask(schema: &SchemaDescriptor, fields: &Fields) -> ProjectionMask {
    let wanted = schema.columns().iter().enumerate().filter(|(_, column)| is_within(column.path().parts(), fields));
    ProjectionMask::leaves(schema, wanted.map(|(index, _)| index).collect::<Vec<_>>())
}

/// Whether a column's path leads to one of the fields, or into one that is wanted whole.
fn is_within(path: &[String], fields: &Fields) -> bool {
    let Some((name, rest)) = path.split_first() else { return true };
    fields.iter().find(|field| field.name() == name).is_some_and(|field| match field.data_type() {
        DataType::Struct(inner) => is_within(rest, inner),
        _ => true,
    })
}

/// The number of rows that make a batch of these columns, by their average width.
fn batch_rows(metadata: &ParquetMetaData, mask: &ProjectionMask) -> usize {
    let chunks = metadata.row_groups().iter().flat_map(|group| group.columns().iter().enumerate());
    let wanted = chunks.filter(|(leaf, _)| mask.leaf_included(*leaf)).map(|(_, chunk)| chunk);
    // A dictionary hides how much text its entries become.
    let width = |chunk: &ColumnChunkMetaData| {
        chunk.uncompressed_size().max(chunk.unencoded_byte_array_data_bytes().unwrap_or_default())
    };
    let bytes: i64 = wanted.map(width).sum();
    let per_row = (bytes / metadata.file_metadata().num_rows().max(1)).max(1);
    usize::try_from(BATCH_BYTES / per_row).unwrap_or(BATCH_ROWS).clamp(1 << 10, BATCH_ROWS)
}

fn unreadable(cause: ParquetError) -> Error {
    storage_error("a data file cannot be read", cause)
}
