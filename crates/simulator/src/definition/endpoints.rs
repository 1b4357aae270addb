//! The types of `endpoints.yaml`: which paths exist, what their parameters mean, how they answer.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::corpus::Show;
use super::json::Json;
use super::parameter::ParameterSpec;
use super::response::ResponseSpec;

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
    /// `Authorization: Basic …`; the token is the user.
    BasicUser,
    /// `Authorization: Basic …`; user and password are both secret.
    BasicPair(BasicPair),
    /// The token in a header.
    ApiKeyHeader(TokenHeader),
    /// The token in a query parameter of this name.
    ApiKeyQuery(String),
    /// `Authorization: Bearer …` with a token that a token endpoint has handed out.
    IssuedBearer,
    /// A header with a token that a token endpoint has handed out.
    IssuedHeader(TokenHeader),
}

/// A header that carries a token: its name, or `{name: Authorization, prefix: "Token token="}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum TokenHeader {
    /// The token is all of it.
    Whole(String),
    /// The token stands behind other words.
    Prefixed(PrefixedHeader),
}

/// A header whose token stands behind other words.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrefixedHeader {
    /// The header's name.
    pub name: String,
    /// What stands before the token.
    pub prefix: String,
}

impl TokenHeader {
    /// The header's name, and what stands before the token.
    pub fn parts(&self) -> (&str, &str) {
        match self {
            Self::Whole(name) => (name, ""),
            Self::Prefixed(header) => (&header.name, &header.prefix),
        }
    }
}

/// The connection parameters that user and password come from: `{user: api_key, password: secret_key}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasicPair {
    /// The parameter with the user.
    pub user: String,
    /// The parameter with the password.
    pub password: String,
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
    /// The header that tells both, as `used/limit`.
    pub used_of_limit_header: Option<String>,
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
    /// A strict endpoint got an unknown parameter or an invalid value; a cursor is none, or a page is too far on.
    /// Default 422.
    pub invalid_parameter: Option<ErrorTemplate>,
    /// The body of a write or a search cannot be read, or lacks a required field. Default: like `invalid_parameter`.
    pub invalid_body: Option<ErrorTemplate>,
    /// A token endpoint got wrong credentials. Default 401 with `{"error": "invalid_client"}`.
    pub invalid_grant: Option<ErrorTemplate>,
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
    /// The type of the body, where it is not JSON; the body is then one string.
    pub content_type: Option<String>,
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
    /// A fixed body instead of a corpus; its strings may hold constants and the path's placeholders. Beside a corpus,
    /// what a write or the start of a job answers.
    pub body: Option<Json>,
    /// What happens to the corpus: `read` (default), `create`, `update` or `delete`.
    #[serde(default)]
    pub action: Action,
    /// How the body of a request is read that creates or updates a row.
    #[serde(default)]
    pub write: WriteSpec,
    /// The endpoint hands out tokens.
    pub token: Option<TokenSpec>,
    /// The endpoint starts a report, or tells how far one is.
    pub job: Option<JobSpec>,
    /// Which rows are listed: `existing` (default), `deleted` or `all`.
    #[serde(default)]
    pub rows: Show,
    /// Whether credentials are checked; without the key they are, except where tokens are handed out.
    pub authenticated: Option<bool>,
    /// What placeholders mean that are not constants.
    #[serde(default)]
    pub path_parameters: BTreeMap<String, PathParameterSpec>,
    /// What query parameters mean, and the fields of a JSON or form body, beside those given for all endpoints.
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
    /// Reads with the parameters in the body (searches), or creates.
    Post,
    /// Updates.
    Put,
    /// Updates.
    Patch,
    /// Deletes.
    Delete,
}

impl Method {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What a request does to the corpus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing.
    #[default]
    Read,
    /// Adds a row.
    Create,
    /// Changes the row that the path selects.
    Update,
    /// Deletes the row that the path selects.
    Delete,
}

/// How the body of a request is read that creates or updates a row.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteSpec {
    /// The key of the body below which the fields are, as `ticket`.
    pub under: Option<String>,
    /// Fields of the body that have another place in the record: `{comment.body: description}`.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// Fields that must be there when a row is created.
    #[serde(default)]
    pub required: Vec<String>,
}

/// An endpoint that hands out tokens: of OAuth 2, or of a login that gives a session.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSpec {
    /// The values of `grant_type` that are served; without any, `grant_type` is not looked at.
    #[serde(default)]
    pub grants: Vec<String>,
    /// How long a token is good.
    #[serde(default = "hour", deserialize_with = "super::duration::deserialize")]
    pub lifetime: Duration,
    /// The fields of which one must hold the expected secret.
    #[serde(default = "secret_fields")]
    pub secrets: Vec<String>,
    /// Whether a refresh token is good once only, and a new one comes with every answer.
    #[serde(default)]
    pub rotates: bool,
}

/// An endpoint of a report that is made in the background.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobSpec {
    /// Starts a report; its parameters count when its rows are fetched. `{job}` is its identity.
    Start {
        /// How many times it is still being made when it is asked for.
        #[serde(default)]
        pending: u64,
    },
    /// Tells how far the report is whose identity a placeholder with the meaning `job` holds.
    Poll {
        /// The body as long as it is being made; `body` is the one of a report that is ready.
        pending: Json,
        /// The status as long as it is being made.
        #[serde(default = "super::response::ok")]
        pending_status: u16,
    },
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
    /// The identity of a report; one that was not started, or is still being made, is `not_found`.
    Job,
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

fn hour() -> Duration {
    Duration::from_secs(3_600)
}

fn secret_fields() -> Vec<String> {
    ["client_secret", "refresh_token", "password", "assertion"].map(str::to_owned).to_vec()
}
