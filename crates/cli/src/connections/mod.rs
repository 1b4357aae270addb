//! Connections: named, configured ways into accounts of sources.

mod file;
mod stored_value;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lakeflow_interface::{Error, ErrorKind, Result, Secret, unknown_name};
use serde::{Deserialize, Serialize};

pub(crate) use stored_value::StoredValue;

/// One connection as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connection {
    /// The source that it leads to.
    pub(crate) source: String,
    /// Its parameters, references unresolved.
    #[serde(default)]
    pub(crate) options: BTreeMap<String, StoredValue>,
}

impl Connection {
    /// The parameters with every reference resolved; relative paths are relative to `folder`.
    pub(crate) async fn resolve(&self, folder: &Path) -> Result<BTreeMap<String, Secret>> {
        let mut resolved = BTreeMap::new();
        for (name, stored) in &self.options {
            let value = stored.resolve(folder).await.map_err(|error| error.with_context("option", name))?;
            resolved.insert(name.clone(), value);
        }
        Ok(resolved)
    }
}

/// All connections of a connections file.
#[derive(Debug)]
pub(crate) struct Connections {
    path: PathBuf,
    entries: BTreeMap<String, Connection>,
}

impl Connections {
    /// The connections of a file; none where there is no file.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        Ok(Self { path: path.to_owned(), entries: file::read(path)? })
    }

    /// Writes them back, readable by the user alone.
    pub(crate) fn save(&self) -> Result<()> {
        file::write(&self.path, &self.entries)
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder that relative paths in the file are relative to.
    pub(crate) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// The permission bits of the file where somebody besides the user has any.
    pub(crate) fn too_wide_mode(&self) -> Option<u32> {
        file::too_wide_mode(&self.path)
    }

    /// All of them by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Connection)> {
        self.entries.iter().map(|(name, connection)| (name.as_str(), connection))
    }

    /// Whether there is one of this name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// One by name.
    pub(crate) fn get(&self, name: &str) -> Result<&Connection> {
        self.entries.get(name).ok_or_else(|| self.unknown(name))
    }

    /// Adds or replaces one.
    pub(crate) fn insert(&mut self, name: &str, connection: Connection) -> Result<()> {
        check_name(name)?;
        self.entries.insert(name.to_owned(), connection);
        Ok(())
    }

    /// Takes one away.
    pub(crate) fn remove(&mut self, name: &str) -> Result<Connection> {
        self.entries.remove(name).ok_or_else(|| self.unknown(name))
    }

    /// The error for a name that is not here.
    pub(crate) fn unknown(&self, name: &str) -> Error {
        let error = if self.entries.is_empty() {
            Error::new(ErrorKind::Configuration, format!("unknown connection `{name}`; there are none yet"))
                .with_hint(format!("create it: `community-connector connection create SOURCE {name}`"))
        } else {
            unknown_name(ErrorKind::Configuration, "connection", name, self.entries.keys().map(String::as_str))
        };
        error.with_context("file", self.path.display().to_string())
    }
}

fn check_name(name: &str) -> Result<()> {
    let plain = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-' | '.');
    if !name.is_empty() && name.chars().all(plain) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Configuration, format!("`{name}` cannot be the name of a connection"))
        .with_hint("use letters, digits, `_`, `-` and `.`"))
}

#[cfg(test)]
mod tests;
