//! The report of a test: a line a table, then what is wrong, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use console::Style;
use lakeflow_conformance::{CHECKS, CaseReport, Finding, Verdict};
use lakeflow_interface::Result;
use serde_json::json;

use crate::exit::ExitStatus;
use crate::figures::{counted, time};
use crate::grid::Grid;
use crate::session::Session;

/// How many cases passed, failed and do not apply.
#[derive(Clone, Copy, Default)]
struct Tally {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Tally {
    fn of<'r>(reports: impl Iterator<Item = &'r CaseReport>) -> Self {
        let mut tally = Self::default();
        for report in reports {
            match report.verdict {
                Verdict::Passed => tally.passed += 1,
                Verdict::Skipped(_) => tally.skipped += 1,
                Verdict::Failed(_) => tally.failed += 1,
            }
        }
        tally
    }
}

/// Prints the reports; the status says whether all is well.
pub(super) fn print(reports: &[CaseReport], took: Duration, live: bool, session: &Session) -> Result<ExitStatus> {
    for report in reports {
        let mut event = json!(report);
        event["event"] = "check".into();
        event["duration_ms"] = u64::try_from(report.duration.as_millis()).unwrap_or(u64::MAX).into();
        session.printer.event(&event)?;
    }
    session.printer.line(tables(reports))?;
    for report in reports {
        match &report.verdict {
            Verdict::Failed(finding) => session.printer.line(failure(report, finding))?,
            Verdict::Skipped(reason) if session.verbose => {
                session.printer.line(format_args!("\n{}: does not apply: {reason}", title(report)))?;
            }
            _ => {}
        }
        for note in &report.notes {
            session.printer.line(format_args!("\n{}: {note}", title(report)))?;
        }
    }
    let total = Tally::of(reports.iter());
    session.printer.event(&json!({
        "event": "tested", "passed": total.passed, "failed": total.failed, "skipped": total.skipped,
    }))?;
    session.printer.line(closing(total, took, live))?;
    Ok(if total.failed == 0 { ExitStatus::Success } else { ExitStatus::Failure })
}

/// A line for the source, and one for each table.
fn tables(reports: &[CaseReport]) -> Grid {
    let mut grid = Grid::new(["", "table", "passed", "failed", "do not apply"]).with_numbers([2, 3, 4]);
    let mut of_table: BTreeMap<Option<&str>, Vec<&CaseReport>> = BTreeMap::new();
    for report in reports {
        of_table.entry(report.table.as_deref()).or_default().push(report);
    }
    for (table, reports) in of_table {
        let tally = Tally::of(reports.into_iter());
        let mark =
            if tally.failed == 0 { Style::new().green().apply_to("✓") } else { Style::new().red().apply_to("✗") };
        let figures = [tally.passed, tally.failed, tally.skipped].map(|figure| figure.to_string());
        let [passed, failed, skipped] = figures;
        grid.add([mark.to_string(), table.unwrap_or("(the source)").to_owned(), passed, failed, skipped]);
    }
    grid
}

fn title(report: &CaseReport) -> String {
    match &report.table {
        Some(table) => format!("{table}: {}", report.check),
        None => report.check.to_owned(),
    }
}

fn failure(report: &CaseReport, finding: &Finding) -> String {
    let heading = Style::new().red().bold().apply_to(title(report));
    let demand = CHECKS.iter().find(|check| check.name == report.check).map(|check| check.demand).unwrap_or_default();
    let body = finding.to_string().replace('\n', "\n  ");
    format!("\n{heading}\n  {demand}\n  {body}")
}

fn closing(total: Tally, took: Duration, live: bool) -> String {
    let Tally { passed, failed, skipped } = total;
    let failed = match failed {
        0 => "none failed".to_owned(),
        _ => format!("{} failed", counted(failed, "check")),
    };
    let live = if live { ", against the source itself" } else { "" };
    format!("\n{} passed, {failed}, {skipped} do not apply, in {}{live}", counted(passed, "check"), time(took))
}

/// The names of the tables of some reports.
pub(super) fn names(reports: &[CaseReport]) -> BTreeSet<Option<&str>> {
    reports.iter().map(|report| report.table.as_deref()).collect()
}
