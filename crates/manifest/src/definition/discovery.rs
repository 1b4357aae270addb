//! Tables and columns that the source itself tells of.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ErrorRules, Pagination, Request};
use crate::path::{Condition, FieldPath, JsonPath};

/// Tables and columns that the source itself tells of.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Discovery {
    /// The request that lists the tables: this description then stands for each of them, and its own name is none.
    pub tables: Option<DiscoveredTables>,
    /// The request that lists the columns of a table, besides those in `schema`.
    pub columns: Option<DiscoveredColumns>,
}

/// The tables that a source tells of.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscoveredTables {
    /// The request that lists them.
    pub request: Request,
    /// Where a page has them; by default `$`, the whole page.
    #[serde(default)]
    pub records: JsonPath,
    /// How the list is paged, if not as `http.pagination` says.
    pub pagination: Option<Pagination>,
    /// A table's name: `$.name`. It becomes lower case, with `_` for all but letters and digits.
    pub name: FieldPath,
    /// Names for what is told of a table: `{type: $.objectTypeId}`; templates read them as `{{ table.type }}`.
    #[serde(default)]
    #[schemars(extend("propertyNames" = { "format": "name" }))]
    pub r#as: BTreeMap<String, FieldPath>,
    /// Only those of which this holds.
    pub r#where: Option<Condition>,
    /// What certain answers mean; a list that is skipped has no tables.
    #[serde(default)]
    pub errors: ErrorRules,
}

/// The columns that a source tells of; requests read their names as the list `{{ discovered.columns }}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscoveredColumns {
    /// The request that lists them.
    pub request: Request,
    /// Where a page has them; by default `$`, the whole page.
    #[serde(default)]
    pub records: JsonPath,
    /// How the list is paged, if not as `http.pagination` says.
    pub pagination: Option<Pagination>,
    /// A column's name: `$.name`.
    pub name: FieldPath,
    /// What the source calls its type: `$.type`.
    pub r#type: FieldPath,
    /// Our types by the source's: `{number: DOUBLE, datetime: TIMESTAMP}`.
    pub types: BTreeMap<String, String>,
    /// The type of what `types` does not have; STRING by default.
    pub otherwise: Option<String>,
    /// A comment on the column: `$.label`.
    pub comment: Option<FieldPath>,
    /// The STRUCT column that has them as fields; by default they are columns themselves.
    pub into: Option<String>,
    /// Only those of which this holds.
    pub r#where: Option<Condition>,
}
