//! The table that closes a run, and the errors of the tables that failed.

use lakeflow_interface::{Error, ErrorKind, Result};
use lakeflow_pipeline::{RunReport, TableReport};

use crate::exit::ExitStatus;
use crate::figures::{count, time};
use crate::grid::Grid;
use crate::printer::Printer;

const HEADINGS: [&str; 10] =
    ["table", "flow", "read", "inserted", "updated", "deleted", "rescued", "requests", "time", "result"];

/// Prints what the run has done, and says how the program ends.
pub(crate) fn print_report(report: &RunReport, printer: &Printer) -> Result<ExitStatus> {
    let mut grid = Grid::new(HEADINGS).with_numbers(2..9);
    for table in &report.tables {
        grid.add(row(table));
    }
    printer.line(grid)?;
    for (table, error) in report.failures().filter(|(_, error)| error.kind() != ErrorKind::Cancelled) {
        printer.table_error(&table.table, error);
    }
    Ok(status(report))
}

fn row(table: &TableReport) -> [String; 10] {
    let totals = &table.totals;
    [
        table.table.clone(),
        table.flow.to_string(),
        count(totals.rows_read),
        count(totals.rows.inserted),
        count(totals.rows.updated),
        count(totals.rows.deleted),
        count(totals.rows_rescued),
        count(totals.requests),
        time(table.duration),
        result(table),
    ]
}

/// How the table ended, and why it is believed to be complete.
fn result(table: &TableReport) -> String {
    let result = match table.error.as_ref().map(Error::kind) {
        None if table.totals.rows.all() == 0 => "unchanged",
        None => "complete",
        Some(ErrorKind::Cancelled) => "stopped",
        Some(_) => "failed",
    };
    match table.evidence {
        Some(evidence) => format!("{result}: {}", evidence.as_str()),
        None => result.to_owned(),
    }
}

fn status(report: &RunReport) -> ExitStatus {
    let failed = report.failures().count();
    match failed {
        0 => ExitStatus::Success,
        _ if report.is_cancelled() => ExitStatus::Interrupted,
        _ if failed < report.tables.len() => ExitStatus::Partial,
        _ => report.failures().map(|(_, error)| ExitStatus::of(error)).next().unwrap_or(ExitStatus::Failure),
    }
}
