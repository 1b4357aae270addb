//! A table: what it is, where it comes from, how it is read.

use std::collections::BTreeMap;

use lakeflow_interface::{ColumnPath, IngestionType};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Changes, Deletes, Discovery, ErrorRules, Format, Incremental, Job, OptionsEntry, PageSize, Pagination, Records,
    Request, Scalar, Template, Token, WriteBack,
};
use crate::path::FieldPath;

/// A table: what it is, where it comes from, how it is read.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// What its rows are, in a sentence.
    pub description: Option<String>,
    /// How its rows change: `snapshot` (every read gives all rows), `cdc` (inserted and updated rows), `cdc_with_deletes`
    /// (and deleted ones), `append` (rows are only added).
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
    /// The URL that this table's paths are appended to, if not `http.base_url`; the same credentials are sent there.
    pub base_url: Option<Template>,
    /// The request that lists its records.
    pub request: Request,
    /// What the response is written in; `json` by default.
    pub format: Option<Format>,
    /// A report that the source makes while we wait, which `request` asks for.
    pub job: Option<Job>,
    /// Where a page has the records: `$.items`. By default `$`, the whole page.
    #[serde(default)]
    pub records: Records,
    /// How this list is paged, if not as `http.pagination` says.
    pub pagination: Option<Pagination>,
    /// How this list's page size is asked for, if not as `http.page_size` says.
    pub page_size: Option<PageSize>,
    /// How to read only what has changed, by the table's `cursor_field`.
    pub incremental: Option<Incremental>,
    /// A token of the source that says where to go on, instead of `incremental`.
    pub offset: Option<Token>,
    /// The feed that tells what has changed, instead of `incremental`.
    pub changes: Option<Changes>,
    /// How deleted rows are told, where no feed does.
    pub deletes: Option<Deletes>,
    /// The table whose every row this one is read once for.
    pub parent: Option<Parent>,
    /// Columns that a record does not have, by name: a constant of the request, as text that is typed by the schema.
    #[serde(default)]
    pub add_columns: BTreeMap<String, Template>,
    /// Columns that each record gets from around it, by name: `{ticket_id: $parent.ticket_id}`. `$` is the record,
    /// `$parent` the object that holds it, `$page` the page.
    #[serde(default)]
    pub add_fields: BTreeMap<String, FieldPath>,
    /// What certain answers mean for this table, before `http.errors`.
    #[serde(default)]
    pub errors: ErrorRules,
    /// The columns in Spark DDL: `id BIGINT NOT NULL, title STRING, user user`; names of `types` may be used.
    pub schema: String,
    /// Tables or columns that the source itself tells of.
    pub discovery: Option<Discovery>,
    /// Several tables that differ in some words only, by name: `{installs: {report: installs_report}}`. This description
    /// then stands for each of them; templates read their words as `{{ table.report }}`.
    #[serde(default)]
    #[schemars(extend("propertyNames" = { "format": "name" }))]
    pub each: BTreeMap<String, BTreeMap<String, Scalar>>,
    /// How tests write to the source.
    pub write_back: Option<WriteBack>,
}

/// The text of a column path.
#[derive(JsonSchema)]
#[schemars(extend("format" = "column-path"))]
#[expect(dead_code, reason = "it only lends its JSON Schema to the type of the contract")]
pub(super) struct ColumnText(String);

/// How a table's rows change.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[expect(dead_code, reason = "it only lends its JSON Schema to the type of the contract")]
enum Ingestion {
    /// Every read gives the whole table; a row that is missing was deleted.
    Snapshot,
    /// Inserted and updated rows; deletes are not seen.
    Cdc,
    /// Inserted, updated and deleted rows.
    CdcWithDeletes,
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
    /// How many parents one request is for: `{{ parents }}` is their list, each with its names of `as`. 1 by default, and
    /// then `{{ parent.NAME }}`.
    #[schemars(range(min = 1, max = 10000))]
    pub batch: Option<u64>,
    /// How many requests for parents to have under way at once, at most; by default as many as the connection may have.
    #[schemars(range(min = 1, max = 64))]
    pub concurrency: Option<u64>,
}
