//! `drift FILE SOURCE`: what a recording of the live source shows that its simulator and schemas do not know.

use lakeflow_interface::Result;
use lakeflow_simulator::{Cassette, Drift};
use serde_json::json;

use crate::args::DriftArguments;
use crate::exit::ExitStatus;
use crate::figures::counted;
use crate::grid::Grid;
use crate::session::Session;

/// Prints what differs.
pub(crate) async fn run(arguments: &DriftArguments, session: &Session) -> Result<ExitStatus> {
    let cassette = Cassette::load(&arguments.cassette)?;
    let source = session.catalog()?.find_or_folder(&arguments.source)?;
    let schemas = source.definition()?.record_schemas();
    let drift = Drift::of(&cassette, &source.simulator()?, &schemas).await?;
    let mut grid = Grid::new(["endpoint", "place", "difference"]);
    for finding in &drift.findings {
        grid.add([finding.endpoint.clone(), finding.place.clone(), finding.difference.clone()]);
        let mut event = json!(finding);
        event["event"] = "drift".into();
        session.printer.event(&event)?;
    }
    if !drift.findings.is_empty() {
        session.printer.line(grid)?;
    }
    let (compared, found) = (counted(drift.compared, "answer"), counted(drift.findings.len() as u64, "difference"));
    session.printer.status(format_args!("compared {compared}: {found}"));
    Ok(ExitStatus::Success)
}
