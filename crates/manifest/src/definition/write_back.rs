//! How tests write to the source.

use std::collections::BTreeMap;

use lakeflow_interface::ColumnPath;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Request, Template};
use crate::path::JsonPath;

/// How tests insert, update and delete a row in the source, to see whether a read finds it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteBack {
    /// What is written, by name; requests read it as `{{ values.NAME }}`. `{{ test.id }}` is new for every row and every
    /// update.
    #[schemars(extend("propertyNames" = { "format": "name" }))]
    pub values: BTreeMap<String, Template>,
    /// Where what is written comes back, if not in the column of the same name: `{name: properties.name}`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, super::table::ColumnText>", extend("propertyNames" = { "format": "name" }))]
    pub columns: BTreeMap<String, ColumnPath>,
    /// The request that inserts a row.
    pub insert: Request,
    /// Where its answer has the row, with at least the primary keys; `$` by default.
    #[serde(default)]
    pub row: JsonPath,
    /// The request that updates the row; `{{ row.id }}` is its primary key.
    pub update: Option<Request>,
    /// The request that deletes the row.
    pub delete: Option<Request>,
}
