//! Cells as text: plain values as they are, nested ones as JSON.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray, StringBuilder};
use arrow::datatypes::{DataType, FieldRef};
use arrow::json::writer::{EncoderOptions, make_encoder};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use lakeflow_interface::Result;

use super::unprintable;

const TIMESTAMP_FORMAT: &str = "%Y-%m-%dT%H:%M:%S%.fZ";

/// A column as text; nulls stay nulls.
pub(super) fn as_text(field: &FieldRef, column: &ArrayRef) -> Result<StringArray> {
    if is_nested(column.data_type()) { as_json(field, column) } else { as_plain_text(column) }
}

/// Whether values of this type are shown as JSON.
pub(super) fn is_nested(data_type: &DataType) -> bool {
    data_type.is_nested()
}

/// The columns of a batch as text.
pub(super) fn texts(batch: &RecordBatch) -> Result<Vec<Arc<StringArray>>> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    columns.map(|(field, column)| as_text(field, column).map(Arc::new)).collect()
}

fn as_plain_text(column: &ArrayRef) -> Result<StringArray> {
    let options = FormatOptions::new().with_timestamp_tz_format(Some(TIMESTAMP_FORMAT));
    let formatter = ArrayFormatter::try_new(column, &options).map_err(unprintable)?;
    let mut texts = StringBuilder::new();
    for row in 0..column.len() {
        if column.is_null(row) {
            texts.append_null();
        } else {
            texts.append_value(formatter.value(row).try_to_string().map_err(unprintable)?);
        }
    }
    Ok(texts.finish())
}

fn as_json(field: &FieldRef, column: &ArrayRef) -> Result<StringArray> {
    let options = EncoderOptions::default();
    let mut encoder = make_encoder(field, column, &options).map_err(unprintable)?;
    let mut texts = StringBuilder::new();
    let mut bytes = Vec::new();
    for row in 0..column.len() {
        if column.is_null(row) {
            texts.append_null();
            continue;
        }
        bytes.clear();
        encoder.encode(row, &mut bytes);
        texts.append_value(str::from_utf8(&bytes).map_err(unprintable)?);
    }
    Ok(texts.finish())
}
