//! The destination table that a command is about.

use lakeflow_interface::{Error, ErrorKind, Result};
use lakeflow_pipeline::delta::{DeltaTable, Destination, Lakehouse, TableState};

use crate::session::Session;

/// The table and its newest version; an error where there is none.
pub(super) async fn load(name: &str, session: &Session) -> Result<(DeltaTable, TableState)> {
    let destination: Destination = name.parse()?;
    let table = Lakehouse::open(&session.lakehouse)?.table(&destination)?;
    let state = table.load().await?.ok_or_else(|| missing(&destination, &session.lakehouse))?;
    Ok((table, state))
}

fn missing(destination: &Destination, lakehouse: &str) -> Error {
    Error::new(ErrorKind::Configuration, format!("there is no table `{destination}` in the lakehouse `{lakehouse}`"))
        .with_hint("`--lakehouse URL` names another lakehouse; `community-connector run SPEC` fills one")
}
