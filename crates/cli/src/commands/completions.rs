//! `completions SHELL`: prints the completions for a shell.

use clap::CommandFactory;
use lakeflow_interface::Result;

use crate::args::{Arguments, CompletionsArguments};
use crate::exit::ExitStatus;
use crate::session::Session;

/// Prints the completions.
pub(crate) fn run(arguments: &CompletionsArguments, session: &Session) -> Result<ExitStatus> {
    let mut command = Arguments::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, name, &mut script);
    session.printer.data(|stdout| stdout.write_all(&script))?;
    Ok(ExitStatus::Success)
}
