//! Columns of numbers: whole, floating and decimal.

use std::str::FromStr;

use arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type};

use super::primitive::{PrimitiveColumn, Reading};
use super::{KeyColumn, Scalar, Value};
use crate::records::exact_number::{ExactNumber, short_integer};

/// The column of a numeric type; nothing for other types.
pub(super) fn column(data_type: &DataType) -> Option<Box<dyn KeyColumn>> {
    Some(match *data_type {
        DataType::Int8 => PrimitiveColumn::<Int8Type, _>::boxed(data_type, integer),
        DataType::Int16 => PrimitiveColumn::<Int16Type, _>::boxed(data_type, integer),
        DataType::Int32 => PrimitiveColumn::<Int32Type, _>::boxed(data_type, integer),
        DataType::Int64 => PrimitiveColumn::<Int64Type, _>::boxed(data_type, integer),
        DataType::Float32 => {
            PrimitiveColumn::<Float32Type, _>::boxed(data_type, |value| float(value, f32::is_infinite))
        }
        DataType::Float64 => {
            PrimitiveColumn::<Float64Type, _>::boxed(data_type, |value| float(value, f64::is_infinite))
        }
        DataType::Decimal128(precision, scale) => {
            let limit = 10_i128.checked_pow(u32::from(precision)).unwrap_or(i128::MAX);
            PrimitiveColumn::<Decimal128Type, _>::boxed(data_type, move |value| decimal(value, scale, limit))
        }
        _ => return None,
    })
}

#[inline]
fn integer<N: TryFrom<i64>>(value: Value<'_>) -> Reading<N> {
    let whole = match Scalar::of(value) {
        Scalar::Number(text) => whole(text),
        Scalar::Null => return Reading::Null,
        Scalar::Text(text) => whole(&text),
        Scalar::Bool(value) => Some(i64::from(value)),
        Scalar::Nested => None,
    };
    Reading::fitting(whole.and_then(|whole| N::try_from(whole).ok()))
}

#[inline]
fn whole(text: &str) -> Option<i64> {
    short_integer(text.as_bytes()).or_else(|| long_integer(text))
}

fn long_integer(text: &str) -> Option<i64> {
    ExactNumber::parse(text.as_bytes())?.scaled(0)?.try_into().ok()
}

/// Digits beyond what the type holds are rounded; a number that is too large does not fit.
fn float<F>(value: Value<'_>, is_infinite: impl Fn(F) -> bool) -> Reading<F>
where
    F: FromStr + From<i8> + Copy,
{
    let parsed = |text: &str| {
        let number = text.parse::<F>().ok()?;
        let overflowed = is_infinite(number) && text.bytes().any(|byte| byte.is_ascii_digit());
        (!overflowed).then_some(number)
    };
    Reading::fitting(match Scalar::of(value) {
        Scalar::Number(text) => parsed(text),
        Scalar::Null => return Reading::Null,
        Scalar::Text(text) => parsed(&text),
        Scalar::Bool(value) => Some(F::from(i8::from(value))),
        Scalar::Nested => None,
    })
}

fn decimal(value: Value<'_>, scale: i8, limit: i128) -> Reading<i128> {
    let scaled = |text: &str| {
        let scaled = ExactNumber::parse(text.as_bytes())?.scaled(i64::from(scale))?;
        (scaled.abs() < limit).then_some(scaled)
    };
    Reading::fitting(match Scalar::of(value) {
        Scalar::Number(text) => scaled(text),
        Scalar::Null => return Reading::Null,
        Scalar::Text(text) => scaled(&text),
        Scalar::Bool(value) => scaled(if value { "1" } else { "0" }),
        Scalar::Nested => None,
    })
}
