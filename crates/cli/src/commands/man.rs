//! `man`: prints the man page, or writes one page for every command into a folder.

use std::io;

use clap::CommandFactory;
use clap_mangen::Man;
use lakeflow_interface::{Error, ErrorKind, Result};

use crate::args::{Arguments, ManArguments};
use crate::exit::ExitStatus;
use crate::session::Session;

/// Prints or writes the man pages.
pub(crate) fn run(arguments: &ManArguments, session: &Session) -> Result<ExitStatus> {
    let command = Arguments::command();
    if let Some(folder) = &arguments.folder {
        let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
        written.map_err(|error| unwritable(error).with_context("folder", folder.display().to_string()))?;
    } else {
        let mut page = Vec::new();
        Man::new(command.disable_help_subcommand(true)).render(&mut page).map_err(unwritable)?;
        session.printer.data(|stdout| stdout.write_all(&page))?;
    }
    Ok(ExitStatus::Success)
}

fn unwritable(error: io::Error) -> Error {
    Error::new(ErrorKind::Configuration, "the man page cannot be written").with_cause(error)
}
