//! `show TABLE`: rows of a destination table in the lakehouse.

use futures::TryStreamExt;
use lakeflow_interface::{Error, ErrorKind, Result};
use lakeflow_pipeline::delta::{Destination, Lakehouse, Scan};

use crate::args::ShowArguments;
use crate::exit::ExitStatus;
use crate::rows::RowPrinter;
use crate::session::Session;

/// Prints the rows.
pub(crate) async fn run(arguments: &ShowArguments, session: &Session) -> Result<ExitStatus> {
    let destination: Destination = arguments.table.parse()?;
    let table = Lakehouse::open(&session.lakehouse)?.table(&destination)?;
    let state = table.load().await?.ok_or_else(|| missing(&destination, &session.lakehouse))?;
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

fn missing(destination: &Destination, lakehouse: &str) -> Error {
    Error::new(ErrorKind::Configuration, format!("there is no table `{destination}` in the lakehouse `{lakehouse}`"))
        .with_hint("`--lakehouse URL` names another lakehouse; `community-connector run SPEC` fills one")
}
