//! `connection show NAME`: a connection as it is stored, secrets hidden.

use std::collections::BTreeMap;

use lakeflow_interface::Result;
use lakeflow_python_connector::ConnectorName;
use serde_json::json;

use crate::args::ConnectionName;
use crate::exit::ExitStatus;
use crate::grid::Grid;
use crate::session::Session;

/// Shows the connection. A parameter that its source does not know is taken for a secret.
pub(crate) fn run(arguments: &ConnectionName, session: &Session) -> Result<ExitStatus> {
    let connections = session.connections()?;
    let connection = connections.get(&arguments.name)?;
    let parameters = match ConnectorName::parse(&connection.source) {
        Some(_) => Vec::new(),
        None => session.catalog()?.find(&connection.source)?.definition()?.parameters().to_vec(),
    };
    let is_public = |name: &str| parameters.iter().any(|known| known.name == name && !known.secret);
    let options: BTreeMap<&str, String> =
        connection.options.iter().map(|(name, value)| (name.as_str(), value.shown(!is_public(name)))).collect();
    session.printer.event(&json!({
        "event": "connection",
        "name": arguments.name,
        "source": connection.source,
        "options": options,
    }))?;
    session.printer.line(format_args!("source: {}", connection.source))?;
    let mut grid = Grid::new(["option", "value"]);
    for (name, value) in &options {
        grid.add([name, value.as_str()]);
    }
    if !options.is_empty() {
        session.printer.line(format_args!("\n{grid}"))?;
    }
    Ok(ExitStatus::Success)
}
