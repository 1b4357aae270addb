//! `survey`: what the simulated responses have of a table, and what they do not have.

use lakeflow_interface::{Error, ErrorKind, Result};

use crate::bench::{Bench, Wanted};
use crate::checks::empty_columns;
use crate::finding::{Outcome, Stop};
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
/// The error of the read, with the `table` whose request it was, which may be a parent.
pub fn survey(subject: &Subject, table: &str) -> Result<Survey> {
    on_a_runtime(read(subject, table))
}

/// Makes the check of the connection once, against the simulator, on a runtime of its own on this thread.
///
/// # Errors
/// The error of the check.
pub fn try_connection(subject: &Subject) -> Result<()> {
    on_a_runtime(async {
        let Some(table) = subject.tables.first() else { return Ok(Ok(())) };
        Ok(Bench::start(subject, table, |_| {}).await?.connector()?.check_connection().await)
    })
}

fn on_a_runtime<T>(attempt: impl Future<Output = Outcome<Result<T>>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Error::new(ErrorKind::Internal, "the runtime cannot be started").with_cause(error))?;
    let outcome = runtime.block_on(attempt);
    runtime.shutdown_background();
    outcome.unwrap_or_else(|stop| {
        Err(match stop {
            Stop::Failed(finding) => Error::new(ErrorKind::Definition, finding.found).with_hint(finding.advice),
            Stop::Skipped(reason) => Error::new(ErrorKind::Unsupported, reason),
        })
    })
}

async fn read(subject: &Subject, table: &str) -> Outcome<Result<Survey>> {
    let bench = Bench::start(subject, subject.table(table)?, |_| {}).await?;
    let (reading, error) = bench.attempt(Wanted::default()).await?;
    if let Some(error) = error {
        return Ok(Err(error));
    }
    Ok(Ok(Survey {
        rows: reading.rows.len(),
        empty_columns: empty_columns(&reading.batches)?,
        undeclared: reading.undeclared.into_iter().collect(),
        warnings: reading.warnings.into_keys().collect(),
    }))
}
