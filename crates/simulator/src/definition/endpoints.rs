//! The types of `endpoints.yaml`: which paths exist, what their parameters mean, how they answer.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::json::Json;

/// The whole of `endpoints.yaml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointsFile {
    /// Values that exist in this account: a path placeholder of the same name must have this value, and templates may
    /// refer to them by name.
    #[serde(default)]
    pub constants: BTreeMap<String, String>,
    /// The credentials that every request must carry; any one of them is enough, none at all means no check.
    #[serde(default)]
    pub auth: Vec<AuthSpec>,
    /// Headers of every response.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The rate limit of the API and the headers that tell of it.
    pub rate_limit: Option<RateLimitSpec>,
    /// The answers to requests that cannot be served, by their reason.
    #[serde(default)]
    pub errors: ErrorTemplates,
    /// Parameters that every endpoint takes that lists a corpus.
    #[serde(default)]
    pub parameters: BTreeMap<String, ParameterSpec>,
    /// Whether parameters that are unknown or have an invalid value are refused; an endpoint may say otherwise.
    #[serde(default)]
    pub strict: bool,
    /// The endpoints; the first whose method and path match answers.
    pub endpoints: Vec<EndpointSpec>,
}

/// How requests prove who they are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthSpec {
    /// `Authorization: Bearer TOKEN`; the older spelling `token TOKEN` is accepted too.
    Bearer,
    /// `Authorization: Basic …`; the token is the password.
    Basic,
    /// The token in a header of this name.
    ApiKeyHeader(String),
    /// The token in a query parameter of this name.
    ApiKeyQuery(String),
}

/// A rate limit with a counting budget.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimitSpec {
    /// Requests that one window allows.
    pub requests: u64,
    /// The length of a window, as `1h`.
    #[serde(deserialize_with = "super::duration::deserialize")]
    pub window: Duration,
    /// The header that tells the limit.
    pub limit_header: Option<String>,
    /// The header that tells how many requests remain.
    pub remaining_header: Option<String>,
    /// The header that tells how many requests were made.
    pub used_header: Option<String>,
    /// The header that tells when the window ends.
    pub reset_header: Option<String>,
    /// How that header writes it.
    #[serde(default)]
    pub reset_format: ResetFormat,
    /// Whether a refused request is told `Retry-After`.
    #[serde(default)]
    pub retry_after: bool,
}

/// How a header writes the end of a rate limit's window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetFormat {
    /// Seconds since 1970.
    #[default]
    EpochSeconds,
    /// Seconds from now.
    SecondsLeft,
}

/// The answers to requests that cannot be served.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorTemplates {
    /// No endpoint has this path, or a placeholder selects nothing. Default 404.
    pub not_found: Option<ErrorTemplate>,
    /// The path exists with another method. Default 405.
    pub method_not_allowed: Option<ErrorTemplate>,
    /// Credentials are missing or wrong. Default 401.
    pub unauthorized: Option<ErrorTemplate>,
    /// A strict endpoint got an unknown parameter or an invalid value. Default 422.
    pub invalid_parameter: Option<ErrorTemplate>,
    /// The budget is used up. Default 429.
    pub rate_limited: Option<ErrorTemplate>,
}

/// A status with a JSON body, whose strings may hold `{method}`, `{path}`, `{parameter}`, `{value}`, `{reason}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorTemplate {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Json,
}

/// One path with one method.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointSpec {
    /// The path with `{placeholders}`, each standing for one segment.
    pub path: String,
    /// The method.
    #[serde(default)]
    pub method: Method,
    /// The corpus whose rows are served: the file's name without folder and ending.
    pub corpus: Option<String>,
    /// A fixed body instead of a corpus; its strings may hold constants and the path's placeholders.
    pub body: Option<Json>,
    /// What placeholders mean that are not constants.
    #[serde(default)]
    pub path_parameters: BTreeMap<String, PathParameterSpec>,
    /// What query parameters mean, beside those given for all endpoints.
    #[serde(default)]
    pub parameters: BTreeMap<String, ParameterSpec>,
    /// Overrides the file's `strict`.
    pub strict: Option<bool>,
    /// The order of the rows when no parameter gives one: `updated_at desc`; otherwise the order of the corpus.
    pub default_sort: Option<String>,
    /// How the rows are wrapped and paged.
    #[serde(default)]
    pub response: ResponseSpec,
}

