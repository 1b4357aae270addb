//! How to read only what has changed.

use std::borrow::Cow;

use lakeflow_interface::CursorOrder;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::{Scalar, Span, Template};

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
    /// The longest range that the source accepts in one request, where there is one.
    pub longest: Option<Span>,
    /// How long after its end a window is complete: `2h`. Windows then begin at full days, hours or whatever `window` is,
    /// each is read only when it is complete, and a `lookback` of a `cdc` table reads earlier ones again.
    /// The user's option `delay_seconds` overrides it.
    pub delay: Option<Span>,
    /// The time zone in which the source understands bounds without one, and in which days begin: `Europe/Berlin`;
    /// UTC by default.
    pub time_zone: Option<Template>,
    /// The default of the user's option `start_date`, where the source needs a lower bound from the first read on.
    pub start_date: Option<Scalar>,
    /// How much of one list the source gives at most, in ascending order: behind it, the list is asked for anew from the
    /// greatest cursor.
    pub ceiling: Option<Ceiling>,
    /// Where the first window begins when the user gives no `start_date`.
    pub oldest: Option<Oldest>,
}

/// How much of one list a source gives at most. Short form: so many records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Ceiling {
    /// So many records.
    Records(#[schemars(range(min = 1))] u64),
    /// So many pages, whatever their size.
    Pages(PageCeiling),
}

/// A list that ends behind so many pages, whatever their size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageCeiling {
    /// The number of pages.
    #[schemars(range(min = 1))]
    pub pages: u64,
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
    /// The query parameter; without it or `body`, a template of the request uses `{{ window.start }}` or
    /// `{{ window.end }}`.
    pub param: Option<String>,
    /// The field of the body: `filter.since`.
    pub body: Option<String>,
    /// How the source wants the value; by default instants as RFC 3339 in UTC, numbers as numbers.
    pub format: Option<CursorFormat>,
    /// Whether records with exactly this cursor are included; true by default.
    #[serde(default = "FullBound::default_inclusive")]
    pub inclusive: bool,
}

impl Default for FullBound {
    fn default() -> Self {
        Self { param: None, body: None, format: None, inclusive: true }
    }
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
            Self::Param(param) => FullBound { param: Some(param.clone()), ..FullBound::default() },
        }
    }
}

/// How a source writes a bound: a name, or a pattern as of `strftime`: `"%Y%m%dT%H"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum CursorFormat {
    /// `2026-01-31T12:00:00Z`
    Rfc3339,
    /// `2026-01-31`
    Date,
    /// Seconds since 1970.
    EpochSeconds,
    /// Milliseconds since 1970.
    EpochMilliseconds,
    /// A pattern as of `strftime`.
    Pattern(String),
}

impl CursorFormat {
    const NAMES: [&str; 4] = ["rfc3339", "date", "epoch_seconds", "epoch_milliseconds"];
}

impl TryFrom<String> for CursorFormat {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        use chrono::format::{Item, StrftimeItems};
        Ok(match text.as_str() {
            "rfc3339" => Self::Rfc3339,
            "date" => Self::Date,
            "epoch_seconds" => Self::EpochSeconds,
            "epoch_milliseconds" => Self::EpochMilliseconds,
            pattern if pattern.contains('%') && !StrftimeItems::new(pattern).any(|item| item == Item::Error) => {
                Self::Pattern(text)
            }
            _ => {
                let names = Self::NAMES.map(|name| format!("`{name}`")).join(", ");
                return Err(format!("expected {names} or a pattern as `%Y-%m-%dT%H:%M:%S`, found `{text}`"));
            }
        })
    }
}

impl JsonSchema for CursorFormat {
    fn schema_name() -> Cow<'static, str> {
        "CursorFormat".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How a source writes a bound: `rfc3339` (`2026-01-31T12:00:00Z`), `date` (`2026-01-31`), \
                            `epoch_seconds`, `epoch_milliseconds`, or a pattern as of `strftime`: `%Y%m%dT%H`.",
            "type": "string",
            "format": "cursor-format",
            "examples": Self::NAMES,
        })
    }
}

/// Where the first window begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Oldest {
    /// At the oldest record of the last page, in a list that gives the newest first; the pagination must name the last
    /// page (`link_header`).
    LastPage,
}
