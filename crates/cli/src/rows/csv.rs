//! CSV with a header; nested values are JSON text.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::csv::WriterBuilder;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use lakeflow_interface::Result;

use super::{RowForm, cells, unprintable};
use crate::printer::Printer;

/// Rows as CSV.
pub(super) struct CsvForm {
    schema: SchemaRef,
    header_written: bool,
}

impl CsvForm {
    /// CSV of rows of this schema.
    pub(super) fn new(schema: &Schema) -> Self {
        let text = |name: &String| Field::new(name, DataType::Utf8, true);
        let fields: Vec<Field> = schema.fields().iter().map(|field| text(field.name())).collect();
        Self { schema: Arc::new(Schema::new(fields)), header_written: false }
    }

    fn print(&mut self, texts: &RecordBatch, printer: &Printer) -> Result<()> {
        let mut bytes = Vec::new();
        let mut writer = WriterBuilder::new().with_header(!self.header_written).build(&mut bytes);
        writer.write(texts).map_err(unprintable)?;
        drop(writer);
        self.header_written = true;
        printer.data(|stdout| stdout.write_all(&bytes))
    }
}

impl RowForm for CsvForm {
    fn write(&mut self, batch: &RecordBatch, printer: &Printer) -> Result<()> {
        let columns = cells::texts(batch)?.into_iter().map(|column| column as ArrayRef).collect();
        let texts = RecordBatch::try_new(self.schema.clone(), columns).map_err(unprintable)?;
        self.print(&texts, printer)
    }

    fn finish(mut self: Box<Self>, printer: &Printer) -> Result<()> {
        if self.header_written { Ok(()) } else { self.print(&RecordBatch::new_empty(self.schema.clone()), printer) }
    }
}
