//! Columns of batches by their paths: taken out, and put in.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StructArray, make_array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use lakeflow_interface::{ColumnPath, Error, ErrorKind, Result};

/// The columns at some paths.
pub(super) fn columns(batch: &RecordBatch, paths: &[ColumnPath]) -> Result<Vec<ArrayRef>> {
    paths.iter().map(|path| column(batch, path)).collect()
}

fn missing(path: &ColumnPath) -> Error {
    Error::new(ErrorKind::Internal, format!("rows have no column `{path}`"))
}

/// The column at a path; null where anything on the way is.
fn column(batch: &RecordBatch, path: &ColumnPath) -> Result<ArrayRef> {
    let (first, rest) = path.parts().split_first().ok_or_else(|| missing(path))?;
    let mut array = Arc::clone(batch.column_by_name(first).ok_or_else(|| missing(path))?);
    for part in rest {
        let parent = array.as_struct_opt().ok_or_else(|| missing(path))?;
        let child = parent.column_by_name(part).ok_or_else(|| missing(path))?;
        let nulls = NullBuffer::union(parent.nulls(), child.nulls());
        let data = child.to_data().into_builder().nulls(nulls).build();
        array = make_array(data.map_err(|cause| missing(path).with_cause(cause))?);
    }
    Ok(array)
}

/// Columns as one: a single column as it is, several as a struct that is null where all of them are.
pub(super) fn joined(paths: &[ColumnPath], columns: &[ArrayRef]) -> Result<ArrayRef> {
    if let [column] = columns {
        return Ok(Arc::clone(column));
    }
    let types = columns.iter().map(|column| column.data_type().clone());
    let rows = columns.first().map_or(0, |column| column.len());
    let is_set = |row| columns.iter().any(|column| column.is_valid(row));
    let nulls = NullBuffer::new(BooleanBuffer::collect_bool(rows, is_set));
    let joined = StructArray::try_new(joined_fields(paths, types), columns.to_vec(), Some(nulls));
    joined.map(|array| Arc::new(array) as ArrayRef).map_err(unusable)
}

/// The type of [`joined`] columns.
pub(super) fn joined_type(schema: &Schema, paths: &[ColumnPath]) -> Result<DataType> {
    let types = paths.iter().map(|path| type_at(schema, path)).collect::<Result<Vec<_>>>()?;
    if let [only] = types.as_slice() {
        return Ok(only.clone());
    }
    Ok(DataType::Struct(joined_fields(paths, types)))
}

fn joined_fields(paths: &[ColumnPath], types: impl IntoIterator<Item = DataType>) -> Fields {
    paths.iter().zip(types).map(|(path, kind)| Field::new(path.parts().join("_"), kind, true)).collect()
}

fn type_at(schema: &Schema, path: &ColumnPath) -> Result<DataType> {
    let mut fields: &Fields = schema.fields();
    let mut found = None;
    for part in path.parts() {
        let field = fields.iter().find(|field| field.name() == part).ok_or_else(|| missing(path))?;
        found = Some(field.data_type().clone());
        if let DataType::Struct(inner) = field.data_type() {
            fields = inner;
        }
    }
    found.ok_or_else(|| missing(path))
}

/// The batch with the columns at some paths taken from [`joined`] ones.
pub(super) fn with_joined(batch: &RecordBatch, paths: &[ColumnPath], joined: &ArrayRef) -> Result<RecordBatch> {
    if let [path] = paths {
        return with_column(batch, path.parts(), joined);
    }
    let parts = joined.as_struct_opt().ok_or_else(|| Error::new(ErrorKind::Internal, "a sequence is no struct"))?;
    let mut batch = batch.clone();
    for (path, part) in paths.iter().zip(parts.columns()) {
        batch = with_column(&batch, path.parts(), part)?;
    }
    Ok(batch)
}

/// The batch with one column replaced; its schema stays.
pub(super) fn with_column(batch: &RecordBatch, path: &[String], array: &ArrayRef) -> Result<RecordBatch> {
    let schema = batch.schema();
    let columns = replaced(schema.fields(), batch.columns(), path, array)?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema, columns, &options).map_err(unusable)
}

fn replaced(fields: &Fields, columns: &[ArrayRef], path: &[String], array: &ArrayRef) -> Result<Vec<ArrayRef>> {
    let Some((first, rest)) = path.split_first() else { return Ok(columns.to_vec()) };
    let pairs = fields.iter().zip(columns);
    pairs
        .map(|(field, column)| match (field.name() == first, column.as_struct_opt()) {
            (false, _) => Ok(Arc::clone(column)),
            (true, Some(parent)) if !rest.is_empty() => {
                let children = replaced(parent.fields(), parent.columns(), rest, array)?;
                let parent = StructArray::try_new(parent.fields().clone(), children, parent.nulls().cloned());
                parent.map(|parent| Arc::new(parent) as ArrayRef).map_err(unusable)
            }
            (true, _) => Ok(Arc::clone(array)),
        })
        .collect()
}

fn unusable(cause: arrow::error::ArrowError) -> Error {
    Error::new(ErrorKind::Internal, "columns do not fit each other").with_cause(cause)
}

/// A schema with columns added at its end.
pub(super) fn with_fields(schema: &Schema, added: impl IntoIterator<Item = Field>) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone());
    Arc::new(Schema::new(fields.chain(added).collect::<Vec<_>>()))
}
