//! What a user can choose for a table.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Scalar;

/// Table options by name.
pub type OptionGroup = BTreeMap<String, OptionDeclaration>;

/// The name of a group of options, or options of this table only.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OptionsEntry {
    /// The name of a group in `options`.
    Group(String),
    /// Options of this table only.
    #[schemars(extend("propertyNames" = { "format": "name" }))]
    Own(OptionGroup),
}

/// An option that a user can set for a table; templates read it as `{{ options.NAME }}`.
///
/// The options `start_date`, `lookback_seconds`, `window_seconds`, `per_page` and `max_records_per_batch` are not
/// declared: tables have them where they apply.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionDeclaration {
    /// The type of its value; `string` by default.
    #[serde(default)]
    pub r#type: ValueType,
    /// Whether it must be given.
    #[serde(default)]
    pub required: bool,
    /// Its value where it is not given; without one, its value is empty.
    pub default: Option<Scalar>,
    /// The values that it may have.
    #[serde(default)]
    pub r#enum: Vec<Scalar>,
    /// The least number that it may be.
    pub min: Option<i64>,
    /// The greatest number that it may be.
    pub max: Option<i64>,
    /// What it does, in a sentence.
    pub description: Option<String>,
}

/// The type of a parameter's or option's value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValueType {
    /// Any text.
    #[default]
    String,
    /// A whole number.
    Integer,
    /// `true` or `false`
    Boolean,
    /// `2026-01-31` or `2026-01-31T12:00:00Z`
    Timestamp,
    /// A URL with the scheme `http` or `https`.
    Url,
}

impl ValueType {
    /// The type's word in the language.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Timestamp => "timestamp",
            Self::Url => "url",
        }
    }
}
