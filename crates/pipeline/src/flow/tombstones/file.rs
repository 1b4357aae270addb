//! One file of tombstones.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use lakeflow_interface::{Error, ErrorKind, Result};
use object_store::ObjectStoreExt;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use uuid::Uuid;

use super::misshapen;
use crate::delta::{DeltaTable, TombstoneFile};

/// The folder within a table; Delta does not look into folders whose names begin so.
const FOLDER: &str = "_lakeflow";

/// The columns that say of each tombstone what it is, and when it was recorded.
pub(super) fn marks(are_deletes: impl ExactSizeIterator<Item = bool>, now: DateTime<Utc>) -> [ArrayRef; 2] {
    let recorded = TimestampMicrosecondArray::from_value(now.timestamp_micros(), are_deletes.len());
    let are_deletes = BooleanArray::from(are_deletes.collect::<Vec<_>>());
    [Arc::new(are_deletes), Arc::new(recorded.with_timezone("UTC"))]
}

/// Reads a file; one that is gone, as in a table restored to before a clean-up, has nothing to tell.
pub(super) async fn read(table: &DeltaTable, file: &TombstoneFile, schema: &SchemaRef) -> Result<Vec<RecordBatch>> {
    let failed = |cause: object_store::Error| storage(table, &file.path, "tombstones cannot be read").with_cause(cause);
    let bytes = match table.store().get(&table.file(&file.path)?).await {
        Ok(found) => found.bytes().await.map_err(failed)?,
        Err(object_store::Error::NotFound { .. }) => {
            tracing::warn!(table = %table.destination(), file = %file.path, "tombstones are gone: a late update may revive a deleted row");
            return Ok(Vec::new());
        }
        Err(cause) => return Err(failed(cause)),
    };
    decode(bytes, schema).map_err(|error| error.with_context("file", &file.path))
}

fn decode(bytes: Bytes, schema: &SchemaRef) -> Result<Vec<RecordBatch>> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).and_then(|builder| builder.build());
    let reader = reader.map_err(|cause| misshapen().with_cause(cause))?;
    let mut batches = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|cause| misshapen().with_cause(cause))?;
        let columns = schema.fields().iter().map(|field| {
            let column = batch.column_by_name(field.name()).ok_or_else(misshapen)?;
            // The table's column may have been widened since.
            cast(column, field.data_type()).map_err(|cause| misshapen().with_cause(cause))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        batches.push(RecordBatch::try_new(Arc::clone(schema), columns).map_err(|cause| misshapen().with_cause(cause))?);
    }
    Ok(batches)
}

/// Writes a new file, which only a commit makes count.
pub(super) async fn write(
    table: &DeltaTable,
    schema: &SchemaRef,
    batches: &[RecordBatch],
    newest: DateTime<Utc>,
) -> Result<TombstoneFile> {
    let bytes = encode(schema, batches).map_err(|cause| {
        Error::new(ErrorKind::Internal, "tombstones cannot be written as Parquet").with_cause(cause)
    })?;
    let (path, size) = (format!("{FOLDER}/tombstones-{}.parquet", Uuid::new_v4()), bytes.len() as u64);
    let stored = table.store().put(&table.file(&path)?, bytes.into()).await;
    stored.map_err(|cause| storage(table, &path, "tombstones cannot be written").with_cause(cause))?;
    let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
    Ok(TombstoneFile { path, size, rows, newest })
}

fn encode(schema: &SchemaRef, batches: &[RecordBatch]) -> parquet::errors::Result<Vec<u8>> {
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), Arc::clone(schema), Some(properties))?;
    for batch in batches {
        writer.write(batch)?;
    }
    writer.into_inner()
}

fn storage(table: &DeltaTable, path: &str, message: &str) -> Error {
    table.located(Error::new(ErrorKind::Storage, message).with_context("file", path))
}
