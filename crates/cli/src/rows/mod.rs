//! Rows on stdout: as a table, JSON Lines, CSV or Parquet.

mod cells;
mod csv;
mod jsonl;
mod parquet;
mod table;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use console::Term;
use lakeflow_interface::{Error, ErrorKind, Result, unknown_name};

use crate::args::{RowArguments, RowFormat};
use crate::printer::Printer;

const TABLE_LIMIT: usize = 20;

/// Takes batches of rows and writes those asked for.
pub(crate) struct RowPrinter<'a> {
    printer: &'a Printer,
    schema: SchemaRef,
    projection: Vec<usize>,
    remaining: Option<usize>,
    cut: bool,
    form: Box<dyn RowForm>,
}

/// One way to write rows.
trait RowForm: Send {
    fn write(&mut self, batch: &RecordBatch, printer: &Printer) -> Result<()>;
    fn finish(self: Box<Self>, printer: &Printer) -> Result<()>;
}

impl<'a> RowPrinter<'a> {
    /// A printer of rows of this schema.
    pub(crate) fn new(printer: &'a Printer, schema: &SchemaRef, arguments: &RowArguments) -> Result<Self> {
        let default = if printer.is_json() { RowFormat::Jsonl } else { RowFormat::Table };
        let format = arguments.format.unwrap_or(default);
        let projection = projection(schema, &arguments.columns)?;
        let projected: SchemaRef = Arc::new(schema.project(&projection).map_err(unprintable)?);
        let form: Box<dyn RowForm> = match format {
            RowFormat::Table => Box::new(table::TableForm::new(projected.clone(), arguments.columns.is_empty())),
            RowFormat::Jsonl => Box::new(jsonl::JsonlForm),
            RowFormat::Csv => Box::new(csv::CsvForm::new(&projected)),
            RowFormat::Parquet => Box::new(parquet::ParquetForm::new(projected.clone())?),
        };
        let default_limit = (format == RowFormat::Table).then_some(TABLE_LIMIT);
        let remaining = arguments.limit.or(default_limit);
        Ok(Self { printer, schema: projected, projection, remaining, cut: false, form })
    }

    /// The rows that are still wanted; `None` where there is no limit.
    pub(crate) fn remaining(&self) -> Option<usize> {
        self.remaining
    }

    /// Writes the rows of a batch that are still wanted. Once it says `false`, no more are.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<bool> {
        let wanted = self.remaining.map_or(batch.num_rows(), |remaining| remaining.min(batch.num_rows()));
        self.cut |= wanted < batch.num_rows();
        if wanted > 0 {
            let rows = batch.slice(0, wanted).project(&self.projection).map_err(unprintable)?;
            let rows = rows.with_schema(self.schema.clone()).map_err(unprintable)?;
            self.form.write(&rows, self.printer)?;
        }
        self.remaining = self.remaining.map(|remaining| remaining - wanted);
        Ok(!self.cut)
    }

    /// Writes what is left to write, and says so where rows were left out.
    pub(crate) fn finish(self) -> Result<()> {
        self.form.finish(self.printer)?;
        if self.cut {
            self.printer.status("… there are more rows: `--limit N` prints more of them");
        }
        Ok(())
    }
}

fn projection(schema: &Schema, columns: &[String]) -> Result<Vec<usize>> {
    if columns.is_empty() {
        return Ok((0..schema.fields().len()).collect());
    }
    let valid = || schema.fields().iter().map(|field| field.name().as_str());
    columns
        .iter()
        .map(|column| {
            valid()
                .position(|name| name == column)
                .ok_or_else(|| unknown_name(ErrorKind::Configuration, "column", column, valid().collect::<Vec<_>>()))
        })
        .collect()
}

fn unprintable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Internal, "rows cannot be written in this format").with_cause(error)
}

fn stdout_is_terminal() -> bool {
    Term::stdout().is_term()
}

#[cfg(test)]
mod tests;
