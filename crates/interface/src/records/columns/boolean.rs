//! Columns of booleans.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanBuilder};

use super::primitive::Reading;
use super::{Column, KeyColumn, Notes, Outcome, Scalar, Value, reserve};
use crate::Result;
use crate::records::exact_number::ExactNumber;

#[derive(Default)]
pub(super) struct BooleanColumn {
    builder: BooleanBuilder,
}

impl Column for BooleanColumn {
    #[inline]
    fn append(&mut self, value: Value<'_>, _notes: &mut Notes) -> Outcome {
        match read(value) {
            Reading::Value(value) => {
                self.builder.append_value(value);
                Outcome::Typed
            }
            Reading::Null => {
                self.builder.append_null();
                Outcome::Null
            }
            Reading::Bad => {
                self.builder.append_null();
                Outcome::Bad
            }
        }
    }

    fn append_nulls(&mut self, count: usize) {
        self.builder.append_nulls(count);
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let array = self.builder.finish();
        self.builder = BooleanBuilder::with_capacity(reserve(array.len()));
        Ok(Arc::new(array))
    }
}

impl KeyColumn for BooleanColumn {
    fn fits(&self, value: Value<'_>) -> bool {
        matches!(read(value), Reading::Value(_))
    }
}

#[inline]
fn read(value: Value<'_>) -> Reading<bool> {
    Reading::fitting(match Scalar::of(value) {
        Scalar::Bool(value) => Some(value),
        Scalar::Null => return Reading::Null,
        Scalar::Number(text) => match ExactNumber::parse(text.as_bytes()).and_then(|number| number.scaled(0)) {
            Some(1) => Some(true),
            Some(0) => Some(false),
            _ => None,
        },
        Scalar::Text(text) => of_text(&text),
        Scalar::Nested => None,
    })
}

fn of_text(text: &str) -> Option<bool> {
    let is_any = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_any(&["true", "t", "yes", "y", "1"]) {
        return Some(true);
    }
    is_any(&["false", "f", "no", "n", "0"]).then_some(false)
}
