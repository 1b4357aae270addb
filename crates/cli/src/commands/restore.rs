//! `restore TABLE`: a table as it was.

use lakeflow_interface::{Error, ErrorKind, Result};
use lakeflow_pipeline::delta::RestoreTarget;
use serde_json::json;

use super::destination;
use crate::args::RestoreArguments;
use crate::exit::ExitStatus;
use crate::figures::counted;
use crate::session::Session;

/// Restores a version.
pub(crate) async fn run(arguments: &RestoreArguments, session: &Session) -> Result<ExitStatus> {
    let target = match (arguments.version, arguments.timestamp) {
        (Some(version), _) => RestoreTarget::Version(version),
        (None, Some(instant)) => RestoreTarget::At(instant),
        (None, None) => return Err(Error::new(ErrorKind::Internal, "neither a version nor an instant was given")),
    };
    let (table, state) = destination::load(&arguments.table, session).await?;
    let done = table.restore(&state, target).await?;
    let destination = table.destination().to_string();
    let mut event = json!(done);
    event["event"] = "restored".into();
    event["table"] = destination.as_str().into();
    session.printer.event(&event)?;
    session.printer.line(format!(
        "{destination}: version {} is version {} again; {} left the table, {} came back",
        done.version,
        done.restored_version,
        counted(done.files_removed, "file"),
        counted(done.files_added, "file")
    ))?;
    session.printer.status("the next run goes on from where that version stood");
    Ok(ExitStatus::Success)
}
