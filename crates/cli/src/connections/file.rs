//! The connections file: YAML, readable by the user alone, replaced in one step.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind as IoErrorKind, Write};
use std::path::Path;

use lakeflow_interface::{Error, ErrorKind, Result};

use super::Connection;

const SHAPE: &str = "expected `NAME: {source: SOURCE, options: {KEY: VALUE}}` for each connection";

/// The connections of a file; none where there is no file.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Connection>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == IoErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(failure(path, "cannot be read").with_cause(error)),
    };
    // The parser's own message may quote a secret, so only its place is shown.
    let parsed: Option<BTreeMap<String, Connection>> = serde_saphyr::from_str(&text).map_err(|error| {
        let place = error.location().map(|at| format!(" at line {}, column {}", at.line(), at.column()));
        failure(path, &format!("is not understood{}", place.unwrap_or_default())).with_hint(SHAPE)
    })?;
    Ok(parsed.unwrap_or_default())
}

/// Writes the connections to a new file of mode 0600 and puts it in the place of the old one.
pub(super) fn write(path: &Path, connections: &BTreeMap<String, Connection>) -> Result<()> {
    let text = serde_saphyr::to_string(connections)
        .map_err(|_| Error::new(ErrorKind::Internal, "the connections cannot be written as YAML"))?;
    // A link keeps leading to the file that it led to.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    replace(&target, &text).map_err(|error| failure(path, "cannot be written").with_cause(error))
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    // `NamedTempFile` is created with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// The permission bits of the file where somebody besides the user has any.
#[cfg(unix)]
pub(super) fn too_wide_mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Other systems have no such bits.
#[cfg(not(unix))]
pub(super) fn too_wide_mode(_path: &Path) -> Option<u32> {
    None
}

fn failure(path: &Path, problem: &str) -> Error {
    Error::new(ErrorKind::Configuration, format!("connections file `{}` {problem}", path.display()))
}
