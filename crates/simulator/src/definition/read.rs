//! Reading a definition's files, with messages that say where a mistake is.

use std::path::Path;
use std::sync::Arc;

use lakeflow_interface::{Error, ErrorKind, Result, nearest};
use serde::de::DeserializeOwned;

use super::{CorpusFile, EndpointsFile, Schemas, mistake, schema};
use crate::api::Api;
use crate::table::Tables;

const ENDPOINTS: &str = "endpoints.yaml";

/// The simulator of one source: its endpoints and its corpora, compiled and checked.
#[derive(Clone, Debug)]
pub struct SimulatorDefinition {
    pub(crate) tables: Arc<Tables>,
    pub(crate) api: Arc<Api>,
}

impl SimulatorDefinition {
    /// Compiles a definition from its files: `endpoints.yaml` and `corpus/TABLE.json`, each with its path and text.
    pub fn parse<P: AsRef<str>, T: AsRef<str>>(files: impl IntoIterator<Item = (P, T)>) -> Result<Self> {
        Self::parse_with_schemas(files, &Schemas::new())
    }

    /// The same, where a corpus may take its records from the schemas of the source's tables.
    pub fn parse_with_schemas<P: AsRef<str>, T: AsRef<str>>(
        files: impl IntoIterator<Item = (P, T)>,
        schemas: &Schemas,
    ) -> Result<Self> {
        let mut endpoints = None;
        let mut corpora = Vec::new();
        for (path, text) in files {
            let (path, text) = (path.as_ref(), text.as_ref());
            let within = path.strip_prefix("simulator/").unwrap_or(path);
            match within.strip_prefix("corpus/").and_then(|name| name.strip_suffix(".json")) {
                Some(name) => {
                    let corpus = schema::expand(name, path, read_corpus(path, text)?, schemas)?;
                    corpora.push((name.to_owned(), path.to_owned(), corpus));
                }
                None if within == ENDPOINTS => endpoints = Some((path.to_owned(), read_endpoints(path, text)?)),
                None => {
                    return Err(mistake(
                        path,
                        "",
                        "expected `endpoints.yaml` or `corpus/TABLE.json`, found another file",
                    ));
                }
            }
        }
        let Some((path, endpoints)) = endpoints else {
            return Err(mistake(ENDPOINTS, "", "the simulator has no `endpoints.yaml`"));
        };
        corpora.sort_by(|(left, _, _), (right, _, _)| left.cmp(right));
        let tables = Tables::compile(&corpora, &endpoints.constants)?;
        let api = Api::compile(&path, endpoints, &tables)?;
        Ok(Self { tables: Arc::new(tables), api: Arc::new(api) })
    }

    /// Reads a definition from a folder.
    pub fn load(folder: &Path) -> Result<Self> {
        Self::load_with_schemas(folder, &Schemas::new())
    }

    /// The same, where a corpus may take its records from the schemas of the source's tables.
    pub fn load_with_schemas(folder: &Path, schemas: &Schemas) -> Result<Self> {
        let mut files = Vec::new();
        for below in ["", "corpus"] {
            for path in list(&folder.join(below))? {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let relative = if below.is_empty() { name } else { format!("{below}/{name}") };
                if path.is_file() && (relative == ENDPOINTS || relative.ends_with(".json")) {
                    files.push((relative, std::fs::read_to_string(&path).map_err(|cause| unreadable(&path, cause))?));
                }
            }
        }
        Self::parse_with_schemas(files, schemas)
    }

    /// The names of the tables that have a corpus.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(|table| table.name.as_str())
    }

    /// The constants of `endpoints.yaml` by name.
    pub fn constants(&self) -> impl Iterator<Item = (&str, &str)> {
        self.api.constants.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The corpus whose count decides how many rows a table has: its own, or that of its outermost parent.
    pub fn counted(&self, table: &str) -> Option<&str> {
        let parent = |number: &usize| self.tables.get(*number).parent.map(|link| link.table);
        let outermost = std::iter::successors(Some(self.tables.find(table)?), parent).last()?;
        Some(self.tables.get(outermost).name.as_str())
    }
}

fn list(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|cause| unreadable(folder, cause))?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(|cause| unreadable(folder, cause))).collect()
}

fn unreadable(path: &Path, cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Definition, "the simulator's files cannot be read")
        .with_context("file", path.display().to_string())
        .with_cause(cause)
}

fn read_corpus(path: &str, text: &str) -> Result<CorpusFile> {
    if text.trim().is_empty() {
        return Err(mistake(path, "", "expected a corpus, found an empty file")
            .with_hint("the shortest one says how many rows there are: `{\"count\": 60}`"));
    }
    serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        explained(path, message, error.line() as u64, error.column() as u64)
    })
}

fn read_endpoints(path: &str, text: &str) -> Result<EndpointsFile> {
    read_yaml(path, text)
}

fn read_yaml<T: DeserializeOwned>(path: &str, text: &str) -> Result<T> {
    serde_saphyr::from_str(text).map_err(|error| {
        let bare = error.without_snippet();
        let message = bare.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        let (line, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
        explained(path, message, line, column)
    })
}

/// A message of the parser, with its place, and the nearest name where it found one that it does not know.
fn explained(path: &str, message: &str, line: u64, column: u64) -> Error {
    let error = mistake(path, "", message).with_context("place", format!("{line}:{column}"));
    let name = message.split('`').nth(1).filter(|_| message.starts_with("unknown "));
    let valid = message.split_once("expected one of ").map_or("", |(_, valid)| valid);
    let valid = valid.split(", ").map(|valid| valid.trim_matches('`'));
    match name.and_then(|name| nearest(name, valid)) {
        Some(near) => error.with_hint(format!("did you mean `{near}`?")),
        None => error,
    }
}
