//! How endpoints answer.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::endpoints::ErrorTemplate;
use super::json::Json;

/// How an endpoint answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseSpec {
    /// How a client learns where to go on.
    #[serde(default)]
    pub pagination: PaginationStyle,
    /// Where in the body the rows are, as `data.items`; absent: the body is the list itself.
    pub records_key: Option<String>,
    /// Arrays side by side instead of rows: where in the body, as `data.dates`, and the field whose values stand there; a
    /// list of fields is an array of such arrays.
    #[serde(default)]
    pub columns: BTreeMap<String, ColumnSpec>,
    /// More keys of the body beside `records_key`: strings may hold what is known of the page, constants and
    /// placeholders. A string that is one name alone becomes a number, boolean or null.
    #[serde(default)]
    pub extras: BTreeMap<String, Json>,
    /// More keys of every body but the last page's.
    #[serde(default)]
    pub extras_if_more: BTreeMap<String, Json>,
    /// More keys of the last page's body.
    #[serde(default)]
    pub extras_at_end: BTreeMap<String, Json>,
    /// How rows are written.
    #[serde(default)]
    pub format: Format,
    /// How the body is packed; this is the file's own form, not an encoding of the transfer.
    #[serde(default)]
    pub packing: Packing,
    /// The answer where there are no rows.
    pub empty: Option<ErrorTemplate>,
    /// The rows of a page where no parameter says it.
    pub page_size: Option<u64>,
    /// The most rows that can be paged through: pages behind them are refused.
    pub most_rows: Option<u64>,
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
            columns: BTreeMap::new(),
            extras: BTreeMap::new(),
            extras_if_more: BTreeMap::new(),
            extras_at_end: BTreeMap::new(),
            format: Format::default(),
            packing: Packing::default(),
            empty: None,
            page_size: None,
            most_rows: None,
            single_entity: false,
            status: ok(),
            headers: BTreeMap::new(),
            etag: false,
        }
    }
}

/// What stands in an array beside others.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum ColumnSpec {
    /// The values of one field.
    Field(String),
    /// An array of such arrays, one for each field.
    Fields(Vec<String>),
}

/// How a client learns where to go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PaginationStyle {
    /// One answer holds all rows; `page`, `per_page`, `limit` and `offset` still slice if they are declared.
    #[default]
    None,
    /// A `Link` header with `prev`, `next`, `last` and `first`, as GitHub sends it; where pages are found by a cursor,
    /// with `next` alone.
    LinkHeader,
    /// The client counts pages; what the body tells of them is in `extras`.
    PageNumber,
    /// The client counts rows; what the body tells of them is in `extras`.
    Offset,
    /// The client hands back a cursor or the identity of the last row.
    Cursor,
    /// The body has the address of the next page (`{next_url}` in `extras`).
    NextUrl,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A JSON document.
    #[default]
    Json,
    /// One JSON object a line.
    JsonLines,
    /// Comma-separated values with a header; objects and lists as JSON.
    Csv,
}

/// How a body is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Packing {
    /// Not at all.
    #[default]
    None,
    /// One gzip file.
    Gzip,
    /// A zip archive of several files.
    Zip,
    /// A zip archive of several gzip files.
    ZipOfGzip,
}

/// The status of a good answer.
pub(super) fn ok() -> u16 {
    200
}
