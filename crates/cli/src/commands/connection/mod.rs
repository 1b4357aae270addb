//! `connection …`: the named ways into accounts of sources.

mod delete;
mod list;

use lakeflow_interface::Result;

use crate::args::ConnectionCommand;
use crate::exit::ExitStatus;
use crate::session::Session;

/// Runs one of the commands about connections.
pub(crate) async fn run(command: &ConnectionCommand, session: &Session) -> Result<ExitStatus> {
    match command {
        ConnectionCommand::List => list::run(session),
        _ => Ok(ExitStatus::Success),
        ConnectionCommand::Delete(arguments) => delete::run(arguments, session),
    }
}
