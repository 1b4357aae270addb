//! Columns of values of a fixed width.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, PrimitiveBuilder};
use arrow::datatypes::DataType;

use super::{Column, KeyColumn, Notes, Outcome, Value, reserve};
use crate::Result;

/// What a value means for a type.
pub(super) enum Reading<T> {
    Value(T),
    Null,
    Bad,
}

impl<T> Reading<T> {
    /// A value that fits, or one that does not.
    #[inline]
    pub(super) fn fitting(value: Option<T>) -> Self {
        value.map_or(Self::Bad, Self::Value)
    }
}

/// A column of values of a fixed width, each read by the same function.
pub(super) struct PrimitiveColumn<T: ArrowPrimitiveType, R> {
    data_type: DataType,
    builder: PrimitiveBuilder<T>,
    read: R,
}

impl<T, R> PrimitiveColumn<T, R>
where
    T: ArrowPrimitiveType,
    R: Fn(Value<'_>) -> Reading<T::Native> + Send + 'static,
{
    pub(super) fn boxed(data_type: &DataType, read: R) -> Box<dyn KeyColumn> {
        let builder = PrimitiveBuilder::new().with_data_type(data_type.clone());
        Box::new(Self { data_type: data_type.clone(), builder, read })
    }
}

impl<T, R> Column for PrimitiveColumn<T, R>
where
    T: ArrowPrimitiveType,
    R: Fn(Value<'_>) -> Reading<T::Native> + Send,
{
    #[inline]
    fn append(&mut self, value: Value<'_>, _notes: &mut Notes) -> Outcome {
        match (self.read)(value) {
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
        self.builder =
            PrimitiveBuilder::with_capacity(reserve(array.values().len())).with_data_type(self.data_type.clone());
        Ok(Arc::new(array))
    }
}

impl<T, R> KeyColumn for PrimitiveColumn<T, R>
where
    T: ArrowPrimitiveType,
    R: Fn(Value<'_>) -> Reading<T::Native> + Send,
{
    fn fits(&self, value: Value<'_>) -> bool {
        matches!((self.read)(value), Reading::Value(_))
    }
}
