//! What could not be typed: where it was, what it was, and the column that keeps it.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};
use arrow::datatypes::Field;

use super::Value;
use crate::{Error, ErrorKind, Result, ddl};

/// One value that does not fit its column.
#[derive(Debug)]
pub(super) struct Fault {
    /// From the value outwards.
    steps: Vec<Step>,
    expected: String,
    raw: String,
}

/// One step of a path into a record.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Key(String),
    Element(usize),
}

impl Fault {
    /// A value that does not fit the field at `step`.
    pub(super) fn new(step: Step, field: &Field, value: Value<'_>) -> Self {
        Self { steps: vec![step], expected: expected_type(field), raw: value.raw().to_owned() }
    }

    /// A field that must have a value, and has none.
    pub(super) fn missing(step: Step, field: &Field) -> Self {
        Self { steps: vec![step], expected: expected_type(field), raw: "null".to_owned() }
    }

    /// A record that is no object.
    pub(super) fn record(value: Value<'_>) -> Self {
        Self { steps: Vec::new(), expected: "an object".to_owned(), raw: value.raw().to_owned() }
    }

    /// Puts the place that the path begins in before it.
    pub(super) fn within(&mut self, step: Step) {
        self.steps.push(step);
    }

    pub(super) fn path(&self) -> String {
        if self.steps.is_empty() {
            return "$".to_owned();
        }
        self.steps.iter().rev().fold(String::new(), |mut path, step| {
            push_step(&mut path, step);
            path
        })
    }

    /// The error of a record that must be typed as a whole.
    pub(super) fn into_error(self, table: &str, key: Option<&str>) -> Error {
        let found = shorten(&self.raw);
        let mut error = Error::new(ErrorKind::BadValue, format!("expected {}, found `{found}`", self.expected))
            .with_context("path", self.path());
        if let Some(key) = key {
            error = error.with_context("key", shorten(key));
        }
        error
            .with_context("table", table)
            .with_hint("without `bad_values: fail` the value is kept in the column `_rescued_data`")
    }
}

fn expected_type(field: &Field) -> String {
    let null = if field.is_nullable() { "" } else { " not null" };
    format!("`{}`{null}", ddl::type_name(field))
}

/// Adds a step to a path: `labels[2].name`; a key that would be ambiguous is put in back-quotes.
pub(super) fn push_step(path: &mut String, step: &Step) {
    match step {
        Step::Element(position) => {
            // Writing into a String cannot fail.
            let _ = write!(path, "[{position}]");
        }
        Step::Key(key) => {
            if !path.is_empty() {
                path.push('.');
            }
            if key.is_empty() || key.contains(['.', '[', ']', '`', '$']) {
                path.push('`');
                path.push_str(&key.replace('`', "``"));
                path.push('`');
            } else {
                path.push_str(key);
            }
        }
    }
}

fn shorten(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The column of what could not be typed: a JSON object from path to original value, or null.
#[derive(Default)]
pub(super) struct RescuedData {
    builder: StringBuilder,
    text: String,
    rows: u64,
}

impl RescuedData {
    pub(super) fn append_null(&mut self) {
        self.builder.append_null();
    }

    pub(super) fn append(&mut self, faults: impl Iterator<Item = Fault>) -> Result<()> {
        self.text.clear();
        for fault in faults {
            self.text.push(if self.text.is_empty() { '{' } else { ',' });
            self.text.push_str(&serde_json::Value::String(fault.path()).to_string());
            self.text.push(':');
            self.text.push_str(&fault.raw);
        }
        self.text.push('}');
        let size = self.builder.values_slice().len() + self.text.len();
        if i32::try_from(size).is_err() {
            return Err(Error::new(ErrorKind::BadValue, "more than 2 GiB of values that do not fit their columns"));
        }
        self.builder.append_value(&self.text);
        self.rows += 1;
        Ok(())
    }

    /// The column and the number of rows in which it is not null.
    pub(super) fn finish(&mut self) -> (ArrayRef, u64) {
        (Arc::new(self.builder.finish()), std::mem::take(&mut self.rows))
    }
}
