//! A Parquet file on stdout, written as the rows come.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use lakeflow_interface::{Error, ErrorKind, Result};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{RowForm, stdout_is_terminal, unprintable};
use crate::printer::Printer;

/// Rows as a Parquet file.
pub(super) struct ParquetForm(ArrowWriter<Vec<u8>>);

impl ParquetForm {
    /// A file of rows of this schema.
    pub(super) fn new(schema: SchemaRef) -> Result<Self> {
        if stdout_is_terminal() {
            let error = Error::new(ErrorKind::Configuration, "Parquet is not for a terminal");
            return Err(error.with_hint("send stdout to a file: `> rows.parquet`"));
        }
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        ArrowWriter::try_new(Vec::new(), schema, Some(properties)).map(Self).map_err(unprintable)
    }

    fn hand_on(&mut self, printer: &Printer) -> Result<()> {
        let bytes = std::mem::take(self.0.inner_mut());
        printer.data(|stdout| stdout.write_all(&bytes))
    }
}

impl RowForm for ParquetForm {
    fn write(&mut self, batch: &RecordBatch, printer: &Printer) -> Result<()> {
        self.0.write(batch).map_err(unprintable)?;
        self.hand_on(printer)
    }

    fn finish(mut self: Box<Self>, printer: &Printer) -> Result<()> {
        self.0.finish().map_err(unprintable)?;
        self.hand_on(printer)
    }
}
