//! The program `community-connector` as a library: its main function, and the connections of its users for others.

mod args;
mod catalog;
mod commands;
mod connections;
mod environment;
mod exit;
mod failure;
mod figures;
mod grid;
mod interrupt;
mod logging;
mod printer;
mod progress;
mod resolved;
mod rows;
mod session;
mod simulation;

use std::ffi::OsString;
use std::sync::Arc;

use clap::Parser;

use crate::args::Arguments;
use crate::exit::ExitStatus;
use crate::printer::Printer;

pub use failure::Failure;
pub use resolved::{Lookup, ResolvedConnection};

/// The `user-agent` of every request.
pub const USER_AGENT: &str = concat!("community-connector/", env!("CARGO_PKG_VERSION"));

/// Requests of one connection that are under way at the same time.
pub const REQUESTS: usize = 8;

/// Runs the program with these arguments, of which the first is its name; gives the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(answer) => {
            // Nobody is left to be told that the terminal cannot be written to.
            drop(answer.print());
            return if answer.use_stderr() { ExitStatus::Usage.code() } else { ExitStatus::Success.code() };
        }
    };
    let printer = Arc::new(Printer::new(arguments.common.output));
    logging::start(arguments.common.verbose, &printer);
    commands::execute(arguments, &printer).code()
}
