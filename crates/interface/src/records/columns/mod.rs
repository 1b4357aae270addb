//! Columns under construction: one per column of a schema, nested as the schema is.

mod binary;
mod boolean;
mod keys;
mod list;
mod map;
mod nulls;
mod number;
mod object;
mod primitive;
mod text;
mod time;
mod variant;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Field, FieldRef};

pub(super) use object::Object;

use super::rescue::{Fault, Step};
use super::typer::{BadValues, nullable};
use super::{Kind, Value};
use crate::{Error, ErrorKind, Result, ddl};

/// Most undeclared fields that are told.
const MAX_UNDECLARED: usize = 1_000;

/// Most that is reserved for a column before it has anything, in values and in bytes.
const MAX_RESERVED: usize = 1 << 20;

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It has its type; values within it may be among the faults.
    Typed,
    /// It stands for null.
    Null,
    /// It does not fit; null was added.
    Bad,
}

/// A column under construction.
pub(super) trait Column: Send {
    /// Adds one value: null, unless the outcome is [`Outcome::Typed`].
    fn append(&mut self, value: Value<'_>, notes: &mut Notes) -> Outcome;

    /// Adds nulls.
    fn append_nulls(&mut self, count: usize);

    /// The column so far; the next one begins empty.
    fn finish(&mut self) -> Result<ArrayRef>;
}

/// A column whose type may be that of a map's keys.
pub(super) trait KeyColumn: Column {
    /// Whether a value would be typed, and not be null.
    fn fits(&self, value: Value<'_>) -> bool;
}

/// What is noticed beside the values of a column.
#[derive(Default)]
pub(super) struct Notes {
    /// What does not fit in the record at hand.
    pub(super) faults: Vec<Fault>,
    undeclared: BTreeSet<String>,
    told: usize,
}

impl Notes {
    fn undeclared(&mut self, path: String) {
        if self.told < MAX_UNDECLARED && self.undeclared.insert(path) {
            self.told += 1;
        }
    }

    /// The undeclared fields that were met since the last call.
    pub(super) fn take_undeclared(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.undeclared)
    }
}

/// A field of the schema and its column.
struct Place {
    /// As it was declared.
    declared: FieldRef,
    /// As it is in the batch.
    field: FieldRef,
    column: Box<dyn Column>,
}

impl Place {
    fn new(declared: &FieldRef, path: &str, bad_values: BadValues) -> Result<Self> {
        let field = match bad_values {
            BadValues::Rescue => nullable(declared),
            BadValues::Fail => Arc::clone(declared),
        };
        let column = column(declared, path, bad_values)?;
        Ok(Self { declared: Arc::clone(declared), field, column })
    }

    /// Adds a value; what does not fit is among the faults.
    #[inline]
    fn append(&mut self, value: Value<'_>, at: At<'_>, notes: &mut Notes) {
        let before = notes.faults.len();
        let outcome = self.column.append(value, notes);
        if outcome == Outcome::Typed && notes.faults.len() == before {
            return;
        }
        for fault in &mut notes.faults[before..] {
            fault.within(self.step(at));
        }
        let required = !self.declared.is_nullable();
        if outcome == Outcome::Bad || (outcome == Outcome::Null && required) {
            notes.faults.push(Fault::new(self.step(at), &self.declared, value));
        }
    }

    /// Adds null for a field that the record does not have.
    #[inline]
    fn append_missing(&mut self, notes: &mut Notes) {
        self.column.append_nulls(1);
        if !self.declared.is_nullable() {
            notes.faults.push(Fault::missing(self.step(At::Field), &self.declared));
        }
    }

    fn step(&self, at: At<'_>) -> Step {
        match at {
            At::Field => Step::Key(self.declared.name().clone()),
            At::Entry(key) => Step::Key(key.to_owned()),
            At::Element(position) => Step::Element(position),
        }
    }
}

/// Where in its parent a value is.
#[derive(Clone, Copy)]
enum At<'k> {
    /// In the field of that name.
    Field,
    /// Under a key of a map.
    Entry(&'k str),
    /// At a position of an array.
    Element(usize),
}

/// A value without nesting, as text.
enum Scalar<'p> {
    /// `null`, or text of nothing but white space.
    Null,
    Bool(bool),
    Number(&'p str),
    /// Trimmed.
    Text(Cow<'p, str>),
    Nested,
}

impl<'p> Scalar<'p> {
    #[inline]
    fn of(value: Value<'p>) -> Self {
        match value.kind() {
            Kind::Null => Self::Null,
            Kind::Bool(value) => Self::Bool(value),
            Kind::Number(text) => Self::Number(text),
            Kind::String => Self::of_string(value),
            Kind::Array | Kind::Object => Self::Nested,
        }
    }

    fn of_string(value: Value<'p>) -> Self {
        let text = match value.as_str() {
            Some(Cow::Borrowed(text)) => Cow::Borrowed(text.trim()),
            Some(Cow::Owned(text)) => Cow::Owned(text.trim().to_owned()),
            None => return Self::Nested,
        };
        if text.is_empty() { Self::Null } else { Self::Text(text) }
    }
}

/// Whether text for a nested type is the empty text, which stands for null.
fn is_blank(value: Value<'_>) -> bool {
    matches!(value.kind(), Kind::Null | Kind::String) && matches!(Scalar::of(value), Scalar::Null)
}

/// The column of a field; `path` is the field's own.
fn column(field: &FieldRef, path: &str, bad_values: BadValues) -> Result<Box<dyn Column>> {
    if let Some(column) = key_column(field) {
        return Ok(column);
    }
    Ok(match field.data_type() {
        DataType::Null => Box::new(nulls::NullColumn::default()),
        DataType::Struct(_) if ddl::is_variant(field.data_type()) => {
            Box::new(variant::VariantColumn::new(field.data_type()))
        }
        DataType::Struct(fields) => Box::new(object::StructColumn::new(fields, path, bad_values)?),
        DataType::List(element) => Box::new(list::ListColumn::new(element, path, bad_values)?),
        DataType::Map(entries, sorted) => Box::new(map::MapColumn::new(entries, *sorted, path, bad_values)?),
        other => return Err(unsupported(path, other)),
    })
}

/// The column of a field whose type has no nesting.
fn key_column(field: &Field) -> Option<Box<dyn KeyColumn>> {
    Some(match field.data_type() {
        DataType::Boolean => Box::new(boolean::BooleanColumn::default()),
        DataType::Utf8 => Box::new(text::TextColumn::new(ddl::longest_text(field))),
        DataType::Binary => Box::new(binary::BinaryColumn::default()),
        other => return number::column(other).or_else(|| time::column(other)),
    })
}

/// How much to reserve for a column, after the one before it had this much.
fn reserve(previous: usize) -> usize {
    previous.min(MAX_RESERVED)
}

fn unsupported(path: &str, data_type: &DataType) -> Error {
    Error::new(ErrorKind::Unsupported, format!("expected a type of Spark SQL, found `{data_type}`"))
        .with_context("column", path)
}
