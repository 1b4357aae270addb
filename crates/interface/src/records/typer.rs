//! From records to Arrow: the types of a table's schema, applied.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};

use super::columns::{Notes, Object};
use super::rescue::{Fault, RescuedData};
use super::{JsonRecords, Page, Value};
use crate::{ColumnPath, Error, ErrorKind, Result, ddl};

/// The column that keeps what could not be typed.
pub const RESCUED_DATA: &str = "_rescued_data";

/// What becomes of values that do not fit their column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BadValues {
    /// The column is null, and the value is kept in the column [`RESCUED_DATA`].
    #[default]
    Rescue,
    /// The first one is an error.
    Fail,
}

/// Rows, typed.
#[derive(Clone, Debug)]
pub struct TypedBatch {
    /// The rows, in the schema of [`Typer::schema`].
    pub batch: RecordBatch,
    /// How many of them have something in [`RESCUED_DATA`].
    pub rescued_rows: u64,
    /// Paths of fields that the schema does not have; each is told once in a typer's life, and at most 1,000 are.
    pub undeclared: BTreeSet<String>,
}

/// Types the records of one table, page by page, into one growing batch.
pub struct Typer {
    table: String,
    schema: SchemaRef,
    bad_values: BadValues,
    primary_keys: Vec<ColumnPath>,
    columns: Object,
    notes: Notes,
    rescued: RescuedData,
    rows: usize,
    bytes: usize,
}

impl Typer {
    /// A typer for a table's schema.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the schema has a type that Spark SQL does not have, or a column that is called
    /// `_rescued_data`.
    pub fn new(table: &str, schema: SchemaRef, bad_values: BadValues) -> Result<Self> {
        let columns =
            Object::new(schema.fields(), "", bad_values).map_err(|error| error.with_context("table", table))?;
        let schema = match bad_values {
            BadValues::Fail => schema,
            BadValues::Rescue => with_rescued_data(&schema).map_err(|error| error.with_context("table", table))?,
        };
        Ok(Self {
            table: table.to_owned(),
            schema,
            bad_values,
            primary_keys: Vec::new(),
            columns,
            notes: Notes::default(),
            rescued: RescuedData::default(),
            rows: 0,
            bytes: 0,
        })
    }

    /// Names the columns that identify a row, for the errors of [`BadValues::Fail`].
    #[must_use]
    pub fn with_primary_keys(mut self, primary_keys: &[ColumnPath]) -> Self {
        self.primary_keys = primary_keys.to_vec();
        self
    }

    /// The schema of the batches. With [`BadValues::Rescue`] everything is nullable and `_rescued_data` comes last; with
    /// [`BadValues::Fail`] it is the table's schema as it is.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Adds records to the batch.
    ///
    /// # Errors
    /// [`ErrorKind::BadValue`] for a value that does not fit ([`BadValues::Fail`]), and where the batch would grow beyond
    /// 2 GiB of JSON. The batch is not to be used after an error.
    pub fn push(&mut self, records: &JsonRecords) -> Result<()> {
        let constants = self.set_constants(records.constants())?;
        for value in records.values() {
            self.make_room(value.raw().len() + constants)?;
            self.columns.append_record(value, &mut self.notes);
            self.rows += 1;
            self.settle(value)?;
        }
        Ok(())
    }

