//! `sources.yaml`: the places of a team's own sources, folders and Git repositories.

use std::fs;
use std::io::{ErrorKind as IoErrorKind, Write};
use std::path::{Path, PathBuf};

use lakeflow_interface::{Error, ErrorKind, Result, unknown_name};
use serde::{Deserialize, Serialize};

use super::Repository;

/// A place that has sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Place {
    /// A folder of this machine.
    Folder {
        /// Its path.
        folder: PathBuf,
    },
    /// A Git repository, of which there is a copy on this machine.
    Git(Repository),
}

impl Place {
    /// How users name it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Folder { folder } => folder.display().to_string(),
            Self::Git(repository) => repository.git.clone(),
        }
    }

    /// The folder that has the sources.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        match self {
            Self::Folder { folder } => Ok(folder.clone()),
            Self::Git(repository) => repository.folder(),
        }
    }
}

/// The places of a team's own sources.
#[derive(Debug)]
pub(crate) struct SourceList {
    path: PathBuf,
    places: Vec<Place>,
}

impl SourceList {
    /// The places of a file; none where there is no file.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == IoErrorKind::NotFound => String::new(),
            Err(error) => return Err(failure(path, "cannot be read").with_cause(error)),
        };
        let parsed: Result<Option<Vec<Place>>, _> = serde_saphyr::from_str(&text);
        let places = parsed.map_err(|error| {
            let place = error.location().map(|at| format!(" at {}:{}", at.line(), at.column())).unwrap_or_default();
            failure(path, &format!("is not understood{place}"))
                .with_hint("expected a list of `{folder: PATH}` and `{git: URL, revision: REVISION, copy: PATH}`")
        })?;
        Ok(Self { path: path.to_owned(), places: places.unwrap_or_default() })
    }

    /// All places, in the order in which they were added.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Place> {
        self.places.iter()
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a place.
    pub(crate) fn add(&mut self, place: Place) -> Result<()> {
        if self.places.iter().any(|known| known.name() == place.name()) {
            let message = format!("`{}` is among the places of sources already", place.name());
            return Err(Error::new(ErrorKind::Configuration, message)
                .with_hint("`source update` brings a repository up to date, `source remove` takes a place away"));
        }
        self.places.push(place);
        self.save()
    }

    /// Takes a place away.
    pub(crate) fn remove(&mut self, name: &str) -> Result<Place> {
        let wanted = fs::canonicalize(name).map_or_else(|_| name.to_owned(), |path| path.display().to_string());
        let position = self.places.iter().position(|place| place.name() == name || place.name() == wanted);
        let Some(position) = position else {
            let names: Vec<String> = self.places.iter().map(Place::name).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            return Err(unknown_name(ErrorKind::Configuration, "place of sources", name, names));
        };
        let place = self.places.remove(position);
        self.save()?;
        Ok(place)
    }

    /// Writes a new file and puts it in the place of the old one.
    fn save(&self) -> Result<()> {
        let text = serde_saphyr::to_string(&self.places)
            .map_err(|error| failure(&self.path, "cannot be written as YAML").with_cause(error.to_string()))?;
        replace(&self.path, &text).map_err(|error| failure(&self.path, "cannot be written").with_cause(error))
    }
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn failure(path: &Path, problem: &str) -> Error {
    Error::new(ErrorKind::Configuration, format!("the list of sources `{}` {problem}", path.display()))
}
