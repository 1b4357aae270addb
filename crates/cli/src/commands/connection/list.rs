//! `connection list`: the connections and where they lead.

use lakeflow_interface::Result;
use serde_json::json;

use crate::exit::ExitStatus;
use crate::grid::Grid;
use crate::session::Session;

/// Lists the connections.
pub(crate) fn run(session: &Session) -> Result<ExitStatus> {
    let connections = session.connections()?;
    let mut grid = Grid::new(["name", "source"]);
    let mut any = false;
    for (name, connection) in connections.iter() {
        any = true;
        grid.add([name, connection.source.as_str()]);
        session.printer.event(&json!({"event": "connection", "name": name, "source": connection.source}))?;
    }
    if any {
        session.printer.line(grid)?;
    } else {
        session.printer.status("there are no connections yet: `community-connector connection create SOURCE NAME`");
    }
    Ok(ExitStatus::Success)
}
