//! From Arrow to DDL.

use arrow::datatypes::{DataType, Field, Fields, IntervalUnit};

use super::lexer::is_word;
use super::{COMMENT, INTERVAL_UNITS, TEXT_TYPE, is_variant};

/// The columns of a table: `id BIGINT NOT NULL COMMENT 'key', name STRING`.
pub(super) fn columns(fields: &Fields) -> String {
    join(fields, |field| described(field, " "))
}

/// The SQL type of a field.
pub(super) fn type_name(field: &Field) -> String {
    let metadata = |key: &str| field.metadata().get(key).map(String::as_str);
    match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            metadata(TEXT_TYPE).unwrap_or("STRING").to_uppercase()
        }
        DataType::Interval(IntervalUnit::YearMonth) => {
            format!("INTERVAL {}", metadata(INTERVAL_UNITS).unwrap_or("year to month").to_uppercase())
        }
        DataType::Duration(_) => {
            format!("INTERVAL {}", metadata(INTERVAL_UNITS).unwrap_or("day to second").to_uppercase())
        }
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::ListView(element)
        | DataType::LargeListView(element)
        | DataType::FixedSizeList(element, _) => format!("ARRAY<{}>", type_name(element)),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => format!("MAP<{}>", join(fields, type_name)),
            other => simple_name(other),
        },
        variant if is_variant(variant) => "VARIANT".to_owned(),
        DataType::Struct(fields) => format!("STRUCT<{}>", join(fields, |field| described(field, ": "))),
        DataType::Dictionary(_, values) => type_name(&Field::new("", values.as_ref().clone(), true)),
        DataType::RunEndEncoded(_, values) => type_name(values),
        other => simple_name(other),
    }
}

fn simple_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Null => "VOID",
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 => "TINYINT",
        DataType::Int16 | DataType::UInt8 => "SMALLINT",
        DataType::Int32 | DataType::UInt16 => "INT",
        DataType::Int64 | DataType::UInt32 => "BIGINT",
        DataType::UInt64 => "DECIMAL(20,0)",
        DataType::Float16 | DataType::Float32 => "FLOAT",
        DataType::Float64 => "DOUBLE",
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => return format!("DECIMAL({precision},{scale})"),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "BINARY",
        DataType::Date32 => "DATE",
        DataType::Timestamp(_, Some(_)) => "TIMESTAMP",
        DataType::Timestamp(_, None) | DataType::Date64 => "TIMESTAMP_NTZ",
        _ => "STRING",
    }
    .to_owned()
}

/// A field with its name: `id BIGINT NOT NULL COMMENT 'key'`.
fn described(field: &Field, separator: &str) -> String {
    let mut text = format!("{}{separator}{}", name(field.name()), type_name(field));
    if !field.is_nullable() {
        text.push_str(" NOT NULL");
    }
    if let Some(comment) = field.metadata().get(COMMENT) {
        text.push_str(&format!(" COMMENT '{}'", comment.replace('\\', "\\\\").replace('\'', "\\'")));
    }
    text
}

fn name(name: &str) -> String {
    let is_plain = name.chars().all(is_word) && name.starts_with(|first: char| first.is_alphabetic() || first == '_');
    if is_plain { name.to_owned() } else { format!("`{}`", name.replace('`', "``")) }
}

fn join(fields: &Fields, write: impl Fn(&Field) -> String) -> String {
    fields.iter().map(|field| write(field)).collect::<Vec<_>>().join(", ")
}
