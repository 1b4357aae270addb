//! JSON Lines: one object a row; columns that are null are written as null.

use arrow::array::RecordBatch;
use arrow::json::WriterBuilder;
use arrow::json::writer::LineDelimited;
use lakeflow_interface::Result;

use super::{RowForm, unprintable};
use crate::printer::Printer;

/// Rows as JSON Lines.
pub(super) struct JsonlForm;

impl RowForm for JsonlForm {
    fn write(&mut self, batch: &RecordBatch, printer: &Printer) -> Result<()> {
        let mut bytes = Vec::new();
        let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(&mut bytes);
        writer.write(batch).map_err(unprintable)?;
        writer.finish().map_err(unprintable)?;
        printer.data(|stdout| stdout.write_all(&bytes))
    }

    fn finish(self: Box<Self>, _printer: &Printer) -> Result<()> {
        Ok(())
    }
}