/// The method of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    #[default]
    Get,
    /// Reads, with the parameters in the query all the same (search endpoints).
    Post,
}

/// What a placeholder of a path means.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathParameterSpec {
    /// Selects one row of the endpoint's corpus, or of one of its parents; a row that does not exist is `not_found`.
    Row(RowSelector),
    /// Keeps rows whose field equals the value; none may remain.
    Filter(String),
    /// Any value will do.
    Any,
}

/// Which row a placeholder selects.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowSelector {
    /// The endpoint's corpus, or its parent, or the parent's parent.
    pub of: String,
    /// The field that must equal the value.
    pub field: String,
}

/// What a query parameter means.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterSpec {
    /// Keeps the rows whose field compares with the value.
    Filter(FilterSpec),
    /// Chooses the field to sort by.
    SortBy(SortBySpec),
    /// Chooses the direction: `asc` or `desc`.
    SortOrder(SortOrderSpec),
    /// The page's number, from 1.
    Page,
    /// The rows of a page.
    PerPage(PageSizeSpec),
    /// The same as `per_page`, for APIs that page by offset.
    Limit(PageSizeSpec),
    /// How many rows to pass over.
    Offset,
    /// Known, without effect.
    Ignore,
}

/// A filter on a field.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterSpec {
    /// The field, as `state` or `commit.committer.date`.
    pub field: String,
    /// How it compares.
    #[serde(default)]
    pub op: Operator,
    /// The value when the parameter is absent; without one the filter is then off.
    pub default: Option<String>,
    /// A value that switches the filter off, as `all`.
    pub off: Option<String>,
    /// The only values allowed; a strict endpoint refuses others.
    pub values: Option<Vec<String>>,
}

/// How a field compares with a parameter's value. A null only matches `ne`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// Equal.
    #[default]
    Eq,
    /// Not equal.
    Ne,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// Equal to one of a list with commas.
    In,
}

/// A parameter that chooses the field to sort by.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SortBySpec {
    /// From the parameter's values to fields: `{updated: updated_at}`.
    pub fields: BTreeMap<String, String>,
    /// The value when the parameter is absent.
    pub default: Option<String>,
}

/// A parameter that chooses the direction.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SortOrderSpec {
    /// The direction when the parameter is absent.
    pub default: Direction,
}

/// The direction of a sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Smallest first.
    #[default]
    Asc,
    /// Greatest first.
    Desc,
}

/// The number of rows of a page.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageSizeSpec {
    /// When the parameter is absent.
    pub default: u64,
    /// The most that is given; a strict endpoint refuses more, others give this many.
    pub maximum: u64,
}

/// How an endpoint answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseSpec {
    /// How a client learns where to go on.
    #[serde(default)]
    pub pagination: PaginationStyle,
    /// Where in the body the rows are, as `data.items`; absent: the body is the list itself.
    pub records_key: Option<String>,
    /// More keys of the body beside `records_key`: strings may hold `{total}`, `{page}`, `{per_page}`, `{pages}`,
    /// `{offset}`, `{next_page}`, `{next_offset}`, `{has_more}`, constants and placeholders. A string that is one
    /// such name alone becomes a number, boolean or null.
    #[serde(default)]
    pub extras: BTreeMap<String, Json>,
    /// Whether the body is the one selected row itself.
    #[serde(default)]
    pub single_entity: bool,
    /// The status of a good answer.
    #[serde(default = "ok")]
    pub status: u16,
    /// More headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Whether answers carry an `ETag` and `If-None-Match` is honoured with 304.
    #[serde(default)]
    pub etag: bool,
}

impl Default for ResponseSpec {
    fn default() -> Self {
        Self {
            pagination: PaginationStyle::default(),
            records_key: None,
            extras: BTreeMap::new(),
            single_entity: false,
            status: ok(),
            headers: BTreeMap::new(),
            etag: false,
        }
    }
}

/// How a client learns where to go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PaginationStyle {
    /// One answer holds all rows; `page`, `per_page`, `limit` and `offset` still slice if they are declared.
    #[default]
    None,
    /// A `Link` header with `prev`, `next`, `last` and `first`, as GitHub sends it.
    LinkHeader,
    /// The client counts pages; what the body tells of them is in `extras`.
    PageNumber,
    /// The client counts rows; what the body tells of them is in `extras`.
    Offset,
}

fn ok() -> u16 {
    200
}