    /// The number of rows since the last [`finish`](Self::finish).
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The bytes of JSON that these rows were written in: what to bound batches by.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The rows since the last call; the typer may be used again.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] where Arrow does not take the columns, which a typer that gave no error does not give.
    pub fn finish(&mut self) -> Result<TypedBatch> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let mut arrays: Vec<ArrayRef> = self.columns.finish_children()?;
        let mut rescued_rows = 0;
        if self.bad_values == BadValues::Rescue {
            let (column, count) = self.rescued.finish();
            arrays.push(column);
            rescued_rows = count;
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema(), arrays, &options).map_err(|error| {
            Error::new(ErrorKind::Internal, "the columns do not make a batch")
                .with_context("table", &self.table)
                .with_cause(error)
        })?;
        Ok(TypedBatch { batch, rescued_rows, undeclared: self.notes.take_undeclared() })
    }

    /// Rows that a connector typed itself, in the schema of this typer: columns by name, [`RESCUED_DATA`] null.
    ///
    /// # Errors
    /// [`ErrorKind::BadValue`] where a column has another type that cannot be cast, or a null in a NOT NULL.
    pub fn conform(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let misfit = |cause| {
            Error::new(ErrorKind::BadValue, "rows of the connector do not fit the table's schema")
                .with_context("table", &self.table)
                .with_cause(cause)
        };
        let columns = self.schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
            Some(column) if column.data_type() == field.data_type() => Ok(Arc::clone(column)),
            Some(column) => cast(column, field.data_type()).map_err(misfit),
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        });
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(self.schema(), columns.collect::<Result<_>>()?, &options).map_err(misfit)
    }

    /// Gives the constants to their columns; returns their length in all.
    fn set_constants(&mut self, constants: &[(String, Option<String>)]) -> Result<usize> {
        self.columns.clear_constants();
        let mut length = 0;
        for (name, text) in constants {
            let json = text.as_deref().map_or(serde_json::Value::Null, serde_json::Value::from).to_string();
            length += json.len();
            self.columns.set_constant(name, Page::parse(json)?, &mut self.notes);
        }
        Ok(length)
    }

    /// Everything that a column holds came from this many bytes, so no offset of Arrow's can overflow.
    fn make_room(&mut self, bytes: usize) -> Result<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        if i32::try_from(self.bytes).is_ok() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::BadValue, format!("expected at most 2 GiB of JSON in a batch, found {}", self.bytes))
            .with_context("table", &self.table)
            .with_hint("finish the batch earlier"))
    }

    /// Rescues what did not fit in the row that was added last, or fails.
    fn settle(&mut self, record: Value<'_>) -> Result<()> {
        if self.bad_values == BadValues::Rescue && self.notes.faults.is_empty() {
            self.rescued.append_null();
            return Ok(());
        }
        if self.bad_values == BadValues::Rescue {
            return self
                .rescued
                .append(self.notes.faults.drain(..))
                .map_err(|error| error.with_context("table", &self.table));
        }
        let first = self.notes.faults.drain(..).next();
        first.map_or(Ok(()), |fault| Err(self.failure(fault, record)))
    }

    fn failure(&self, fault: Fault, record: Value<'_>) -> Error {
        let key = self.primary_keys.iter().map(|path| {
            let value = record.get_path(path.parts()).map_or("null", Value::raw);
            format!("{path}={value}")
        });
        let key = key.collect::<Vec<_>>().join(", ");
        fault.into_error(&self.table, Some(key.as_str()).filter(|key| !key.is_empty()))
    }
}

fn with_rescued_data(schema: &Schema) -> Result<SchemaRef> {
    if schema.column_with_name(RESCUED_DATA).is_some() {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("the column `{RESCUED_DATA}` is added to every table and cannot be declared"),
        ));
    }
    let rescued = Arc::new(Field::new(RESCUED_DATA, DataType::Utf8, true));
    let fields: Fields = schema.fields().iter().map(nullable).chain([rescued]).collect();
    Ok(Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())))
}

/// The field, with everything in it that may be null for want of a value that fits.
pub(super) fn nullable(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Struct(fields) if !ddl::is_variant(field.data_type()) => {
            DataType::Struct(fields.iter().map(nullable).collect())
        }
        DataType::List(element) => DataType::List(nullable(element)),
        DataType::Map(entries, sorted) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 => {
                let key = fields[0].as_ref().clone().with_nullable(false);
                let fields = Fields::from(vec![Arc::new(key), nullable(&fields[1])]);
                let entries = entries.as_ref().clone().with_data_type(DataType::Struct(fields));
                DataType::Map(Arc::new(entries), *sorted)
            }
            other => other.clone(),
        },
        other => other.clone(),
    };
    Arc::new(field.as_ref().clone().with_data_type(data_type).with_nullable(true))
}
