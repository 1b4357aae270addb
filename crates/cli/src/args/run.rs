//! Arguments of the commands that run pipelines and tell of runs.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::value::parse_duration;

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
