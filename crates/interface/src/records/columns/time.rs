//! Columns of instants, wall clock times, dates and intervals.

use arrow::datatypes::{
    DataType, Date32Type, DurationMicrosecondType, IntervalUnit, IntervalYearMonthType, TimeUnit,
    TimestampMicrosecondType,
};

use super::primitive::{PrimitiveColumn, Reading};
use super::{KeyColumn, Scalar, Value};
use crate::records::exact_number::ExactNumber;
use crate::records::interval;
use crate::records::timestamp::Written;

/// The column of a type of time; nothing for other types.
pub(super) fn column(data_type: &DataType) -> Option<Box<dyn KeyColumn>> {
    Some(match data_type {
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if zone.as_ref() == "UTC" => {
            PrimitiveColumn::<TimestampMicrosecondType, _>::boxed(data_type, |value| time(value, Written::instant))
        }
        DataType::Timestamp(TimeUnit::Microsecond, None) => {
            PrimitiveColumn::<TimestampMicrosecondType, _>::boxed(data_type, |value| time(value, Written::wall_clock))
        }
        DataType::Date32 => PrimitiveColumn::<Date32Type, _>::boxed(data_type, |value| time(value, Written::date)),
        DataType::Interval(IntervalUnit::YearMonth) => {
            PrimitiveColumn::<IntervalYearMonthType, _>::boxed(data_type, |value| length(value, interval::year_month))
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            PrimitiveColumn::<DurationMicrosecondType, _>::boxed(data_type, |value| length(value, interval::day_time))
        }
        _ => return None,
    })
}

#[inline]
fn time<T>(value: Value<'_>, convert: impl Fn(Written) -> Option<T>) -> Reading<T> {
    let written = match Scalar::of(value) {
        Scalar::Text(text) => Written::parse(text.as_bytes()),
        Scalar::Null => return Reading::Null,
        Scalar::Number(text) => ExactNumber::parse(text.as_bytes()).and_then(Written::from_epoch),
        Scalar::Bool(_) | Scalar::Nested => None,
    };
    Reading::fitting(written.and_then(convert))
}

fn length<T>(value: Value<'_>, parse: impl Fn(&[u8]) -> Option<T>) -> Reading<T> {
    match Scalar::of(value) {
        Scalar::Text(text) => Reading::fitting(parse(text.as_bytes())),
        Scalar::Null => Reading::Null,
        Scalar::Number(_) | Scalar::Bool(_) | Scalar::Nested => Reading::Bad,
    }
}
