//! `source …`: the places of a team's own sources, folders and Git repositories.

mod add;
mod list;
mod remove;
mod update;

use lakeflow_interface::Result;

use crate::args::SourceCommand;
use crate::exit::ExitStatus;
use crate::session::Session;

/// Runs one of the commands about places of sources.
pub(crate) fn run(command: &SourceCommand, session: &Session) -> Result<ExitStatus> {
    match command {
        SourceCommand::Add(arguments) => add::run(arguments, session),
        SourceCommand::List => list::run(session),
        SourceCommand::Update => update::run(session),
        SourceCommand::Remove(arguments) => remove::run(arguments, session),
    }
}
