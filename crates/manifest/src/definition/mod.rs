//! The types of `connector.yaml`: one field per word of the language.
//!
//! The doc comments here are the language's reference: the JSON Schema, and so editors and load errors, show them.

mod auth;
mod changes;
mod connection;
mod discovery;
mod errors;
mod http;
mod incremental;
mod job;
mod offset;
mod options;
mod pagination;
mod records;
mod request;
mod scalar;
mod table;
mod write_back;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

pub use auth::{
    Algorithm, ApiKey, ApiKeyPlace, Auth, AuthMethod, ClientAuthentication, Grant, Jwt, NoAuth, OAuth2, Scheme, Session,
};
pub use changes::{Changes, Deletes, Feed, FeedOrder};
pub use connection::{Connection, OAuthFlow, OAuthFlows, Parameter};
pub use discovery::{DiscoveredColumns, DiscoveredTables, Discovery};
pub use errors::{BodyCase, ErrorRule, ErrorRules, OnStatus, StatusAction};
pub use http::{FormattedReset, Http, PageSize, RateLimit, Reset, ResetFormat, Retries};
pub use incremental::{Bound, Ceiling, CursorFormat, FullBound, Incremental, Oldest};
pub use job::Job;
pub use offset::{FirstToken, Token, TokenPlace};
pub use options::{OptionDeclaration, OptionGroup, OptionsEntry, ValueType};
pub use pagination::{
    Cursor, Detailed, HeaderPlace, LastRecord, LinkHeader, NextUrl, PageNumber, Pagination, RecordOffset, Style,
    ValuePlace,
};
pub use records::{Csv, DetailedFormat, Format, FullRecords, NamedFormat, Records};
pub use request::{FullRequest, Method, Param, Request};
pub use scalar::{Scalar, Span, Template};
pub use table::{Parent, Table};
pub use write_back::WriteBack;

/// The definition of a connector: how to reach a source, and the tables that it has.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The source's name as people write it: `GitHub`.
    pub display_name: String,
    /// What the source is, in a sentence.
    pub description: Option<String>,
    /// What a user must give to connect, how requests are authenticated, and how to check that it works.
    pub connection: Connection,
    /// How to talk to the source; tables may override `pagination` and `page_size`.
    pub http: Http,
    /// Named types in Spark DDL that schemas (and one another) use by name: `user: "STRUCT<login: STRING, id: BIGINT>"`,
    /// then `assignees ARRAY<user>`. A name is lower case, so that it cannot be taken for a type of Spark.
    #[serde(default)]
    #[schemars(extend("propertyNames" = { "format": "type-name" }))]
    pub types: BTreeMap<String, String>,
    /// Groups of table options that tables take over by name.
    #[serde(default)]
    #[schemars(extend("propertyNames" = { "format": "name" }))]
    pub options: BTreeMap<String, OptionGroup>,
    /// Feeds that tell what has changed in several tables, by name.
    #[serde(default)]
    #[schemars(extend("propertyNames" = { "format": "name" }))]
    pub feeds: BTreeMap<String, Feed>,
    /// The tables by name.
    #[schemars(extend("propertyNames" = { "format": "name" }))]
    pub tables: BTreeMap<String, Table>,
}
