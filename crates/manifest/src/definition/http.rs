//! How to talk to a source.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ErrorRules, Pagination, Span, Template};

/// How to talk to the source.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// The URL that every path is appended to.
    pub base_url: Template,
    /// Headers of every request.
    #[serde(default)]
    pub headers: BTreeMap<String, Template>,
    /// How the source tells what is left of the rate limit, and a pace to keep from the start.
    pub rate_limit: Option<RateLimit>,
    /// When and how often a failed request is sent again, where the defaults do not fit.
    pub retry: Option<Retries>,
    /// How lists are paged; `none` by default.
    pub pagination: Option<Pagination>,
    /// How to ask for pages of a certain size.
    pub page_size: Option<PageSize>,
    /// What certain answers mean, for all tables.
    #[serde(default)]
    pub errors: ErrorRules,
    /// How many requests a connection has under way at once, at most; 8 by default.
    #[schemars(range(min = 1, max = 64))]
    pub concurrency: Option<u64>,
}

/// How the source tells what is left of the rate limit, and a pace to keep from the start.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// The response header with the number of requests in a period: `x-ratelimit-limit`.
    pub limit: Option<String>,
    /// The response header with the number of requests that are left: `x-ratelimit-remaining`.
    pub remaining: Option<String>,
    /// The response header that tells both, as `32/40`: how many requests were used, of how many:
    /// `x-shopify-shop-api-call-limit`.
    pub used_of_limit: Option<String>,
    /// The response header that tells when there will be more; without it, what is left is for a second.
    pub reset: Option<Reset>,
    /// The number of requests to send in each `per`, at most.
    #[schemars(range(min = 1))]
    pub requests: Option<u64>,
    /// The time that `requests` is meant for: `1m`.
    pub per: Option<Span>,
}

/// The response header that tells when the rate limit ends. Short form: its name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Reset {
    /// The header's name; its value is in epoch seconds.
    Header(String),
    /// The header's name and what its value means.
    Formatted(FormattedReset),
}

/// A response header and what its value means.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FormattedReset {
    /// The header's name.
    pub header: String,
    /// What its value means.
    pub format: ResetFormat,
}

/// What the value of a reset header means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResetFormat {
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
    /// Seconds from the response on.
    Seconds,
    /// A timestamp as in RFC 3339.
    Rfc3339,
}

impl Reset {
    /// The header's name and what its value means.
    pub fn parts(&self) -> (&str, ResetFormat) {
        match self {
            Self::Header(header) => (header, ResetFormat::EpochSeconds),
            Self::Formatted(reset) => (&reset.header, reset.format),
        }
    }
}

/// When and how often a failed request is sent again.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retries {
    /// How often a request is sent at most, the first time included.
    #[schemars(range(min = 1, max = 100))]
    pub attempts: Option<u64>,
    /// The longest time to wait for a source that is down or limits its rate: `30m`.
    pub patience: Option<Span>,
    /// Statuses to send again on, besides 408, 429, 500, 502, 503 and 504.
    #[serde(default)]
    pub statuses: Vec<u16>,
}

/// How to ask for pages of a certain size. The user's option `per_page` follows from it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageSize {
    /// The query parameter: `per_page`.
    pub param: Option<String>,
    /// The field of the body instead: `paging.limit`.
    pub body: Option<String>,
    /// The size to ask for.
    #[schemars(range(min = 1))]
    pub default: u64,
    /// The greatest size that the source grants.
    #[schemars(range(min = 1))]
    pub max: u64,
}
