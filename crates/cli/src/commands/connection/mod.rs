//! `connection …`: the named ways into accounts of sources.

mod create;
mod delete;
mod list;
mod show;
mod test;

use lakeflow_interface::Result;

use crate::args::ConnectionCommand;
use crate::exit::ExitStatus;
use crate::session::Session;

/// Runs one of the commands about connections.
pub(crate) async fn run(command: &ConnectionCommand, session: &Session) -> Result<ExitStatus> {
    match command {
        ConnectionCommand::Create(arguments) => create::run(arguments, session),
        ConnectionCommand::List => list::run(session),
        ConnectionCommand::Show(arguments) => show::run(arguments, session),
        ConnectionCommand::Test(arguments) => test::run(arguments, session).await,
        ConnectionCommand::Delete(arguments) => delete::run(arguments, session),
    }
}
