//! `survey`: what the simulated responses have of a table, and what they do not have.

use lakeflow_interface::{Error, ErrorKind, Result};

use crate::bench::{Bench, Wanted};
use crate::checks::empty_columns;
use crate::finding::{Finding, Outcome, Stop};
use crate::subject::Subject;

/// What the simulated responses have of a table, and what they do not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// How many records were found.
    pub rows: usize,
    /// Columns, and fields of them, that no record has.
    pub empty_columns: Vec<String>,
    /// Fields of records that are no column.
    pub undeclared: Vec<String>,
    /// What was skipped, and how often.
    pub warnings: Vec<String>,
}

/// Reads a table of a simulated subject once, on a runtime of its own on this thread.
///
/// # Errors
/// A [`Finding`] where the table cannot be read.
pub fn survey(subject: &Subject, table: &str) -> Result<Survey, Box<Finding>> {
    let stopped = |error: Error| Box::new(Finding::new("a table that can be read", error.to_string()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|error| stopped(Error::new(ErrorKind::Internal, "the runtime cannot be started").with_cause(error)))?;
    let surveyed = runtime.block_on(read(subject, table));
    runtime.shutdown_background();
    match surveyed {
        Ok(survey) => Ok(survey),
        Err(Stop::Failed(finding)) => Err(Box::new(finding)),
        Err(Stop::Skipped(reason)) => Err(Box::new(Finding::new("a table that can be read", reason))),
    }
}

async fn read(subject: &Subject, table: &str) -> Outcome<Survey> {
    let bench = Bench::start(subject, subject.table(table)?, |_| {}).await?;
    let reading = bench.read_wanted(Wanted::default()).await?;
    Ok(Survey {
        rows: reading.rows.len(),
        empty_columns: empty_columns(&reading.batches)?,
        undeclared: reading.undeclared.into_iter().collect(),
        warnings: reading.warnings.into_keys().collect(),
    })
}
