//! `Source`: the files of one source, built in or in a folder.

use std::borrow::Cow;
use std::fs;
use std::io::ErrorKind as IoErrorKind;
use std::path::{Path, PathBuf};

use lakeflow_conformance::Instructions;
use lakeflow_interface::{Error, ErrorKind, Result};
use lakeflow_manifest::Definition;
use lakeflow_simulator::SimulatorDefinition;

/// The file that makes a folder a source.
pub(crate) const MANIFEST: &str = "connector.yaml";

/// The largest file that is read.
const LARGEST: u64 = 16 << 20;

/// One source: its name and its files.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    name: String,
    files: Files,
}

#[derive(Clone, Debug)]
enum Files {
    BuiltIn(&'static lakeflow_sources::Source),
    Folder(PathBuf),
}

impl Source {
    /// A source that is built in.
    pub(crate) fn built_in(source: &'static lakeflow_sources::Source) -> Self {
        Self { name: source.name().to_owned(), files: Files::BuiltIn(source) }
    }

    /// The source in a folder; its name is the folder's.
    pub(crate) fn folder(folder: &Path) -> Result<Self> {
        let missing = |cause: std::io::Error| {
            Error::new(ErrorKind::Configuration, format!("there is no source in `{}`", folder.display()))
                .with_hint(format!("expected a folder with a `{MANIFEST}`"))
                .with_cause(cause)
        };
        let folder_path = fs::canonicalize(folder).map_err(missing)?;
        fs::metadata(folder_path.join(MANIFEST)).map_err(missing)?;
        let name = folder_path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        check_name(&name)?;
        Ok(Self { name, files: Files::Folder(folder_path) })
    }

    /// The name by which users know it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where its files are, in words.
    pub(crate) fn origin(&self) -> String {
        match &self.files {
            Files::BuiltIn(_) => "built in".to_owned(),
            Files::Folder(folder) => folder.display().to_string(),
        }
    }

    /// Its folder, where it is not built in.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.files {
            Files::BuiltIn(_) => None,
            Files::Folder(folder) => Some(folder),
        }
    }

    /// How messages name one of its files.
    pub(crate) fn file_name(&self, file: &str) -> String {
        match &self.files {
            Files::BuiltIn(source) => format!("sources/{}/{file}", source.name()),
            Files::Folder(folder) => folder.join(file).display().to_string(),
        }
    }

    /// One of its files as text; nothing where there is none.
    pub(crate) fn text(&self, file: &str) -> Result<Option<Cow<'static, str>>> {
        let is_not_text = |error: &dyn std::fmt::Display| {
            Error::new(ErrorKind::Definition, format!("the file `{}` is not UTF-8", self.file_name(file)))
                .with_cause(error.to_string())
        };
        match &self.files {
            Files::BuiltIn(source) => source
                .file(file)
                .map(|bytes| str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| is_not_text(&error)))
                .transpose(),
            Files::Folder(folder) => match read_inside(folder, Path::new(file))? {
                Some(bytes) => Ok(Some(Cow::Owned(String::from_utf8(bytes).map_err(|error| is_not_text(&error))?))),
                None => Ok(None),
            },
        }
    }

    /// The source's `connector.yaml`, loaded and checked.
    pub(crate) fn definition(&self) -> Result<Definition> {
        match &self.files {
            Files::BuiltIn(source) => source.definition(),
            Files::Folder(_) => {
                let text = self.text(MANIFEST)?.unwrap_or_default();
                Definition::parse(&text, &self.file_name(MANIFEST))
            }
        }
    }

    /// What the source's simulator is made from.
    pub(crate) fn simulator(&self) -> Result<SimulatorDefinition> {
        const FOLDER: &str = "simulator/";
        let mut files: Vec<(String, String)> = Vec::new();
        for path in self.files_under(FOLDER)? {
            let is_definition = path == "endpoints.yaml" || path.ends_with(".json");
            if is_definition && let Some(text) = self.text(&format!("{FOLDER}{path}"))? {
                files.push((path, text.into_owned()));
            }
        }
        SimulatorDefinition::parse_with_schemas(files, &self.definition()?.record_schemas())
            .map_err(|error| error.with_context("folder", self.file_name("simulator")))
    }

    /// What the generic suite cannot know by itself.
    pub(crate) fn instructions(&self) -> Result<Instructions> {
        match self.text(Instructions::FILE)? {
            Some(text) => Instructions::parse(&text, &self.file_name(Instructions::FILE)),
            None => Ok(Instructions::default()),
        }
    }

    /// The paths below a folder of the source, and one level deeper.
    fn files_under(&self, prefix: &str) -> Result<Vec<String>> {
        let folder = match &self.files {
            Files::BuiltIn(source) => {
                return Ok(source.files_under(prefix).map(|(path, _)| path.to_owned()).collect());
            }
            Files::Folder(folder) => folder.join(prefix),
        };
        let mut paths = Vec::new();
        for (below, is_inner) in [(String::new(), false), ("corpus/".to_owned(), true)] {
            let listing = match fs::read_dir(folder.join(&below)) {
                Ok(listing) => listing,
                Err(error) if error.kind() == IoErrorKind::NotFound && (is_inner || !folder.exists()) => continue,
                Err(error) => return Err(unreadable(&folder, error)),
            };
            for entry in listing {
                let entry = entry.map_err(|error| unreadable(&folder, error))?;
                if !entry.path().is_dir() {
                    paths.push(format!("{below}{}", entry.file_name().to_string_lossy()));
                }
            }
        }
        paths.sort();
        Ok(paths)
    }
}

/// A file of a folder. A link that leads out of the folder is refused: the folder may be somebody else's.
fn read_inside(folder: &Path, file: &Path) -> Result<Option<Vec<u8>>> {
    let path = folder.join(file);
    let real = match fs::canonicalize(&path) {
        Ok(real) => real,
        Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&path, error)),
    };
    if !real.starts_with(folder) {
        let message = format!("the file `{}` leads out of the folder of its source", path.display());
        return Err(Error::new(ErrorKind::Definition, message).with_hint("put the file itself into the folder"));
    }
    let size = fs::metadata(&real).map_err(|error| unreadable(&path, error))?.len();
    if size > LARGEST {
        let message = format!("the file `{}` has {size} bytes, expected at most {LARGEST}", path.display());
        return Err(Error::new(ErrorKind::Definition, message));
    }
    fs::read(&real).map(Some).map_err(|error| unreadable(&path, error))
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::new(ErrorKind::Definition, format!("`{}` cannot be read", path.display())).with_cause(error)
}

/// A source's name is a folder's, and stands in connections and messages.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let is_plain = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_';
    if name.starts_with(|first: char| first.is_ascii_lowercase()) && name.chars().all(is_plain) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Configuration, format!("`{name}` cannot be the name of a source"))
        .with_hint("name the folder with lower-case letters, digits and `_`, beginning with a letter"))
}
