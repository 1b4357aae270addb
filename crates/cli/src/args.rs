//! The command line: every command, argument and flag, and nothing else.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use url::Url;

use crate::environment;
use crate::exit::EXIT_CODES;

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
    #[arg(long, global = true, value_name = "PATH", env = environment::PYTHON, hide_env_values = true, default_value = "python3")]
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
    /// Check the folder of a source without reading a row: every mistake with its file, line and column.
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

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// The pipeline spec, a YAML or JSON file; `-` reads it from stdin.
    #[arg(value_name = "SPEC")]
    pub(crate) spec: PathBuf,
    /// Run only these tables, by the names of their destinations.
    #[arg(long, value_name = "TABLES", value_delimiter = ',')]
    pub(crate) tables: Vec<String>,
    /// Read everything anew and replace what is there: all tables of the run, or only those named.
    #[arg(long, value_name = "TABLES", num_args = 0.., require_equals = true, value_delimiter = ',')]
    pub(crate) full_refresh: Option<Vec<String>>,
    /// Keep what the source answers in this file, without secrets and personal data: for a bug report.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Check spec, connection and destination, say what would be done, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) cadence: CadenceArguments,
}

/// How often rows are committed. Hidden: the defaults suit everybody, tests want many small commits.
#[derive(Debug, Args)]
pub(crate) struct CadenceArguments {
    /// Commit after this many rows.
    #[arg(long, hide = true, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) commit_rows: Option<u64>,
    /// Commit after this many bytes of records.
    #[arg(long, hide = true, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) commit_bytes: Option<u64>,
    /// Commit after this time.
    #[arg(long, hide = true, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) commit_interval: Option<Duration>,
}

/// Arguments of `sources`.
#[derive(Debug, Args)]
pub(crate) struct SourcesArguments {
    /// Show this source in full.
    #[arg(value_name = "SOURCE")]
    pub(crate) source: Option<String>,
}

/// Arguments of `tables`.
#[derive(Debug, Args)]
pub(crate) struct TablesArguments {
    /// A connection, or a source.
    #[arg(value_name = "CONNECTION|SOURCE")]
    pub(crate) target: String,
}

/// Arguments of `describe`.
#[derive(Debug, Args)]
pub(crate) struct DescribeArguments {
    /// A connection, or a source.
    #[arg(value_name = "CONNECTION|SOURCE")]
    pub(crate) target: String,
    /// The table.
    #[arg(value_name = "TABLE")]
    pub(crate) table: String,
    #[command(flatten)]
    pub(crate) options: OptionArguments,
}

/// Options as `-o key=value`.
#[derive(Debug, Args)]
pub(crate) struct OptionArguments {
    /// An option; may be given several times.
    #[arg(short = 'o', long = "option", value_name = "KEY=VALUE", value_parser = parse_assignment)]
    pub(crate) options: Vec<Assignment>,
}

/// Arguments of `read`.
#[derive(Debug, Args)]
pub(crate) struct ReadArguments {
    /// The connection to read with.
    #[arg(value_name = "CONNECTION")]
    pub(crate) connection: String,
    /// The source table.
    #[arg(value_name = "TABLE")]
    pub(crate) table: String,
    #[command(flatten)]
    pub(crate) options: OptionArguments,
    #[command(flatten)]
    pub(crate) rows: RowArguments,
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The destination table: `table`, `schema.table` or `catalog.schema.table`.
    #[arg(value_name = "TABLE")]
    pub(crate) table: String,
    #[command(flatten)]
    pub(crate) rows: RowArguments,
}

