//! The program `community-connector`.

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
mod rows;
mod session;
mod simulation;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;

use crate::args::Arguments;
use crate::printer::Printer;

/// Gives memory back soon and keeps one arena a processor (`.cargo/config.toml`), so that what a run holds does not grow
/// with what it reads.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let printer = Arc::new(Printer::new(arguments.common.output));
    logging::start(arguments.common.verbose, &printer);
    commands::execute(arguments, &printer).into()
}
