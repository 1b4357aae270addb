//! Leaving out row groups whose Bloom filters hold none of the values that somebody looks for.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Date32Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use lakeflow_interface::{ColumnPath, Result};
use parquet::basic::Type as PhysicalType;
use parquet::bloom_filter::Sbbf;

use super::range::physical_path;
use crate::delta::state::Layout;

/// More values than this find something in every filter, so that asking costs more than it saves.
const MOST_VALUES: usize = 2000;

/// The values of a column that somebody looks for.
#[derive(Clone, Debug)]
pub struct ColumnValues {
    column: ColumnPath,
    physical: PhysicalType,
    values: Arc<[Box<[u8]>]>,
}

impl ColumnValues {
    /// The values of a column in some batches; none where they are too many, partly null, or of a type without filters.
    pub fn of<'a>(column: ColumnPath, batches: impl IntoIterator<Item = &'a ArrayRef>) -> Option<Self> {
        let (mut physical, mut values) = (None, Vec::new());
        for batch in batches {
            if batch.len() + values.len() > MOST_VALUES || batch.logical_null_count() > 0 {
                return None;
            }
            physical = Some(collect(batch, &mut values)?);
        }
        Some(Self { column, physical: physical?, values: values.into() })
    }

    /// The values with the column's name in data files.
    pub(super) fn placed(&self, layout: &Layout) -> Result<PlacedValues> {
        let path = physical_path(layout, &self.column)?;
        Ok(PlacedValues { path, physical: self.physical, values: Arc::clone(&self.values) })
    }
}

/// Whether a column of this type can have a Bloom filter that is of use.
pub(crate) fn has_filter(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8
            | DataType::Int32
            | DataType::Int64
            | DataType::Date32
            | DataType::Timestamp(TimeUnit::Microsecond, _)
    )
}

/// Adds the values in the form in which Parquet hashes them, and says what they are to Parquet.
fn collect(array: &dyn Array, values: &mut Vec<Box<[u8]>>) -> Option<PhysicalType> {
    let (mut four, mut eight) = (Vec::<i32>::new(), Vec::<i64>::new());
    match array.data_type() {
        DataType::Utf8 => {
            values.extend(array.as_string::<i32>().iter().flatten().map(|text| text.as_bytes().into()));
            return Some(PhysicalType::BYTE_ARRAY);
        }
        DataType::Int32 => four.extend(array.as_primitive::<Int32Type>().values()),
        DataType::Date32 => four.extend(array.as_primitive::<Date32Type>().values()),
        DataType::Int64 => eight.extend(array.as_primitive::<Int64Type>().values()),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            eight.extend(array.as_primitive::<TimestampMicrosecondType>().values());
        }
        _ => return None,
    }
    values.extend(four.iter().map(|value| Box::from(value.to_le_bytes())));
    values.extend(eight.iter().map(|value| Box::from(value.to_le_bytes())));
    Some(if eight.is_empty() { PhysicalType::INT32 } else { PhysicalType::INT64 })
}

/// Values of a column by its name in data files.
pub(super) struct PlacedValues {
    pub(super) path: Vec<String>,
    /// What the column must be in a file: a widened one has other hashes.
    pub(super) physical: PhysicalType,
    values: Arc<[Box<[u8]>]>,
}

impl PlacedValues {
    pub(super) fn may_be_in(&self, filter: &Sbbf) -> bool {
        self.values.iter().any(|value| filter.check(&**value))
    }
}
