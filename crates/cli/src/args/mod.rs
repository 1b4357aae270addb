//! The command line: every command, argument and flag, and nothing else.

mod connection;
mod recording;
mod rows;
mod run;
mod source;
mod table;
mod value;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use url::Url;

use crate::catalog::USUAL_PYTHON;
use crate::environment;
use crate::exit::EXIT_CODES;

pub(crate) use connection::{ConnectionCommand, ConnectionCreateArguments, ConnectionName};
pub(crate) use recording::{CorpusArguments, DriftArguments, RecordArguments, ReplayArguments};
pub(crate) use rows::{
    DescribeArguments, ReadArguments, RowArguments, RowFormat, ShowArguments, SourcesArguments, TablesArguments,
};
pub(crate) use run::{CadenceArguments, RunArguments, RunsArguments};
pub(crate) use source::{
    CheckArguments, NewArguments, SimulateArguments, SourceAddArguments, SourceCommand, SourceRemoveArguments,
    TestArguments,
};
pub(crate) use table::{HistoryArguments, OptimizeArguments, RestoreArguments, VacuumArguments};
pub(crate) use value::Assignment;

/// Moves tables out of the systems that people use into Delta tables, exactly once.
#[derive(Debug, Parser)]
#[command(name = "community-connector", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: CommonArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct CommonArguments {
    /// Folder or object-store URL that holds the destination tables.
    #[arg(long, global = true, value_name = "URL", env = environment::LAKEHOUSE, hide_env_values = true, default_value = "./lakehouse")]
    pub(crate) lakehouse: String,
    /// File that holds the connections [default: connections.yaml in your configuration folder].
    #[arg(long, global = true, value_name = "FILE", env = environment::CONNECTIONS, hide_env_values = true)]
    pub(crate) connections: Option<PathBuf>,
    /// Send every request to this address instead of the source's own, for example to a simulator.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) upstream: Option<Url>,
    /// Use the source in this folder, instead of a built-in one of its name; may be given several times. As
    /// `module:Class`: read with this connector written in Python.
    #[arg(long = "source", global = true, value_name = "SOURCE")]
    pub(crate) source_folders: Vec<PathBuf>,
    /// The Python that runs connectors written in Python.
    #[arg(long, global = true, value_name = "PATH", env = environment::PYTHON, hide_env_values = true, default_value = USUAL_PYTHON)]
    pub(crate) python: PathBuf,
    /// What is written to stdout: text for people, or one JSON event a line for programs.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: OutputFormat,
    /// How many tables are read at the same time.
    #[arg(long, global = true, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) parallel: u16,
    /// Say more on stderr; twice for every request.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// The form of what goes to stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people.
    Text,
    /// One JSON event a line.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the whole thing at work: twelve GitHub tables from a simulator into local Delta tables, twice.
    Demo(DemoArguments),
    /// Run a pipeline: bring what changed in the source into the destination tables.
    Run(RunArguments),
    /// List the sources, or show what one of them needs and offers.
    Sources(SourcesArguments),
    /// List the tables of a source or of a connection.
    Tables(TablesArguments),
    /// Show the columns, keys and options of a table.
    Describe(DescribeArguments),
    /// Print rows of a source table.
    Read(ReadArguments),
    /// Print rows of a destination table in the lakehouse.
    Show(ShowArguments),
    /// Rewrite a table's files where it pays: small ones joined, deleted rows purged, clustered tables sorted.
    Optimize(OptimizeArguments),
    /// Delete files that no version of a table needs any more.
    Vacuum(VacuumArguments),
    /// List the versions of a table.
    History(HistoryArguments),
    /// Make a table what it was, with the place where the next run goes on.
    Restore(RestoreArguments),
    /// List former runs, or show what one of them did.
    Runs(RunsArguments),
    /// Create, list, show, test and delete connections.
    #[command(subcommand)]
    Connection(ConnectionCommand),
    /// Serve a stand-in for a source's API on this machine.
    Simulate(SimulateArguments),
    /// Make a folder with a new source that passes `check` and `test`.
    New(NewArguments),
    /// Check the folder of a source: every mistake with its file, line and column.
    Check(CheckArguments),
    /// Try a source, table by table, against everything that a connector must keep to.
    Test(TestArguments),
    /// Add, list, update and remove folders and Git repositories with sources of your own.
    #[command(subcommand)]
    Source(SourceCommand),
    /// Read tables through a proxy that keeps what the source answers, without secrets and personal data.
    Record(RecordArguments),
    /// Serve a recording in the place of its source.
    Replay(ReplayArguments),
    /// Compare a recording with the simulator and the schemas of its source.
    Drift(DriftArguments),
    /// Make the corpus of a source's simulator from a recording of the live source.
    Corpus(CorpusArguments),
    /// Print the completions for a shell.
    Completions(CompletionsArguments),
    /// Print the man page.
    Man(ManArguments),
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// How large the simulated account is; 1 is about a thousand rows.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) scale: u32,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// Write the pages of all commands into this folder instead.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn full_refresh_without_names_means_all() {
        let full_refresh = |line: &[&str]| match Arguments::parse_from(line).command {
            Command::Run(arguments) => arguments.full_refresh,
            _ => None,
        };
        assert_eq!(full_refresh(&["", "run", "spec.yaml"]), None);
        assert_eq!(full_refresh(&["", "run", "--full-refresh", "spec.yaml"]), Some(vec![]));
        let named = full_refresh(&["", "run", "spec.yaml", "--full-refresh=issues,users"]);
        assert_eq!(named, Some(vec!["issues".to_owned(), "users".to_owned()]));
    }
}
