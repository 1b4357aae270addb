//! `history TABLE`: which commits made a table what it is.

use chrono::SecondsFormat;
use lakeflow_interface::Result;
use lakeflow_pipeline::delta::HistoryEntry;
use serde_json::json;

use super::destination;
use crate::args::HistoryArguments;
use crate::exit::ExitStatus;
use crate::grid::Grid;
use crate::session::Session;

/// Prints the commits, the latest first.
pub(crate) async fn run(arguments: &HistoryArguments, session: &Session) -> Result<ExitStatus> {
    let (table, state) = destination::load(&arguments.table, session).await?;
    let mut grid = Grid::new(["version", "at", "operation", "added", "deleted", "flow", "run"]).with_numbers([0, 3, 4]);
    for entry in table.history(&state, arguments.limit).await? {
        let mut event = json!(entry);
        event["event"] = "version".into();
        event["table"] = table.destination().to_string().into();
        session.printer.event(&event)?;
        grid.add(cells(&entry));
    }
    session.printer.line(grid)?;
    Ok(ExitStatus::Success)
}

fn cells(entry: &HistoryEntry) -> [String; 7] {
    let parameter = |name: &str| entry.parameters.get(name).cloned().unwrap_or_default();
    let metric = |name: &str| entry.metrics.get(name).cloned().unwrap_or_default();
    [
        entry.version.to_string(),
        entry.at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default(),
        entry.operation.clone(),
        metric("numOutputRows"),
        metric("numDeletedRows"),
        parameter("flow"),
        parameter("run"),
    ]
}
