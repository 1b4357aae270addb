//! What rows say of themselves: their keys and their sequences.

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::row::Rows;
use lakeflow_interface::{ColumnPath, Error, ErrorKind, Result};

use super::super::columns::{columns, joined};
use super::super::keys::{Comparable, Digest};
use crate::plan::PlannedTable;

/// How keys and sequences are read from rows.
pub(in crate::flow) struct Intake {
    pub(in crate::flow) keys: Vec<ColumnPath>,
    pub(in crate::flow) sequence: Vec<ColumnPath>,
    pub(in crate::flow) comparable_keys: Comparable,
    pub(in crate::flow) comparable_sequence: Comparable,
}

/// The keys and sequences of some rows.
pub(super) struct Read {
    pub(super) keys: Vec<Option<Digest>>,
    pub(super) sequences: Rows,
    /// Rows whose sequence is null.
    pub(super) unordered: Option<NullBuffer>,
}

impl Read {
    /// Whether a row has no sequence.
    pub(super) fn is_unordered(&self, row: usize) -> bool {
        self.unordered.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }
}

impl Intake {
    /// For rows of the same columns as these.
    pub(super) fn new(plan: &PlannedTable, rows: &RecordBatch) -> Result<Self> {
        let (keys, sequence) = (plan.primary_keys.clone(), plan.sequence_by.clone());
        if sequence.is_empty() {
            let error = Error::new(ErrorKind::Internal, "changes have no sequence");
            return Err(error.with_context("table", &plan.source_table));
        }
        Ok(Self {
            comparable_keys: Comparable::like(&columns(rows, &keys)?)?,
            comparable_sequence: Comparable::like(&[joined(&sequence, &columns(rows, &sequence)?)?])?,
            keys,
            sequence,
        })
    }

    pub(super) fn read(&self, rows: &RecordBatch) -> Result<Read> {
        let keys = self.comparable_keys.keys(&columns(rows, &self.keys)?)?;
        let sequence = self.sequence_of(rows)?;
        let unordered = sequence.logical_nulls();
        Ok(Read { keys, sequences: self.comparable_sequence.rows(&[sequence])?, unordered })
    }

    /// The sequence of rows, as one column.
    pub(in crate::flow) fn sequence_of(&self, rows: &RecordBatch) -> Result<ArrayRef> {
        self.joined(&columns(rows, &self.sequence)?)
    }

    /// The columns of the sequence as one.
    pub(in crate::flow) fn joined(&self, columns: &[ArrayRef]) -> Result<ArrayRef> {
        joined(&self.sequence, columns)
    }
}
