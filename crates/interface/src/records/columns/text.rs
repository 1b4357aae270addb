//! Columns of text.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringBuilder};

use super::{Column, KeyColumn, Kind, Notes, Outcome, Value, reserve};
use crate::Result;

pub(super) struct TextColumn {
    builder: StringBuilder,
    /// The most characters that a text may have.
    longest: Option<usize>,
}

impl TextColumn {
    pub(super) fn new(longest: Option<usize>) -> Self {
        Self { builder: StringBuilder::new(), longest }
    }
}

impl Column for TextColumn {
    #[inline]
    fn append(&mut self, value: Value<'_>, _notes: &mut Notes) -> Outcome {
        if self.longest.is_some() && !value.is_null() && !self.fits(value) {
            self.builder.append_null();
            return Outcome::Bad;
        }
        match value.kind() {
            Kind::String => match value.unescaped() {
                Some(text) => self.builder.append_value(text),
                None => {
                    // Writing to the builder cannot fail.
                    value.unescape_into(&mut |part| {
                        let _ = self.builder.write_str(part);
                    });
                    self.builder.append_value("");
                }
            },
            Kind::Null => {
                self.builder.append_null();
                return Outcome::Null;
            }
            Kind::Bool(_) | Kind::Number(_) | Kind::Array | Kind::Object => self.builder.append_value(value.raw()),
        }
        Outcome::Typed
    }

    fn append_nulls(&mut self, count: usize) {
        self.builder.append_nulls(count);
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let array = self.builder.finish();
        self.builder = StringBuilder::with_capacity(reserve(array.len()), reserve(array.values().len()));
        Ok(Arc::new(array))
    }
}

impl KeyColumn for TextColumn {
    fn fits(&self, value: Value<'_>) -> bool {
        let length = || match value.as_str() {
            Some(text) => text.chars().count(),
            None => value.raw().chars().count(),
        };
        !value.is_null() && self.longest.is_none_or(|longest| length() <= longest)
    }
}
