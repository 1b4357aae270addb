//! The typing of one record over `serde_json::Value`: slow and obvious.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::{DataType, Field, Fields};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::{Map, Value, json};

/// What the model notices beside the typed values.
#[derive(Debug, Default)]
pub(crate) struct Noticed {
    /// Path to original value.
    pub(crate) bad: BTreeMap<String, Value>,
    pub(crate) undeclared: BTreeSet<String>,
}

/// A value that does not fit.
struct Bad;

/// The row of a record, rendered as `rendering::rows` does.
pub(crate) fn row(fields: &Fields, record: &Value, noticed: &mut Noticed) -> Value {
    match record {
        Value::Object(entries) => object(fields, entries, "", "", noticed),
        other => {
            noticed.bad.insert("$".to_owned(), other.clone());
            fields.iter().map(|field| (field.name().clone(), Value::Null)).collect()
        }
    }
}

fn within(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// `place` is the path with positions and keys, `path` that of the schema.
fn object(fields: &Fields, entries: &Map<String, Value>, place: &str, path: &str, noticed: &mut Noticed) -> Value {
    for key in entries.keys() {
        if !fields.iter().any(|field| field.name() == key) {
            noticed.undeclared.insert(within(path, key));
        }
    }
    let mut row = Map::new();
    for field in fields {
        let value = entries.get(field.name()).unwrap_or(&Value::Null);
        let (place, path) = (within(place, field.name()), within(path, field.name()));
        row.insert(field.name().clone(), value_at(field, value, &place, &path, noticed));
    }
    row.into()
}

fn value_at(field: &Field, value: &Value, place: &str, path: &str, noticed: &mut Noticed) -> Value {
    match typed(field, value, place, path, noticed) {
        Ok(Some(typed)) => typed,
        Ok(None) if field.is_nullable() => Value::Null,
        Ok(None) | Err(Bad) => {
            noticed.bad.insert(place.to_owned(), value.clone());
            Value::Null
        }
    }
}

fn typed(field: &Field, value: &Value, place: &str, path: &str, noticed: &mut Noticed) -> Result<Option<Value>, Bad> {
    let is_text_like = matches!(field.data_type(), DataType::Utf8 | DataType::Binary) || is_variant(field);
    let is_blank = value.as_str().is_some_and(|text| text.trim().is_empty());
    if value.is_null() || (is_blank && !is_text_like) {
        return Ok(None);
    }
    match (field.data_type(), value) {
        _ if is_variant(field) => Ok(value.clone()),
        (DataType::Struct(fields), Value::Object(entries)) => Ok(object(fields, entries, place, path, noticed)),
        (DataType::List(element), Value::Array(items)) => Ok(list(element, items, place, path, noticed)),
        (DataType::List(element), item) => Ok(list(element, std::slice::from_ref(item), place, path, noticed)),
        (DataType::Map(entries, _), Value::Object(object)) => Ok(map(entries, object, place, path, noticed)),
        (data_type, value) => scalar(data_type, value).ok_or(Bad),
    }
    .map(Some)
}

fn is_variant(field: &Field) -> bool {
    let DataType::Struct(fields) = field.data_type() else { return false };
    fields.iter().any(|field| field.metadata().contains_key("variant"))
}

fn list(element: &Field, items: &[Value], place: &str, path: &str, noticed: &mut Noticed) -> Value {
    let items = items.iter().enumerate();
    items.map(|(at, item)| value_at(element, item, &format!("{place}[{at}]"), &format!("{path}[]"), noticed)).collect()
}

fn map(entries: &Field, object: &Map<String, Value>, place: &str, path: &str, noticed: &mut Noticed) -> Value {
    let DataType::Struct(fields) = entries.data_type() else { return Value::Null };
    let mut typed = Vec::new();
    for (key, value) in object {
        let place = within(place, key);
        match scalar(fields[0].data_type(), &json!(key)) {
            Some(key) => typed.push(json!([key, value_at(&fields[1], value, &place, &format!("{path}.*"), noticed)])),
            None => {
                noticed.bad.insert(place, value.clone());
            }
        }
    }
    typed.into()
}

fn scalar(data_type: &DataType, value: &Value) -> Option<Value> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    let is_nested = value.is_array() || value.is_object();
    match data_type {
        DataType::Utf8 => Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned).into()),
        DataType::Binary => bytes(value),
        _ if is_nested => None,
        DataType::Boolean => match text.to_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" => Some(true.into()),
            "false" | "f" | "no" | "n" | "0" => Some(false.into()),
            _ if value.is_number() && decimal(&text, 0) == Some(1) => Some(true.into()),
            _ if value.is_number() && decimal(&text, 0) == Some(0) => Some(false.into()),
            _ => None,
        },
        DataType::Int8 => i8::try_from(decimal(&number_text(value, &text), 0)?).ok().map(Value::from),
        DataType::Int64 => i64::try_from(decimal(&number_text(value, &text), 0)?).ok().map(Value::from),
        DataType::Float64 => {
            number_text(value, &text).parse::<f64>().ok().map(Value::from).filter(|number| !number.is_null())
        }
        DataType::Decimal128(precision, scale) => {
            let unscaled = decimal(&number_text(value, &text), *scale as usize)?;
            (unscaled.abs() < 10_i128.pow(u32::from(*precision))).then(|| unscaled.to_string().into())
        }
        DataType::Timestamp(..) => Some(instant(value, &text)?.into()),
        DataType::Date32 => {
            let micros = instant(value, &text)?;
            (micros % 86_400_000_000 == 0).then(|| (micros / 86_400_000_000).into())
        }
        _ => None,
    }
}

fn number_text(value: &Value, text: &str) -> String {
    match value {
        Value::Bool(value) => u8::from(*value).to_string(),
        _ => text.to_owned(),
    }
}

/// Text without an exponent, times ten to the scale.
fn decimal(text: &str, scale: usize) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > scale
        || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit())
        || digits.is_empty()
    {
        return None;
    }
    format!("{whole}{fraction:0<scale$}").parse::<i128>().ok().map(|number| sign * number)
}

fn bytes(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) => {
            STANDARD.decode(text.trim()).or_else(|_| STANDARD_NO_PAD.decode(text.trim())).ok().map(Value::from)
        }
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_u64().filter(|byte| *byte < 256))
            .collect::<Option<Vec<_>>>()
            .map(Value::from),
        _ => None,
    }
}

/// Microseconds since the epoch.
fn instant(value: &Value, text: &str) -> Option<i64> {
    if let Value::Number(number) = value {
        let Some(number) = number.as_i64() else { return decimal(text, 6).map(|micros| micros as i64) };
        let unit = match number.unsigned_abs() {
            0..100_000_000_000 => 1_000_000,
            100_000_000_000..100_000_000_000_000 => 1_000,
            100_000_000_000_000..100_000_000_000_000_000 => 1,
            _ => return Some(number.div_euclid(1_000)),
        };
        return Some(number * unit).filter(|micros| {
            DateTime::from_timestamp_micros(*micros)
                .is_some_and(|time| (1..=9999).contains(&chrono::Datelike::year(&time)))
        });
    }
    if text == "0" {
        return Some(0);
    }
    let with_offset = DateTime::parse_from_rfc3339(text).map(|time| time.timestamp_micros());
    let naive =
        || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|time| time.and_utc().timestamp_micros());
    let date = || {
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .map(|date| date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_micros())
    };
    with_offset.or_else(|_| naive()).or_else(|_| date()).ok()
}
