//! The commands, one file each, and how one of them is run.

mod check;
mod completions;
mod connection;
mod corpus;
mod demo;
mod describe;
mod destination;
mod drift;
mod history;
mod man;
mod new;
mod optimize;
mod read;
mod record;
mod replay;
mod restore;
mod run;
mod runs;
mod show;
mod simulate;
mod source;
mod sources;
mod tables;
mod test;
mod vacuum;

use std::sync::Arc;

use lakeflow_interface::{Error, ErrorKind, Result};
use tokio::runtime::Runtime;

use crate::args::{Arguments, Command};
use crate::exit::ExitStatus;
use crate::printer::Printer;
use crate::session::Session;

/// Runs the command to its end and reports its error, if it has one.
pub(crate) fn execute(arguments: Arguments, printer: &Arc<Printer>) -> ExitStatus {
    match start(arguments, printer) {
        Ok(status) => status,
        // Whoever read stdout has seen enough.
        Err(_) if printer.stdout_closed() => ExitStatus::Success,
        Err(error) => {
            printer.error(&error);
            ExitStatus::of(&error)
        }
    }
}

fn start(arguments: Arguments, printer: &Arc<Printer>) -> Result<ExitStatus> {
    let runtime = Runtime::new()
        .map_err(|error| Error::new(ErrorKind::Internal, "the runtime cannot be started").with_cause(error))?;
    let session = Session::new(arguments.common, printer.clone())?;
    let outcome = runtime.block_on(dispatch(arguments.command, &session));
    // What still runs in the background has nothing to say any more.
    runtime.shutdown_background();
    outcome
}

async fn dispatch(command: Command, session: &Session) -> Result<ExitStatus> {
    match command {
        Command::Demo(arguments) => demo::run(&arguments, session).await,
        Command::Run(arguments) => run::run(&arguments, session).await,
        Command::Sources(arguments) => sources::run(&arguments, session),
        Command::Tables(arguments) => tables::run(&arguments, session).await,
        Command::Describe(arguments) => describe::run(&arguments, session).await,
        Command::Read(arguments) => read::run(&arguments, session).await,
        Command::Show(arguments) => show::run(&arguments, session).await,
        Command::Optimize(arguments) => optimize::run(&arguments, session).await,
        Command::Vacuum(arguments) => vacuum::run(&arguments, session).await,
        Command::History(arguments) => history::run(&arguments, session).await,
        Command::Restore(arguments) => restore::run(&arguments, session).await,
        Command::Runs(arguments) => runs::run(&arguments, session).await,
        Command::Simulate(arguments) => simulate::run(&arguments, session).await,
        Command::New(arguments) => new::run(&arguments, session),
        Command::Check(arguments) => check::run(&arguments, session).await,
        Command::Test(arguments) => test::run(&arguments, session).await,
        Command::Source(command) => source::run(&command, session),
        Command::Connection(command) => connection::run(&command, session).await,
        Command::Record(arguments) => record::run(&arguments, session).await,
        Command::Replay(arguments) => replay::run(&arguments, session).await,
        Command::Drift(arguments) => drift::run(&arguments, session).await,
        Command::Corpus(arguments) => corpus::run(&arguments, session),
        Command::Completions(arguments) => completions::run(&arguments, session),
        Command::Man(arguments) => man::run(&arguments, session),
    }
}