/// Which rows and columns to print, and how.
#[derive(Debug, Args)]
pub(crate) struct RowArguments {
    /// How rows are written [default: table, or jsonl with `--output json`].
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<RowFormat>,
    /// Stop after this many rows [default: 20 for a table, all otherwise].
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Print only these columns, in this order.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowFormat {
    /// A table for people: cells are shortened, columns that do not fit a terminal are left out.
    Table,
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header; nested values as JSON text.
    Csv,
    /// A Parquet file.
    Parquet,
}

/// What to do with connections.
#[derive(Debug, Subcommand)]
pub(crate) enum ConnectionCommand {
    /// Create a connection; asks for what is missing when on a terminal.
    Create(ConnectionCreateArguments),
    /// List the connections.
    List,
    /// Show a connection; secrets are not shown.
    Show(ConnectionName),
    /// Ask the source whether a connection works.
    Test(ConnectionName),
    /// Delete a connection.
    Delete(ConnectionName),
}

/// Arguments of `connection create`.
#[derive(Debug, Args)]
pub(crate) struct ConnectionCreateArguments {
    /// The kind of system to connect to.
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,
    /// The name of the new connection.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// A parameter; may be given several times. A secret is best a reference that is resolved when it is used:
    /// `token=env:GITHUB_TOKEN`, `token=file:PATH`, `token=command:COMMAND`. `token=@-` reads it from stdin.
    #[arg(short = 'o', long = "option", value_name = "KEY=VALUE", value_parser = parse_assignment)]
    pub(crate) options: Vec<Assignment>,
    /// Replace a connection of the same name.
    #[arg(long)]
    pub(crate) replace: bool,
}

/// The name of a connection.
#[derive(Debug, Args)]
pub(crate) struct ConnectionName {
    /// The connection.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// Arguments of `runs`.
#[derive(Debug, Args)]
pub(crate) struct RunsArguments {
    /// The run, by its name or the beginning of it.
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// Stop after this many runs.
    #[arg(long, value_name = "N", default_value = "20")]
    pub(crate) limit: usize,
}

/// Arguments of `optimize`.
#[derive(Debug, Args)]
pub(crate) struct OptimizeArguments {
    /// The destination tables.
    #[arg(value_name = "TABLE", required = true)]
    pub(crate) tables: Vec<String>,
    /// Rewrite every file, also those that are well as they are.
    #[arg(long)]
    pub(crate) full: bool,
}

/// Arguments of `vacuum`.
#[derive(Debug, Args)]
pub(crate) struct VacuumArguments {
    /// The destination tables.
    #[arg(value_name = "TABLE", required = true)]
    pub(crate) tables: Vec<String>,
    /// Keep files that left the table no longer ago than this, as in `30d` [default: what the table says, or 7d].
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) retention: Option<Duration>,
    /// Take a retention below the default; whoever reads or fills the table just now may lose files.
    #[arg(long)]
    pub(crate) allow_short_retention: bool,
    /// Say what would be deleted, and delete nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Arguments of `history`.
#[derive(Debug, Args)]
pub(crate) struct HistoryArguments {
    /// The destination table.
    #[arg(value_name = "TABLE")]
    pub(crate) table: String,
    /// Stop after this many versions.
    #[arg(long, value_name = "N", default_value = "20")]
    pub(crate) limit: usize,
}

/// Arguments of `restore`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("target").required(true).args(["version", "timestamp"]))]
pub(crate) struct RestoreArguments {
    /// The destination table.
    #[arg(value_name = "TABLE")]
    pub(crate) table: String,
    /// The version to go back to.
    #[arg(long, value_name = "N")]
    pub(crate) version: Option<u64>,
    /// Go back to the version that was the latest then, as in `2026-01-31T12:00:00Z`.
    #[arg(long, value_name = "INSTANT")]
    pub(crate) timestamp: Option<DateTime<Utc>>,
}

/// Arguments of `record`.
#[derive(Debug, Args)]
pub(crate) struct RecordArguments {
    /// The connection to read with.
    #[arg(value_name = "CONNECTION")]
    pub(crate) connection: String,
    /// The source tables to read, one after the other.
    #[arg(value_name = "TABLE", required = true)]
    pub(crate) tables: Vec<String>,
    /// The file for the recording.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
    /// Stop reading a table after this many rows.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Keep at most this many elements of a list: the first ones and the last.
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) keep: u32,
    #[command(flatten)]
    pub(crate) options: OptionArguments,
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// The recording.
    #[arg(value_name = "FILE")]
    pub(crate) cassette: PathBuf,
    /// The port to listen on; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value = "0")]
    pub(crate) port: u16,
}

/// Arguments of `drift`.
#[derive(Debug, Args)]
pub(crate) struct DriftArguments {
    /// The recording.
    #[arg(value_name = "FILE")]
    pub(crate) cassette: PathBuf,
    /// The source that it is a recording of: a name, or a folder.
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,
}

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArguments {
    /// The source to stand in for.
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,
    /// The port to listen on; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value = "0")]
    pub(crate) port: u16,
    /// How large the simulated account is; 1 is about a thousand rows.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) scale: u32,
    /// Wait this long before every answer, as in `100ms`.
    #[arg(long, value_name = "DURATION", default_value = "0ms", value_parser = parse_duration)]
    pub(crate) latency: Duration,
    /// The token that requests must carry.
    #[arg(long, value_name = "TOKEN", default_value = "simulated")]
    pub(crate) token: String,
    /// Where the simulated rows are drawn from; the same seed gives the same rows.
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) seed: u64,
    /// Add, change and delete some rows each time this has passed, as in `30s`.
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) advance_every: Option<Duration>,
}

