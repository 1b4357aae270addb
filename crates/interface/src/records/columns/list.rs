//! Columns of arrays.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, NullBufferBuilder};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::FieldRef;

use super::{At, Column, Kind, Notes, Outcome, Place, Value, is_blank};
use crate::records::BadValues;
use crate::{Error, ErrorKind, Result};

pub(super) struct ListColumn {
    element: Place,
    /// Where each list ends among the elements, with a zero before them.
    ends: Vec<i32>,
    elements: i32,
    valid: NullBufferBuilder,
}

impl ListColumn {
    pub(super) fn new(element: &FieldRef, path: &str, bad_values: BadValues) -> Result<Self> {
        let element = Place::new(element, &format!("{path}[]"), bad_values)?;
        Ok(Self { element, ends: vec![0], elements: 0, valid: NullBufferBuilder::new(0) })
    }

    fn append_element(&mut self, value: Value<'_>, position: usize, notes: &mut Notes) {
        self.element.append(value, At::Element(position), notes);
        self.elements += 1;
    }
}

impl Column for ListColumn {
    fn append(&mut self, value: Value<'_>, notes: &mut Notes) -> Outcome {
        if value.kind() == Kind::Array {
            for (position, element) in value.items().enumerate() {
                self.append_element(element, position, notes);
            }
        } else if is_blank(value) {
            self.append_nulls(1);
            return Outcome::Null;
        } else {
            self.append_element(value, 0, notes);
        }
        self.ends.push(self.elements);
        self.valid.append_non_null();
        Outcome::Typed
    }

    fn append_nulls(&mut self, count: usize) {
        self.ends.resize(self.ends.len() + count, self.elements);
        self.valid.append_n_nulls(count);
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let ends = std::mem::replace(&mut self.ends, vec![0]);
        self.ends.reserve(ends.len());
        self.elements = 0;
        let offsets = OffsetBuffer::new(ends.into());
        let elements = self.element.column.finish()?;
        let array = ListArray::try_new(Arc::clone(&self.element.field), offsets, elements, self.valid.finish());
        array
            .map(|array| Arc::new(array) as ArrayRef)
            .map_err(|error| Error::new(ErrorKind::Internal, "the elements do not make a list").with_cause(error))
    }
}
