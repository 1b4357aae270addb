//! `show TABLE`: rows of a destination table in the lakehouse.

use futures::TryStreamExt;
use lakeflow_interface::Result;
use lakeflow_pipeline::delta::Scan;

use super::destination;
use crate::args::ShowArguments;
use crate::exit::ExitStatus;
use crate::rows::RowPrinter;
use crate::session::Session;

/// Prints the rows.
pub(crate) async fn run(arguments: &ShowArguments, session: &Session) -> Result<ExitStatus> {
    let (table, state) = destination::load(&arguments.table, session).await?;
    let mut rows = RowPrinter::new(&session.printer, state.schema(), &arguments.rows)?;
    let scan = match rows.remaining() {
        // One more tells whether there are more.
        Some(limit) => Scan::all().with_limit(limit.saturating_add(1)),
        None => Scan::all(),
    };
    let mut batches = table.scan(&state, scan).await?;
    while let Some(placed) = batches.try_next().await? {
        if !rows.write(&placed.batch)? {
            break;
        }
    }
    rows.finish()?;
    Ok(ExitStatus::Success)
}
