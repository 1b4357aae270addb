//! Where a response has the records, and what a record gets from around it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::path::JsonPath;

/// Where a response has the records. Short form: their path.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Records {
    /// The path of the records: `$.items`, `$.groups[*].items[?@.kind == 'user']`. An array stands for its elements, an
    /// object is one record.
    Path(JsonPath),
    /// Records that are not simply listed.
    Full(FullRecords),
}

/// Records that are not simply listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FullRecords {
    /// The path of the records; by default `$`, the whole page.
    #[serde(default)]
    pub path: JsonPath,
    /// The path leads to an object whose every value is a record: the column that takes its key.
    pub keyed_by: Option<String>,
    /// Arrays side by side, by the column that each is: `{date: $.data.dates, visits: $.data.series[0]}`. The first
    /// elements of all are the first record, and so on.
    #[serde(default)]
    pub columns: BTreeMap<String, JsonPath>,
}

impl Default for Records {
    fn default() -> Self {
        Self::Path(JsonPath::default())
    }
}

impl Records {
    /// The records in full.
    pub fn full(&self) -> FullRecords {
        match self {
            Self::Path(path) => FullRecords { path: path.clone(), ..FullRecords::default() },
            Self::Full(full) => full.clone(),
        }
    }
}

/// What a response is written in. Short form: its name. Bodies that are compressed with gzip, and zip archives of such
/// files, are unpacked, whatever the format.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Format {
    /// A format as it usually is.
    Named(NamedFormat),
    /// A format and its details.
    Detailed(DetailedFormat),
}

/// A format as it usually is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NamedFormat {
    /// One JSON value.
    #[default]
    Json,
    /// A JSON object in each line.
    JsonLines,
    /// Lines of values with commas between them; the first line has the names of the columns.
    Csv,
}

/// A format and its details.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DetailedFormat {
    /// Lines of values.
    Csv(Csv),
}

/// Lines of values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Csv {
    /// The character between values; a comma by default.
    pub delimiter: Option<char>,
    /// The names of the columns, where the first line does not have them.
    pub columns: Option<Vec<String>>,
    /// Lines before the one with the names.
    #[serde(default)]
    pub skip_lines: u32,
}
