//! Spark SQL DDL: how authors write schemas, and how they are shown.

mod lexer;
mod parser;
mod writer;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::Result;

/// The metadata of a field that holds its comment.
const COMMENT: &str = "comment";
/// The metadata of a text field that holds `char(n)` or `varchar(n)`, as Spark and Delta have it.
const TEXT_TYPE: &str = "__CHAR_VARCHAR_TYPE_STRING";
/// The metadata of an interval field that holds its units, where they are not all: `day to hour`.
const INTERVAL_UNITS: &str = "interval";
/// The metadata of the field `metadata` within a struct that says that the struct is a VARIANT.
const VARIANT: &str = "variant";

/// Reads a schema: `id BIGINT NOT NULL COMMENT 'key', labels ARRAY<STRUCT<name: STRING>>`.
///
/// The result has Spark's exact Arrow form.
///
/// # Errors
/// [`ErrorKind::Definition`](crate::ErrorKind::Definition) with line, column, what was expected and what was found.
pub fn parse(text: &str) -> Result<SchemaRef> {
    parser::Parser::new(text)?.schema()
}

/// Writes a schema, so that [`parse`] gives it back. Arrow types that Spark does not have become the nearest one.
pub fn to_ddl(schema: &Schema) -> String {
    writer::columns(schema.fields())
}

/// The SQL type of a field, as authors write it: `ARRAY<STRUCT<name: STRING>>`.
pub fn type_name(field: &Field) -> String {
    writer::type_name(field)
}

/// Whether this is the Arrow form of VARIANT.
pub(crate) fn is_variant(data_type: &DataType) -> bool {
    let DataType::Struct(fields) = data_type else { return false };
    let is_binary = |field: &Field| field.data_type() == &DataType::Binary;
    match &fields[..] {
        [value, metadata] => is_binary(value) && is_binary(metadata) && metadata.metadata().contains_key(VARIANT),
        _ => false,
    }
}

/// The most characters that a field of type CHAR or VARCHAR may have.
pub(crate) fn longest_text(field: &Field) -> Option<usize> {
    let declared = field.metadata().get(TEXT_TYPE)?;
    let (_, length) = declared.strip_suffix(')')?.split_once('(')?;
    length.parse().ok()
}
