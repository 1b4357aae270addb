//! Errors of the libraries as exceptions: one class for each kind, in `databricks.labs.community_connector.errors`.

use community_connector::Failure;
use lakeflow_interface::{Error, ErrorKind};
use pyo3::prelude::*;

const MODULE: &str = "databricks.labs.community_connector.errors";

/// The exception that an error is.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let Failure { message, context, causes, hints, kind, details, .. } = Failure::of(error);
    let text = causes.iter().fold(message, |text, cause| format!("{text}: {cause}"));
    let text = details.iter().fold(text, |text, line| format!("{text}\n{line}"));
    let context: Vec<(&str, String)> = context.into_iter().collect();
    let made = py.import(MODULE).and_then(|module| module.call_method1("of_kind", (kind, text, hints, context)));
    made.map_or_else(|failed| failed, PyErr::from_value)
}

/// Something that a caller in Python did wrong.
pub(crate) fn misuse(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Configuration, message)
}
