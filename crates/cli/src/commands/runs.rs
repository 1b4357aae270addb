//! `runs [RUN]`: what former runs did.

use chrono::{DateTime, SecondsFormat, Utc};
use lakeflow_interface::Result;
use lakeflow_pipeline::delta::Lakehouse;
use lakeflow_pipeline::runs::{TableRecord, recorded};
use serde_json::json;

use crate::args::RunsArguments;
use crate::exit::ExitStatus;
use crate::figures::{count, counted};
use crate::grid::Grid;
use crate::session::Session;

/// Prints the runs, the latest first, or the tables of one.
pub(crate) async fn run(arguments: &RunsArguments, session: &Session) -> Result<ExitStatus> {
    let lakehouse = Lakehouse::open(&session.lakehouse)?;
    let records = recorded(&lakehouse, arguments.run.as_deref()).await?;
    let runs: Vec<&[TableRecord]> = records.chunk_by(|a, b| a.run == b.run).take(arguments.limit).collect();
    for record in runs.iter().copied().flatten() {
        let mut event = json!(record);
        event["event"] = "table_run".into();
        session.printer.event(&event)?;
    }
    match arguments.run {
        Some(_) => print_tables(&runs, session),
        None => print_runs(&runs, session),
    }
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn print_runs(runs: &[&[TableRecord]], session: &Session) -> Result<ExitStatus> {
    let headings = ["run", "began", "connection", "tables", "read", "inserted", "updated", "deleted", "result"];
    let mut grid = Grid::new(headings).with_numbers(3..8);
    for run in runs {
        let sum = |figure: fn(&TableRecord) -> u64| count(run.iter().map(figure).sum());
        let incomplete = run.iter().filter(|table| table.error.is_some()).count() as u64;
        grid.add([
            run[0].run.clone(),
            instant(run[0].started_at),
            run[0].connection.clone(),
            count(run.len() as u64),
            sum(|table| table.rows_read),
            sum(|table| table.rows_inserted),
            sum(|table| table.rows_updated),
            sum(|table| table.rows_deleted),
            if incomplete == 0 {
                "complete".to_owned()
            } else {
                format!("{} incomplete", counted(incomplete, "table"))
            },
        ]);
    }
    session.printer.line(grid)?;
    Ok(ExitStatus::Success)
}

fn print_tables(runs: &[&[TableRecord]], session: &Session) -> Result<ExitStatus> {
    for run in runs {
        let first = &run[0];
        session.printer.line(format_args!(
            "run {} of connection `{}`, {} to {}, horizon {}",
            first.run,
            first.connection,
            instant(first.started_at),
            instant(first.finished_at),
            instant(first.horizon)
        ))?;
        let headings = ["table", "flow", "read", "inserted", "updated", "deleted", "rescued", "requests", "result"];
        let mut grid = Grid::new(headings).with_numbers(2..8);
        for table in *run {
            grid.add([
                table.table.clone(),
                table.flow.clone(),
                count(table.rows_read),
                count(table.rows_inserted),
                count(table.rows_updated),
                count(table.rows_deleted),
                count(table.rows_rescued),
                count(table.requests),
                match &table.evidence {
                    Some(evidence) => format!("{}: {evidence}", table.result),
                    None => table.result.clone(),
                },
            ]);
        }
        session.printer.line(grid)?;
        for table in *run {
            for (label, text) in [
                ("offset", &table.offset),
                ("warnings", &table.warnings),
                ("error", &table.error),
                ("hint", &table.hint),
            ] {
                if let Some(text) = text {
                    session.printer.line(format_args!("{}: {label}: {text}", table.table))?;
                }
            }
        }
    }
    Ok(ExitStatus::Success)
}
