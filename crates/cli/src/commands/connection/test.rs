//! `connection test NAME`: asks the source whether a connection works.

use lakeflow_interface::Result;
use serde_json::json;

use crate::args::ConnectionName;
use crate::exit::ExitStatus;
use crate::session::Session;

/// Makes the request that tells whether the connection works.
pub(crate) async fn run(arguments: &ConnectionName, session: &Session) -> Result<ExitStatus> {
    let name = &arguments.name;
    let connector = session.connect(name).await?;
    connector.check_connection().await.map_err(|error| error.with_context("connection", name))?;
    session.printer.event(&json!({"event": "connection_works", "name": name}))?;
    session.printer.status(format_args!("connection `{name}` works"));
    Ok(ExitStatus::Success)
}
