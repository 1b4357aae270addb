//! The name of a destination table, and its place in a lakehouse.

use std::fmt;
use std::str::FromStr;

use lakeflow_interface::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// The schema of a destination that names none.
const DEFAULT_SCHEMA: &str = "default";

/// ASCII characters that a file system, a URL or a shell could take for something else; `~` is how they are escaped.
const RESERVED: &[char] =
    &[' ', '"', '#', '%', '*', '/', ':', '<', '>', '?', '[', '\\', ']', '^', '`', '{', '|', '}', '~'];

/// A destination table: `[catalog.]schema.table`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Destination {
    catalog: Option<String>,
    schema: String,
    table: String,
}

impl Destination {
    /// A destination from its parts; `default` is the schema where none is given.
    ///
    /// An empty part is a [`ErrorKind::Configuration`] error.
    pub fn new(catalog: Option<&str>, schema: Option<&str>, table: &str) -> Result<Self> {
        let destination = Self {
            catalog: catalog.map(str::to_owned),
            schema: schema.unwrap_or(DEFAULT_SCHEMA).to_owned(),
            table: table.to_owned(),
        };
        if destination.parts().any(str::is_empty) {
            let message = format!("`{destination}` is not a destination: a part of its name is empty");
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        Ok(destination)
    }

    /// The catalog, if one is named.
    pub fn catalog(&self) -> Option<&str> {
        self.catalog.as_deref()
    }

    /// The schema.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The table's own name.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The folder below the lakehouse, `[catalog/]schema/table`, each part one segment.
    pub(crate) fn folder(&self) -> String {
        self.parts().map(segment).collect::<Vec<_>>().join("/")
    }

    fn parts(&self) -> impl Iterator<Item = &str> {
        self.catalog.as_deref().into_iter().chain([self.schema.as_str(), self.table.as_str()])
    }
}

/// One folder name: `~` and two hexadecimal digits stand for a reserved character.
///
/// A leading dot or underscore is escaped too, because Delta readers take such folders for hidden ones. Percent-encoding
/// will not do: the kernel decodes the paths that it lists.
fn segment(part: &str) -> String {
    let mut segment = String::with_capacity(part.len());
    for (place, character) in part.chars().enumerate() {
        let is_hiding = place == 0 && matches!(character, '.' | '_');
        if is_hiding || character.is_ascii_control() || RESERVED.contains(&character) {
            segment.push_str(&format!("~{:02X}", u32::from(character)));
        } else {
            segment.push(character);
        }
    }
    segment
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts().collect::<Vec<_>>().join("."))
    }
}

impl FromStr for Destination {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split('.').collect::<Vec<_>>()[..] {
            [table] => Self::new(None, None, table),
            [schema, table] => Self::new(None, Some(schema), table),
            [catalog, schema, table] => Self::new(Some(catalog), Some(schema), table),
            _ => Err(Error::new(ErrorKind::Configuration, format!("`{text}` is not a destination"))
                .with_hint("write `table`, `schema.table` or `catalog.schema.table`")),
        }
    }
}

impl TryFrom<String> for Destination {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Destination> for String {
    fn from(destination: Destination) -> Self {
        destination.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destination_reads_one_to_three_parts() {
        for (text, folder) in [("t", "default/t"), ("s.t", "s/t"), ("c.s.t", "c/s/t")] {
            assert_eq!(text.parse::<Destination>().unwrap().folder(), folder);
        }
        for text in ["", "a..b", "a.b.c.d", ".t"] {
            assert_eq!(text.parse::<Destination>().unwrap_err().kind(), ErrorKind::Configuration, "{text}");
        }
    }

    #[test]
    fn destination_folder_cannot_leave_the_lakehouse() {
        let folder = |table: &str| Destination::new(None, None, table).unwrap().folder();
        assert_eq!(folder("../x"), "default/~2E.~2Fx");
        assert_eq!(folder(".."), "default/~2E.");
        assert_eq!(folder("_delta_log"), "default/~5Fdelta_log");
        assert_eq!(folder("a b%"), "default/a~20b~25");
        assert_eq!(folder("Größe"), "default/Größe");
    }
}
