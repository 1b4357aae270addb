//! How a list continues on further pages.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::path::JsonPath;

/// Where a response has a value. Short form: its path in the body.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ValuePlace {
    /// The path in the body: `$.meta.next`.
    Body(JsonPath),
    /// A header.
    Header(HeaderPlace),
}

/// A header of a response.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderPlace {
    /// The header's name.
    pub header: String,
}

/// How a list continues on further pages. Short form: the style's name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Pagination {
    /// A style as it usually is.
    Style(Style),
    /// A style and its details.
    Detailed(Box<Detailed>),
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
    /// The next page's URL at `$['@odata.nextLink']`.
    Odata,
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

/// A page's number in the request; without `total_pages`, `total_records`, `more` or `end`, the first page that is not
/// full is the last.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageNumber {
    /// The query parameter; `page` by default, unless there is `body`.
    pub param: Option<String>,
    /// The field of the body instead: `paging.page`.
    pub body: Option<String>,
    /// The number of the first page; 1 by default.
    pub first: Option<u64>,
    /// Where the response has the number of pages.
    pub total_pages: Option<ValuePlace>,
    /// Where the response has the number of records.
    pub total_records: Option<ValuePlace>,
    /// Where the response has the number of records that fit in a page: a source may grant fewer than were asked for.
    pub granted_size: Option<ValuePlace>,
    /// True where there are more pages: `$.has_more`.
    pub more: Option<ValuePlace>,
    /// True where there are none.
    pub end: Option<ValuePlace>,
    /// Further parameters that the next request takes from a response: `{session_id: $.session_id}`.
    #[serde(default)]
    pub carry: BTreeMap<String, ValuePlace>,
}

/// The number of records to leave out, in the request; without `total_records`, `more` or `end`, the first page that is
/// not full is the last.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordOffset {
    /// The query parameter: `offset`.
    pub param: Option<String>,
    /// The field of the body instead: `paging.offset`.
    pub body: Option<String>,
    /// The number of the first record; 0 by default.
    pub first: Option<u64>,
    /// Where the response has the number of records.
    pub total_records: Option<ValuePlace>,
    /// Where the response has the number of records that fit in a page: a source may grant fewer than were asked for.
    pub granted_size: Option<ValuePlace>,
    /// True where there are more pages: `$.has_more`.
    pub more: Option<ValuePlace>,
    /// True where there are none.
    pub end: Option<ValuePlace>,
}

/// A token in the response that asks for the next page; the list ends where there is none.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// The query parameter that takes the token.
    pub param: Option<String>,
    /// The field of the body that takes it: `paging.after`.
    pub body: Option<String>,
    /// The header that takes it.
    pub header: Option<String>,
    /// Where the response has it: `$.meta.next_cursor`, `{header: x-next}`.
    pub next: ValuePlace,
    /// True where there are more pages: `$.has_more`.
    pub more: Option<ValuePlace>,
    /// True where there are none.
    pub end: Option<ValuePlace>,
}

/// The next page's URL in the response; the list ends where there is none.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NextUrl {
    /// Where the response has it: `$.links.next`.
    pub next: ValuePlace,
    /// True where there are more pages: `$.has_more`.
    pub more: Option<ValuePlace>,
    /// True where there are none.
    pub end: Option<ValuePlace>,
}

/// The last record's id in the request.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LastRecord {
    /// The query parameter: `starting_after`.
    pub param: Option<String>,
    /// The field of the body instead.
    pub body: Option<String>,
    /// The record's field: `id`.
    pub field: String,
    /// Where the response tells whether there are more: `$.has_more`; without it, a page that is not full is the last.
    pub more: Option<ValuePlace>,
    /// True where there are none.
    pub end: Option<ValuePlace>,
}
