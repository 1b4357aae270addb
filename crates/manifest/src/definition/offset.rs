//! A token of the source that says where to go on.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Template, ValuePlace};

/// A token of the source that says where to go on, kept from one read to the next and handed back as it is.
///
/// The list ends where the source says so, gives no token, or gives the same one again.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// What the very first request carries instead of a token.
    pub first: Option<FirstToken>,
    /// Where a response has the token, and where the next request takes it.
    pub next: TokenPlace,
    /// Where the last response of a list has the token for the next read, if elsewhere: `{url: "$['@odata.deltaLink']"}`.
    pub resume: Option<TokenPlace>,
    /// True where the list has ended: `$.end_of_stream`.
    pub end: Option<ValuePlace>,
    /// True where the list goes on: `$.has_more`.
    pub more: Option<ValuePlace>,
    /// Whether the records at the token come again with it; they are handed on once.
    #[serde(default)]
    pub inclusive: bool,
    /// The status by which the source says that a token is too old: the list is read from the beginning.
    #[schemars(range(min = 400, max = 499))]
    pub expired: Option<u16>,
}

/// What the very first request carries.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstToken {
    /// The query parameter: `start_time`.
    pub param: Option<String>,
    /// The field of the body.
    pub body: Option<String>,
    /// Its value: `"{{ options.start_date | epoch_seconds or 0 }}"`.
    pub value: Template,
}

/// Where a response has a token, and where the next request takes it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenPlace {
    /// Where the response has the token.
    pub from: Option<ValuePlace>,
    /// The query parameter that takes it.
    pub param: Option<String>,
    /// The field of the body that takes it: `paging.after`.
    pub body: Option<String>,
    /// The header that takes it.
    pub header: Option<String>,
    /// Where the response has the whole URL of the next request, instead of all the others.
    pub url: Option<ValuePlace>,
}
