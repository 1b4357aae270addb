//! The sources that the program knows: those that are built in, those of configured folders, those of `--source`.

mod list;
mod python;
mod repository;
mod source;
mod subject;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lakeflow_interface::{Error, ErrorKind, Result, nearest, unknown_name};

pub(crate) use list::{Place, SourceList};
pub(crate) use python::{PythonSources, USUAL_PYTHON, python_subject};
pub(crate) use repository::Repository;
pub(crate) use source::{MANIFEST, Source, check_name};
pub(crate) use subject::{live_subject, simulated_subject};

/// The sources that the program knows, by name.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    sources: BTreeMap<String, Source>,
}

impl Catalog {
    /// The sources that are built in; those of configured places instead of built-in ones with their names; those of the
    /// command line instead of all others with theirs.
    pub(crate) fn open(places: &SourceList, folders: &[PathBuf]) -> Result<Self> {
        let mut catalog = Self::default();
        for source in lakeflow_sources::all() {
            catalog.sources.insert(source.name().to_owned(), Source::built_in(source));
        }
        let mut configured: BTreeMap<String, Source> = BTreeMap::new();
        for place in places.iter() {
            for source in sources_below(&place.folder()?).map_err(|error| error.with_context("place", place.name()))? {
                if let Some(other) = configured.get(source.name()) {
                    return Err(ambiguous(other, &source));
                }
                configured.insert(source.name().to_owned(), source);
            }
        }
        catalog.sources.extend(configured);
        for folder in folders {
            let source = Source::folder(folder)?;
            catalog.sources.insert(source.name().to_owned(), source);
        }
        Ok(catalog)
    }

    /// All of them, sorted by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Source> {
        self.sources.values()
    }

    /// One by name; the error names the nearest, or says how a folder becomes known.
    pub(crate) fn find(&self, name: &str) -> Result<&Source> {
        self.sources.get(name).ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> Error {
        let names = || self.sources.keys().map(String::as_str);
        let error = unknown_name(ErrorKind::Configuration, "source", name, names().collect::<Vec<_>>());
        if nearest(name, names()).is_some() {
            return error;
        }
        let valid = error.hint().unwrap_or_default().to_owned();
        error.with_hint(format!(
            "{valid}; a folder of your own is made known by `--source FOLDER`, or once by `community-connector source add FOLDER`"
        ))
    }

    /// One by name, or the one in a folder.
    pub(crate) fn find_or_folder(&self, name_or_folder: &str) -> Result<Source> {
        match self.find(name_or_folder) {
            Ok(source) => Ok(source.clone()),
            Err(error) => match Path::new(name_or_folder) {
                folder if folder.is_dir() || name_or_folder.contains(['/', '\\']) => Source::folder(folder),
                _ => Err(error),
            },
        }
    }
}

/// The source in a folder, or those in the folders directly below it, or below its folder `sources`.
pub(crate) fn sources_below(folder: &Path) -> Result<Vec<Source>> {
    if folder.join(MANIFEST).is_file() {
        return Ok(vec![Source::folder(folder)?]);
    }
    for parent in [folder.to_owned(), folder.join("sources")] {
        if !parent.is_dir() {
            continue;
        }
        let mut sources = Vec::new();
        for entry in std::fs::read_dir(&parent).map_err(|error| unreadable(&parent, error))? {
            let path = entry.map_err(|error| unreadable(&parent, error))?.path();
            if path.join(MANIFEST).is_file() {
                sources.push(Source::folder(&path)?);
            }
        }
        if !sources.is_empty() {
            sources.sort_by(|one, other| one.name().cmp(other.name()));
            return Ok(sources);
        }
    }
    Err(Error::new(ErrorKind::Configuration, format!("there is no source in `{}`", folder.display())).with_hint(
        format!("expected `{MANIFEST}` in it, in a folder directly below it, or in one below its folder `sources`"),
    ))
}

fn unreadable(folder: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Configuration, format!("the folder `{}` cannot be read", folder.display())).with_cause(error)
}

fn ambiguous(one: &Source, other: &Source) -> Error {
    let message = format!("two configured places have a source `{}`", one.name());
    let hint = format!("they are `{}` and `{}`: take one away with `source remove`", one.origin(), other.origin());
    Error::new(ErrorKind::Configuration, message).with_hint(hint)
}
