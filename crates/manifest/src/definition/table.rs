//! A table: what it is, where it comes from, how it is read.

use std::collections::BTreeMap;

use lakeflow_interface::{ColumnPath, IngestionType};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Incremental, OptionsEntry, PageSize, Pagination, Request, Template};
use crate::path::JsonPath;

/// A table: what it is, where it comes from, how it is read.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// What its rows are, in a sentence.
    pub description: Option<String>,
    /// How its rows change: `snapshot` (every read gives all rows), `cdc` (inserted and updated rows), `append` (rows
    /// are only added).
    #[schemars(with = "Ingestion")]
    pub ingestion_type: IngestionType,
    /// The columns that identify a row; a nested one as `outer.inner`.
    #[serde(default)]
    #[schemars(with = "Vec<ColumnText>")]
    pub primary_keys: Vec<ColumnPath>,
    /// The column by which changes are ordered; a nested one as `outer.inner`.
    #[schemars(with = "Option<ColumnText>")]
    pub cursor_field: Option<ColumnPath>,
    /// Names of groups of options, and options of this table only.
    #[serde(default)]
    pub options: Vec<OptionsEntry>,
    /// The request that lists its records.
    pub request: Request,
    /// Where a page has the records: `$.items`. An array stands for its elements, an object is one record.
    /// By default `$`, the whole page.
    #[serde(default)]
    pub records: JsonPath,
    /// How this list is paged, if not as `http.pagination` says.
    pub pagination: Option<Pagination>,
    /// How this list's page size is asked for, if not as `http.page_size` says.
    pub page_size: Option<PageSize>,
    /// How to read only what has changed.
    pub incremental: Option<Incremental>,
    /// The table whose every row this one is read once for.
    pub parent: Option<Parent>,
    /// Columns that a record does not have, by name: a constant of the request, as text that is typed by the schema.
    #[serde(default)]
    pub add_columns: BTreeMap<String, Template>,
    /// What certain HTTP statuses mean for this table.
    #[serde(default)]
    #[schemars(extend("propertyNames" = { "format": "http-status" }))]
    pub errors: BTreeMap<OnStatus, StatusAction>,
    /// The columns in Spark DDL: `id BIGINT NOT NULL, title STRING, user user`; names of `types` may be used.
    pub schema: String,
}

/// The text of a column path.
#[derive(JsonSchema)]
#[schemars(extend("format" = "column-path"))]
#[expect(dead_code, reason = "it only lends its JSON Schema to the type of the contract")]
struct ColumnText(String);

/// How a table's rows change.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[expect(dead_code, reason = "it only lends its JSON Schema to the type of the contract")]
enum Ingestion {
    /// Every read gives the whole table; a row that is missing was deleted.
    Snapshot,
    /// Inserted and updated rows; deletes are not seen.
    Cdc,
    /// Rows are only ever added.
    Append,
}

/// The table whose every row this one is read once for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parent {
    /// The parent table. It is read with the options that both tables have.
    pub table: String,
    /// Names for fields of a parent row: `{pull_number: number}`; templates read them as `{{ parent.pull_number }}`.
    #[schemars(with = "BTreeMap<String, ColumnText>", extend("propertyNames" = { "format": "name" }))]
    pub r#as: BTreeMap<String, ColumnPath>,
    /// Whether to read only for parents that have changed since the last read; the parent table must be incremental.
    #[serde(default)]
    pub changed_only: bool,
    /// How many parents to read for at once, at most; 8 by default.
    #[schemars(range(min = 1, max = 64))]
    pub concurrency: Option<u64>,
}

/// An HTTP status: `404`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("format" = "http-status"))]
pub struct OnStatus(pub u16);

impl TryFrom<String> for OnStatus {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.parse() {
            Ok(status @ 400..=599) => Ok(Self(status)),
            _ => Err(format!("expected an HTTP status from 400 to 599, found `{text}`")),
        }
    }
}

/// What a status means for a table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusAction {
    /// There are no records here; it is counted and shown in the report. Only where a parent row was removed meanwhile,
    /// or the like: a snapshot takes missing records for deleted ones.
    Skip,
    /// Send the request again, as after a 503.
    Retry,
    /// Fail, with this hint for the user.
    Fail(String),
}
