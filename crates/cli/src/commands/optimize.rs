//! `optimize TABLE…`: small files joined, deleted rows purged, clustered tables sorted.

use lakeflow_interface::Result;
use lakeflow_pipeline::delta::OptimizeSettings;
use serde_json::json;

use super::destination;
use crate::args::OptimizeArguments;
use crate::exit::ExitStatus;
use crate::figures::{bytes, counted};
use crate::session::Session;

/// Rewrites what is worth it, table by table.
pub(crate) async fn run(arguments: &OptimizeArguments, session: &Session) -> Result<ExitStatus> {
    let settings = OptimizeSettings { full: arguments.full, ..OptimizeSettings::default() };
    for name in &arguments.tables {
        let (table, state) = destination::load(name, session).await?;
        let (_, done) = table.optimize(state, &settings).await?;
        let destination = table.destination().to_string();
        let mut event = json!(done);
        event["event"] = "optimized".into();
        event["table"] = destination.as_str().into();
        session.printer.event(&event)?;
        session.printer.line(match done.commits {
            0 => format!("{destination}: nothing to rewrite"),
            _ => format!(
                "{destination}: {} ({}) became {} ({}), {} purged, version {}",
                counted(done.files_removed, "file"),
                bytes(done.bytes_removed),
                counted(done.files_added, "file"),
                bytes(done.bytes_added),
                counted(done.rows_purged, "deleted row"),
                done.version
            ),
        })?;
    }
    Ok(ExitStatus::Success)
}
