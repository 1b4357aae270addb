//! Arguments of the commands that tend a destination table.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args};

use super::value::parse_duration;

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
