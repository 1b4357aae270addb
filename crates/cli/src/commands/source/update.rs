//! `source update`: brings the copies of Git repositories to their newest commits.

use lakeflow_interface::Result;
use serde_json::json;

use crate::catalog::Place;
use crate::exit::ExitStatus;
use crate::session::Session;

/// Fetches every repository.
pub(crate) fn run(session: &Session) -> Result<ExitStatus> {
    let mut any = false;
    for place in session.places()?.iter() {
        let Place::Git(repository) = place else { continue };
        any = true;
        repository.fetch()?;
        let commit = repository.commit()?;
        session.printer.event(&json!({"event": "source_updated", "place": place.name(), "commit": commit}))?;
        session.printer.status(format_args!("`{}` is at {commit}", place.name()));
    }
    if !any {
        session.printer.status("there is no Git repository among the places of sources");
    }
    Ok(ExitStatus::Success)
}
