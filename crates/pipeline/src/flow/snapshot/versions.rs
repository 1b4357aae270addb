//! The versions of a snapshot's rows: they begin and end at the instant of the run that found it so.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, TimestampMicrosecondArray, new_null_array};
use arrow::buffer::BooleanBuffer;
use arrow::compute;
use arrow::datatypes::TimestampMicrosecondType;
use lakeflow_interface::{Error, ErrorKind, Horizon, Result};

use super::super::changes::select;
use super::super::history::{END_AT, START_AT, spanned};

/// The version that a snapshot makes: the run's instant, or the greatest one in the table where clocks went backwards.
#[derive(Clone, Copy)]
pub(super) struct Versions {
    /// Microseconds since the epoch.
    instant: i64,
}

impl Versions {
    pub(super) fn at(horizon: Horizon) -> Self {
        Self { instant: horizon.instant().timestamp_micros() }
    }

    /// Takes note of versions in the table, and says which of them are the current ones.
    pub(super) fn add(&mut self, rows: &RecordBatch) -> Result<BooleanBuffer> {
        let (starts, ends) = (instants(rows, START_AT)?, instants(rows, END_AT)?);
        for greatest in [starts, ends].into_iter().filter_map(compute::max) {
            self.instant = self.instant.max(greatest);
        }
        Ok(BooleanBuffer::collect_bool(rows.num_rows(), |row| ends.is_null(row)))
    }

    /// Rows as versions that begin with this snapshot.
    pub(super) fn opened(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        let start = self.column(rows.num_rows());
        let end = new_null_array(start.data_type(), rows.num_rows());
        spanned(rows, &start, &end)
    }

    /// Versions that end with this snapshot; those that began with it never were.
    pub(super) fn closed(&self, rows: RecordBatch) -> Result<RecordBatch> {
        let starts = instants(&rows, START_AT)?;
        let began_before = starts.iter().map(|start| start.is_none_or(|start| start < self.instant)).collect();
        let rows = select(rows, began_before)?;
        let start = Arc::clone(rows.column_by_name(START_AT).ok_or_else(misshapen)?);
        spanned(&rows, &start, &self.column(rows.num_rows()))
    }

    fn column(&self, rows: usize) -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from_value(self.instant, rows).with_timezone("UTC"))
    }
}

fn instants<'r>(rows: &'r RecordBatch, name: &str) -> Result<&'r TimestampMicrosecondArray> {
    rows.column_by_name(name)
        .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>())
        .ok_or_else(misshapen)
}

fn misshapen() -> Error {
    Error::new(ErrorKind::Storage, "the table has no `__START_AT` and `__END_AT` of type TIMESTAMP")
        .with_hint("run a full refresh of this table, or give it another destination")
}

/// Rows without the columns of a history.
pub(super) fn without_span(rows: &RecordBatch) -> Result<RecordBatch> {
    let fields = rows.schema().fields().clone();
    let kept = fields.iter().enumerate().filter(|(_, field)| ![START_AT, END_AT].contains(&field.name().as_str()));
    let kept: Vec<usize> = kept.map(|(column, _)| column).collect();
    rows.project(&kept).map_err(|cause| Error::new(ErrorKind::Internal, "columns cannot be left out").with_cause(cause))
}
