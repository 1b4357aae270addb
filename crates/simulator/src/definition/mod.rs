//! What a simulator is made from: `endpoints.yaml` and `corpus/*.json`, read and checked.

pub(crate) mod corpus;
pub(crate) mod duration;
pub(crate) mod endpoints;
pub(crate) mod json;
pub(crate) mod parameter;
mod read;
pub(crate) mod response;
mod schema;

pub use corpus::{CorpusFile, FeedLabels, Show};
pub use endpoints::{
    Action, AuthSpec, EndpointSpec, EndpointsFile, ErrorTemplate, ErrorTemplates, JobSpec, Method, PathParameterSpec,
    RateLimitSpec, ResetFormat, RowSelector, TokenSpec, WriteSpec,
};
pub use json::Json;
pub(crate) use json::write_json;
pub use parameter::{
    CursorSpec, Direction, ExpandSpec, FilterGroupsSpec, FilterSpec, ODataFilterSpec, Operator, PageSizeSpec,
    ParameterSpec, RowsSpec, SelectSpec, SortBySpec, SortListSpec, SortOrderSpec, WholeSpan,
};
pub use read::SimulatorDefinition;
pub use response::{ColumnSpec, Format, Packing, PaginationStyle, ResponseSpec};
pub use schema::Schemas;

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
