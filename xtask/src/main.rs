//! `cargo xtask check`: whether the crates depend on each other as they may, and what has grown past its guide value.

mod arrows;
mod budgets;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Fail on an arrow between crates that is not allowed and on files past the hard limit; show the rest.
    Check,
}

fn main() -> anyhow::Result<ExitCode> {
    let Task::Check = Arguments::parse().task;
    let metadata = cargo_metadata::MetadataCommand::new().no_deps().exec().context("cargo metadata")?;
    let root: PathBuf = metadata.workspace_root.clone().into();

    let faults: Vec<String> =
        arrows::forbidden(&metadata).into_iter().chain(budgets::past_hard_limit(&root)?).collect();
    let mut out = std::io::stdout().lock();
    for advice in budgets::past_guide_value(&root)? {
        writeln!(out, "guide: {advice}")?;
    }
    for fault in &faults {
        writeln!(out, "error: {fault}")?;
    }
    if faults.is_empty() {
        writeln!(out, "structure: ok")?;
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
