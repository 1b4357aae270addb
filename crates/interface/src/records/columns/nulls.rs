//! Columns that have no values.

use std::sync::Arc;

use arrow::array::{ArrayRef, NullArray};

use super::{Column, Notes, Outcome, Value, is_blank};
use crate::Result;

#[derive(Default)]
pub(super) struct NullColumn {
    length: usize,
}

impl Column for NullColumn {
    fn append(&mut self, value: Value<'_>, _notes: &mut Notes) -> Outcome {
        self.length += 1;
        if is_blank(value) { Outcome::Null } else { Outcome::Bad }
    }

    fn append_nulls(&mut self, count: usize) {
        self.length += count;
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(NullArray::new(std::mem::take(&mut self.length))))
    }
}
