//! The pipeline spec: what the user writes, a connection name and the tables to ingest.

mod configuration;
mod document;
mod parser;
mod problem;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use lakeflow_interface::records::BadValues;
use lakeflow_interface::{ColumnPath, Result, TableOptions};
use serde::Serialize;

use crate::delta::Destination;

pub(crate) use configuration::RESERVED_KEYS;
pub use problem::{Place, Problem, Problems};

/// A pipeline spec, checked as far as it can be without asking the source.
#[derive(Clone, Debug)]
pub struct PipelineSpec {
    /// The connection to read from.
    pub connection_name: String,
    /// The tables to ingest, in the order of the spec.
    pub tables: Vec<TableSpec>,
    origin: String,
}

/// One table to ingest.
#[derive(Clone, Debug)]
pub struct TableSpec {
    /// The table's name in the source.
    pub source_table: String,
    /// The table to write to: schema `default` and the source table's name where the spec names none.
    pub destination: Destination,
    /// How history is kept, where the spec says so.
    pub scd_type: Option<ScdType>,
    /// The columns that identify a row, where the spec overrides the connector's.
    pub primary_keys: Option<Vec<ColumnPath>>,
    /// The columns that order changes, where the spec overrides the connector's.
    pub sequence_by: Option<Vec<ColumnPath>>,
    /// The columns that the destination is clustered by.
    pub cluster_by: Vec<ColumnPath>,
    /// What becomes of values that do not fit their column.
    pub bad_values: BadValues,
    /// How long a delete keeps late updates from reviving its row.
    pub tombstone_retention: Duration,
    /// Everything else in `table_configuration`: options of the source.
    pub options: TableOptions,
    places: Places,
}

/// How history is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ScdType {
    /// The latest version of each row.
    #[serde(rename = "SCD_TYPE_1")]
    ScdType1,
    /// All versions of each row.
    #[serde(rename = "SCD_TYPE_2")]
    ScdType2,
    /// Every change as a row of its own.
    AppendOnly,
}

impl ScdType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ScdType1, Self::ScdType2, Self::AppendOnly];

    /// The name in specs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ScdType1 => "SCD_TYPE_1",
            Self::ScdType2 => "SCD_TYPE_2",
            Self::AppendOnly => "APPEND_ONLY",
        }
    }
}

impl fmt::Display for ScdType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PipelineSpec {
    /// Reads a spec in YAML or JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](lakeflow_interface::ErrorKind::Configuration) with all [`Problems`] at once as its
    /// cause.
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        parser::parse(text, origin)
    }

    /// The file or other origin of the spec.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl TableSpec {
    /// A problem at one of this table's keys: `source_table`, or `table_configuration.scd_type`.
    pub(crate) fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        Problem::new(self.places.of(key), self.places.path(key), message)
    }

    /// A problem at one of this table's keys that another part of the system found.
    pub(crate) fn problem_from(&self, key: &str, error: &lakeflow_interface::Error) -> Problem {
        Problem::from_error(self.places.of(key), self.places.path(key), error)
    }
}

/// Where the keys of one table stand in the document.
#[derive(Clone, Debug)]
struct Places {
    path: String,
    table: Place,
    keys: BTreeMap<String, Place>,
}

impl Places {
    fn path(&self, key: &str) -> String {
        if self.keys.contains_key(key) { format!("{}.{key}", self.path) } else { self.path.clone() }
    }

    fn of(&self, key: &str) -> Place {
        self.keys.get(key).copied().unwrap_or(self.table)
    }
}