/// Arguments of `new`.
#[derive(Debug, Args)]
pub(crate) struct NewArguments {
    /// The source's name: lower-case letters, digits and `_`.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The folder in which its folder is made.
    #[arg(long = "in", value_name = "DIR", default_value = ".")]
    pub(crate) folder: PathBuf,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The folder of a source, or the name of one.
    #[arg(value_name = "DIR|SOURCE")]
    pub(crate) target: String,
}

/// Arguments of `test`.
#[derive(Debug, Args)]
pub(crate) struct TestArguments {
    /// A source, the folder of one, or a connector written in Python.
    #[arg(value_name = "SOURCE|DIR|MODULE:CLASS")]
    pub(crate) target: String,
    /// Try this table only.
    #[arg(long, value_name = "TABLE")]
    pub(crate) table: Option<String>,
    /// Try this check only.
    #[arg(long, value_name = "CHECK")]
    pub(crate) check: Option<String>,
    /// Ask the source itself instead of its simulator; what only a simulator can do is left out.
    #[arg(long, requires = "connection")]
    pub(crate) live: bool,
    /// The connection to ask it with.
    #[arg(long, value_name = "NAME", requires = "live")]
    pub(crate) connection: Option<String>,
    /// Also write test rows to the account, as the source's `write_back` says, and remove them again.
    #[arg(long, requires = "live")]
    pub(crate) write: bool,
    /// Write the report as JUnit XML too.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) options: OptionArguments,
}

/// What to do with places of sources.
#[derive(Debug, Subcommand)]
pub(crate) enum SourceCommand {
    /// Make the sources of a folder or of a Git repository known to every command.
    Add(SourceAddArguments),
    /// List the places and what they have.
    List,
    /// Bring the copies of Git repositories up to date.
    Update,
    /// Forget a place.
    Remove(SourceRemoveArguments),
}

/// Arguments of `source add`.
#[derive(Debug, Args)]
pub(crate) struct SourceAddArguments {
    /// A folder, or the URL of a Git repository.
    #[arg(value_name = "DIR|GIT_URL")]
    pub(crate) place: String,
    /// The branch, tag or commit of the repository; its default branch otherwise.
    #[arg(long, value_name = "REVISION")]
    pub(crate) revision: Option<String>,
}

/// Arguments of `source remove`.
#[derive(Debug, Args)]
pub(crate) struct SourceRemoveArguments {
    /// The folder or the URL, as `source list` shows it.
    #[arg(value_name = "PLACE")]
    pub(crate) place: String,
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

/// One `key=value`. The value may be a secret, so `Debug` leaves it out.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// What is before the first `=`.
    pub(crate) key: String,
    /// What is after it.
    pub(crate) value: String,
}

impl std::fmt::Debug for Assignment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}=***", self.key)
    }
}

fn parse_assignment(text: &str) -> Result<Assignment, String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok(Assignment { key: key.trim().to_owned(), value: value.to_owned() })
        }
        _ => Err("expected `KEY=VALUE`".to_owned()),
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "expected a number and a unit, as in `250ms`, `30s` or `5m`".to_owned())
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

    #[test]
    fn value_of_an_assignment_may_hold_anything() {
        let assignment = parse_assignment("query=a=b, c").unwrap();
        assert_eq!((assignment.key.as_str(), assignment.value.as_str()), ("query", "a=b, c"));
        assert_eq!(format!("{assignment:?}"), "query=***");
        assert!(parse_assignment("query").is_err());
        assert!(parse_assignment("=x").is_err());
    }
}
