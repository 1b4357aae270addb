//! The worker's Python files, which the program carries with it.

use std::fs;
use std::path::{Path, PathBuf};

use lakeflow_interface::{Error, ErrorKind, Result};
use tempfile::TempDir;

const PACKAGE: &str = "databricks/labs/community_connector";

/// What is run: finds the worker beside itself, and the connector where `python -m` would.
const START: (&str, &str) = (
    "start.py",
    "import os, sys\n\
     sys.path.insert(1, os.getcwd())\n\
     from databricks.labs.community_connector.worker.__main__ import main\n\
     main()\n",
);

/// Other parts of the package that are installed stay importable.
const PARTS: (&str, &str) =
    ("__init__.py", "from pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)\n");

macro_rules! package_files {
    ($($path:literal),* $(,)?) => {
        [$(($path, include_str!(concat!("../../../python/databricks/labs/community_connector/", $path)))),*]
    };
}

const FILES: [(&str, &str); 13] = package_files![
    "interface/__init__.py",
    "interface/lakeflow_connect.py",
    "interface/lakeflow_source.py",
    "interface/supports_namespaces.py",
    "interface/supports_partition.py",
    "worker/__init__.py",
    "worker/__main__.py",
    "worker/channel.py",
    "worker/failure.py",
    "worker/loading.py",
    "worker/options.py",
    "worker/session.py",
    "worker/values.py",
];

/// A folder with the files, which lives as long as the value.
pub(crate) struct Unpacked(TempDir);

impl Unpacked {
    /// Writes the files.
    pub(crate) fn new() -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::Configuration, "the files of the Python worker cannot be written")
                .with_hint("look at the folder for temporary files; `TMPDIR` names another")
                .with_cause(error)
        };
        let folder = tempfile::Builder::new().prefix("community-connector-").tempdir().map_err(failed)?;
        let package = folder.path().join(PACKAGE);
        let inner = [PARTS].into_iter().chain(FILES).map(|(path, text)| (package.join(path), text));
        for (path, text) in inner.chain([(folder.path().join(START.0), START.1)]) {
            write(&path, text).map_err(failed)?;
        }
        Ok(Self(folder))
    }

    /// The file to run.
    pub(crate) fn start(&self) -> PathBuf {
        self.0.path().join(START.0)
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_worker_is_carried() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../python").join(PACKAGE);
        let mut found: Vec<String> = Vec::new();
        for folder in ["interface", "worker"] {
            for entry in fs::read_dir(package.join(folder)).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                if name.ends_with(".py") {
                    found.push(format!("{folder}/{name}"));
                }
            }
        }
        found.sort();
        assert_eq!(found, FILES.map(|(path, _)| path));
    }
}
