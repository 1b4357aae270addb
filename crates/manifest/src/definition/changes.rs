//! Feeds of changes, and how deleted rows are told.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Span;
use super::{Bound, ErrorRules, Incremental, PageSize, Pagination, Records, Request};
use crate::path::{Condition, FieldPath, JsonPath};

/// A feed that tells what has changed in several tables.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// The request that lists events; `{{ feed.types }}` are the types that a table asks for, as a list.
    pub request: Request,
    /// Where a page has the events; by default `$`, the whole page.
    #[serde(default)]
    pub events: JsonPath,
    /// How the list is paged, if not as `http.pagination` says.
    pub pagination: Option<Pagination>,
    /// How the list's page size is asked for, if not as `http.page_size` says.
    pub page_size: Option<PageSize>,
    /// What identifies an event: `$.id`.
    pub id: FieldPath,
    /// What kind of event it is: `$.type`.
    pub r#type: FieldPath,
    /// When it happened: `$.created`. The rows that it changes have this as their `cursor_field`.
    pub sequence: FieldPath,
    /// The record that it is about, as it is since then: `$.data.object`.
    pub record: JsonPath,
    /// The lower bound of `sequence` in the request.
    pub from: Bound,
    /// The order in which events are listed; `descending` by default.
    #[serde(default)]
    pub order: FeedOrder,
    /// How far behind the last event each read begins, for events that the feed lists late: `5m`. No event is handed on
    /// twice. The user's option `lookback_seconds` overrides it.
    pub lookback: Option<Span>,
    /// How far back the feed reaches: `30d`. A read that was interrupted for longer ends with an error that says so.
    pub horizon: Option<Span>,
}

/// The order in which events are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedOrder {
    /// Newest first.
    #[default]
    Descending,
    /// Oldest first.
    Ascending,
}

/// What a feed tells of a table: the list is read once, and then only the feed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    /// The name of a feed in `feeds`.
    pub feed: String,
    /// The types of events whose record was inserted or updated; `customer.*` stands for all that begin so.
    pub upsert: Vec<String>,
    /// The types of events whose record was deleted.
    #[serde(default)]
    pub delete: Vec<String>,
    /// Where an event has the record, if not as the feed says.
    pub record: Option<JsonPath>,
    /// The parameter of the list that takes the user's `start_date`.
    pub start: Option<Bound>,
}

/// How deleted rows are told: by a flag on the record (`where`), or by a request of their own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deletes {
    /// What holds for a record that was deleted: `$.status == 'deleted'`.
    pub r#where: Option<Condition>,
    /// The request that lists deleted records.
    pub request: Option<Request>,
    /// Where a page has them; by default `$`.
    #[serde(default)]
    pub records: Records,
    /// The columns of the table that a deleted record has under other names: `{updated_at: $.archived_at}`. Primary keys
    /// and the cursor field are all that is needed.
    #[serde(default)]
    pub add_fields: BTreeMap<String, FieldPath>,
    /// How to ask only for what was deleted since the last read; without it, all are listed, and those that the last read
    /// did not have are handed on.
    #[serde(default)]
    pub incremental: Incremental,
    /// How the list is paged, if not as the table's.
    pub pagination: Option<Pagination>,
    /// How the list's page size is asked for, if not as the table's.
    pub page_size: Option<PageSize>,
    /// What certain answers mean.
    #[serde(default)]
    pub errors: ErrorRules,
}
