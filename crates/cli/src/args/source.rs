//! Arguments of the commands that authors of sources work with.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::rows::OptionArguments;
use super::value::parse_duration;

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
    /// Keep what the source answers in this file, without secrets and personal data.
    #[arg(long, value_name = "FILE", requires = "live")]
    pub(crate) record: Option<PathBuf>,
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
