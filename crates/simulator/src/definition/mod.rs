//! What a simulator is made from: `endpoints.yaml` and `corpus/*.json`, read and checked.

pub(crate) mod corpus;
pub(crate) mod duration;
pub(crate) mod endpoints;
pub(crate) mod json;
mod read;

pub use corpus::CorpusFile;
pub use endpoints::{
    AuthSpec, Direction, EndpointSpec, EndpointsFile, ErrorTemplate, ErrorTemplates, FilterSpec, Method, Operator,
    PageSizeSpec, PaginationStyle, ParameterSpec, PathParameterSpec, RateLimitSpec, ResetFormat, ResponseSpec,
    RowSelector, SortBySpec, SortOrderSpec,
};
pub use json::Json;
pub use read::SimulatorDefinition;

use lakeflow_interface::{Error, ErrorKind};

/// A mistake in a definition: which file, which key, what is wrong.
pub(crate) fn mistake(file: &str, key: &str, message: impl Into<String>) -> Error {
    let error = Error::new(ErrorKind::Definition, message).with_context("file", file);
    if key.is_empty() { error } else { error.with_context("key", key) }
}

/// A name in a definition that does not exist: which file, which key, the nearest valid name.
pub(crate) fn unknown<'a>(
    file: &str,
    key: &str,
    what: &str,
    name: &str,
    valid: impl IntoIterator<Item = &'a str> + Clone,
) -> Error {
    lakeflow_interface::unknown_name(ErrorKind::Definition, what, name, valid)
        .with_context("file", file)
        .with_context("key", key)
}
