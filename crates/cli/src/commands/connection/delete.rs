//! `connection delete NAME`: takes a connection out of the connections file.

use lakeflow_interface::Result;
use serde_json::json;

use crate::args::ConnectionName;
use crate::exit::ExitStatus;
use crate::session::Session;

/// Deletes the connection.
pub(crate) fn run(arguments: &ConnectionName, session: &Session) -> Result<ExitStatus> {
    let mut connections = session.connections()?;
    connections.remove(&arguments.name)?;
    connections.save()?;
    session.printer.event(&json!({"event": "connection_deleted", "name": arguments.name}))?;
    session.printer.status(format_args!("deleted connection `{}`", arguments.name));
    Ok(ExitStatus::Success)
}
