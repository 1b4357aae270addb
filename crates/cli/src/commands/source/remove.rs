//! `source remove PLACE`: forgets a place of sources.

use lakeflow_interface::{Error, ErrorKind, Result};
use serde_json::json;

use crate::args::SourceRemoveArguments;
use crate::catalog::Place;
use crate::exit::ExitStatus;
use crate::session::Session;

/// Forgets the place; the copy of a repository is removed, a folder is left as it is.
pub(crate) fn run(arguments: &SourceRemoveArguments, session: &Session) -> Result<ExitStatus> {
    let place = session.places()?.remove(&arguments.place)?;
    if let Place::Git(repository) = &place
        && repository.copy.is_dir()
    {
        std::fs::remove_dir_all(&repository.copy).map_err(|error| {
            let message = format!("the copy `{}` cannot be removed", repository.copy.display());
            Error::new(ErrorKind::Configuration, message).with_cause(error)
        })?;
    }
    session.printer.event(&json!({"event": "source_removed", "place": place.name()}))?;
    session.printer.status(format_args!("removed `{}`", place.name()));
    Ok(ExitStatus::Success)
}
