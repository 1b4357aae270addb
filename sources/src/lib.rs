//! The connectors that are built in: one folder per source system, embedded as it is.

use lakeflow_interface::{Error, ErrorKind, Result, unknown_name};
use lakeflow_manifest::Definition;

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// A source that is built in: the files of its folder.
#[derive(Clone, Copy)]
pub struct Source {
    name: &'static str,
    files: &'static [(&'static str, &'static [u8])],
}

/// All sources, sorted by name.
pub fn all() -> &'static [Source] {
    SOURCES
}

/// One source by name.
///
/// # Errors
/// [`ErrorKind::Configuration`] with the nearest known name.
pub fn find(name: &str) -> Result<&'static Source> {
    let source = SOURCES.iter().find(|source| source.name == name);
    source
        .ok_or_else(|| unknown_name(ErrorKind::Configuration, "source", name, SOURCES.iter().map(|source| source.name)))
}

impl Source {
    /// The folder's name, by which users know the source.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The source's `connector.yaml`, loaded and checked.
    pub fn definition(&self) -> Result<Definition> {
        let origin = format!("sources/{}/connector.yaml", self.name);
        let file = self.file("connector.yaml").unwrap_or_default();
        let text = std::str::from_utf8(file).map_err(|error| {
            Error::new(ErrorKind::Definition, format!("the file `{origin}` is not UTF-8")).with_cause(error)
        })?;
        Definition::parse(text, &origin)
    }

    /// One file by its path in the source's folder.
    pub fn file(&self, path: &str) -> Option<&'static [u8]> {
        self.files.iter().find(|(name, _)| *name == path).map(|(_, content)| *content)
    }

    /// The files whose path begins with `prefix`, with the rest of their paths: `files_under("simulator/")`.
    pub fn files_under(&self, prefix: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
        self.files.iter().filter_map(move |(name, content)| Some((name.strip_prefix(prefix)?, *content)))
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Source({}, {} files)", self.name, self.files.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_a_definition() {
        assert!(!all().is_empty());
        for source in all() {
            let definition = source.definition().unwrap_or_else(|error| panic!("{error:?}"));
            assert!(definition.tables().count() > 0, "{source:?}");
        }
    }

    #[test]
    fn unknown_source_names_the_nearest() {
        let error = find("githup").unwrap_err();
        assert_eq!(error.to_string(), "unknown source `githup`");
        assert!(error.hint().unwrap().starts_with("did you mean `github`?"), "{error:?}");
    }

    #[test]
    fn files_are_found_by_path_and_by_folder() {
        let github = find("github").unwrap();
        assert!(github.file("connector.yaml").is_some());
        assert!(github.file("simulator/endpoints.yaml").is_some());
        assert!(github.files_under("simulator/").any(|(name, _)| name == "endpoints.yaml"));
    }
}
