//! What a table is: its keys, its cursor, how it is ingested, its options.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

/// How a table's rows change, and so how it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IngestionType {
    /// Every read gives the whole table; a row that is missing was deleted.
    Snapshot,
    /// Inserted and updated rows; deletes are not seen.
    Cdc,
    /// Inserted, updated and deleted rows.
    CdcWithDeletes,
    /// Rows are only ever added.
    Append,
}

impl IngestionType {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Snapshot, Self::Cdc, Self::CdcWithDeletes, Self::Append];

    /// The name in manifests, metadata and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Cdc => "cdc",
            Self::CdcWithDeletes => "cdc_with_deletes",
            Self::Append => "append",
        }
    }
}

impl fmt::Display for IngestionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The place of a column, possibly nested: `commit.committer.date`.
///
/// As text, parts are joined by `.`; a part that itself contains a dot is written in back-quotes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ColumnPath(Vec<String>);

impl ColumnPath {
    /// The names from the outermost column inwards; never empty.
    pub fn parts(&self) -> &[String] {
        &self.0
    }
}

impl FromStr for ColumnPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = || {
            Error::new(ErrorKind::Configuration, format!("`{text}` is not a column path"))
                .with_hint("write `column`, `outer.inner`, or a name with a dot in back-quotes")
        };
        let mut parts = Vec::new();
        let mut rest = text;
        loop {
            let (part, after) = match rest.strip_prefix('`') {
                Some(quoted) => quoted.split_once('`').ok_or_else(invalid)?,
                None => rest.split_at(rest.find('.').unwrap_or(rest.len())),
            };
            if part.is_empty() {
                return Err(invalid());
            }
            parts.push(part.to_owned());
            match after.strip_prefix('.') {
                Some(next) => rest = next,
                None if after.is_empty() => return Ok(Self(parts)),
                None => return Err(invalid()),
            }
        }
    }
}

impl TryFrom<String> for ColumnPath {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<ColumnPath> for String {
    fn from(path: ColumnPath) -> Self {
        path.to_string()
    }
}

impl fmt::Display for ColumnPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, part) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(".")?;
            }
            if part.contains('.') { write!(f, "`{part}`")? } else { f.write_str(part)? }
        }
        Ok(())
    }
}

/// The order in which a source gives its records, by their cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CursorOrder {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
    /// No order is promised.
    #[default]
    None,
}

/// What a table's rows are identified and ordered by, and how it is ingested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableMetadata {
    /// The columns that identify a row.
    pub primary_keys: Vec<ColumnPath>,
    /// The column by which changes are ordered.
    pub cursor_field: Option<ColumnPath>,
    /// How the table's rows change.
    pub ingestion_type: IngestionType,
    /// The order in which the source gives its records.
    #[serde(default)]
    pub order: CursorOrder,
}

/// The options of one table, as the user wrote them: names keep their case, values are text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TableOptions(BTreeMap<String, String>);

impl TableOptions {
    /// One option by its exact name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All options by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for TableOptions {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(options: I) -> Self {
        Self(options.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn column_path_round_trips_through_text() {
        for text in ["id", "commit.committer.date", "`a.b`.c"] {
            assert_eq!(text.parse::<ColumnPath>().unwrap().to_string(), text);
        }
        for text in ["", ".a", "a.", "`a", "`a`b"] {
            assert!(text.parse::<ColumnPath>().is_err(), "{text}");
        }
    }
}
