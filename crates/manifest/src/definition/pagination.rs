//! How a list continues on further pages.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::path::JsonPath;

/// How a list continues on further pages. Short form: the style's name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Pagination {
    /// A style as it usually is.
    Style(Style),
    /// A style and its details.
    Detailed(Detailed),
}

/// A style of paging as it usually is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// There is one page.
    None,
    /// The response header `Link` with `rel="next"`.
    LinkHeader,
    /// The query parameter `page`, from 1.
    PageNumber,
}

/// A style of paging and its details.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Detailed {
    /// The response header `Link`.
    LinkHeader(LinkHeader),
    /// A page's number in a query parameter.
    PageNumber(PageNumber),
    /// The number of records to leave out in a query parameter.
    Offset(RecordOffset),
    /// A token in the response that asks for the next page.
    Cursor(Cursor),
    /// The next page's URL in the response.
    NextUrl(NextUrl),
    /// The last record's id in a query parameter.
    LastRecord(LastRecord),
}

/// The response header `Link`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkHeader {
    /// The relation of the next page; `next` by default.
    #[serde(default = "LinkHeader::default_rel")]
    pub rel: String,
}

impl LinkHeader {
    fn default_rel() -> String {
        "next".to_owned()
    }
}

/// A page's number in a query parameter; the first empty page, or one that is not full, is the last.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageNumber {
    /// The query parameter; `page` by default.
    #[serde(default = "PageNumber::default_param")]
    pub param: String,
    /// The number of the first page; 1 by default.
    #[serde(default = "PageNumber::default_first")]
    pub first: u64,
}

impl PageNumber {
    fn default_param() -> String {
        "page".to_owned()
    }

    fn default_first() -> u64 {
        1
    }
}

/// The number of records to leave out in a query parameter; the first empty page, or one that is not full, is the last.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordOffset {
    /// The query parameter: `offset`.
    pub param: String,
}

/// A token in the response that asks for the next page; the list ends where there is none.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The query parameter that takes the token.
    pub param: String,
    /// Where the response has it: `$.meta.next_cursor`.
    pub next: JsonPath,
}

/// The next page's URL in the response; the list ends where there is none.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NextUrl {
    /// Where the response has it: `$.links.next`.
    pub next: JsonPath,
}

/// The last record's id in a query parameter.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LastRecord {
    /// The query parameter: `starting_after`.
    pub param: String,
    /// The record's field: `id`.
    pub field: String,
    /// Where the response tells whether there are more: `$.has_more`; without it, an empty page is the last.
    pub more: Option<JsonPath>,
}
