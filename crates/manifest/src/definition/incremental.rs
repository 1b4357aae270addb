//! How to read only what has changed.

use lakeflow_interface::CursorOrder;
use schemars::JsonSchema;
use serde::Deserialize;

use super::Span;

/// How to read only what has changed, by the table's `cursor_field`.
///
/// The kind of read follows from what is described: with `from` and `to`, windows; with `from` and the order
/// `ascending`, pages with a checkpoint after each; with the order `descending`, pages until the stored cursor.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Incremental {
    /// The lower bound in the request: records whose cursor is this or later.
    pub from: Option<Bound>,
    /// The upper bound in the request.
    pub to: Option<Bound>,
    /// The order in which the source gives records, by their cursor; `none` by default. `descending` reads until it
    /// meets the stored cursor.
    #[serde(default)]
    #[schemars(with = "Order")]
    pub order: CursorOrder,
    /// How far behind the stored cursor each read begins, for records that the source shows late: `5m`.
    /// The user's option `lookback_seconds` overrides it.
    pub lookback: Option<Span>,
    /// The length of one window, where there is `to`: `7d`. The user's option `window_seconds` overrides it.
    pub window: Option<Span>,
    /// Where the first window begins when the user gives no `start_date`.
    pub oldest: Option<Oldest>,
}

/// The order in which a source gives records, by their cursor.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[expect(dead_code, reason = "it only lends its JSON Schema to the type of the contract")]
enum Order {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
    /// No order is promised.
    None,
}

/// A bound of the cursor in the request. Short form: the query parameter, inclusive.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Bound {
    /// The query parameter; the bound is inclusive.
    Param(String),
    /// A bound in full.
    Full(FullBound),
}

/// A bound of the cursor in full.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FullBound {
    /// The query parameter; without it, a template of the request uses `{{ window.start }}` or `{{ window.end }}`.
    pub param: Option<String>,
    /// How the source wants the value; by default instants as RFC 3339 in UTC, numbers as numbers.
    pub format: Option<CursorFormat>,
    /// Whether records with exactly this cursor are included; true by default.
    #[serde(default = "FullBound::default_inclusive")]
    pub inclusive: bool,
}

impl FullBound {
    fn default_inclusive() -> bool {
        true
    }
}

impl Bound {
    /// The bound in full.
    pub fn full(&self) -> FullBound {
        match self {
            Self::Full(bound) => bound.clone(),
            Self::Param(param) => FullBound { param: Some(param.clone()), format: None, inclusive: true },
        }
    }
}

/// How a source writes a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CursorFormat {
    /// `2026-01-31T12:00:00Z`
    Rfc3339,
    /// `2026-01-31`
    Date,
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
}

/// Where the first window begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Oldest {
    /// At the oldest record of the last page, in a list that gives the newest first; the pagination must name the last
    /// page (`link_header`).
    LastPage,
}
