//! `vacuum TABLE…`: files that no version needs any more are deleted.

use lakeflow_interface::{Error, Result};
use lakeflow_pipeline::delta::VacuumSettings;
use serde_json::json;

use super::destination;
use crate::args::VacuumArguments;
use crate::exit::ExitStatus;
use crate::figures::{bytes, counted};
use crate::session::Session;

/// Deletes files, or tells which ones it would delete.
pub(crate) async fn run(arguments: &VacuumArguments, session: &Session) -> Result<ExitStatus> {
    let settings = VacuumSettings {
        retention: arguments.retention,
        allow_short: arguments.allow_short_retention,
        dry_run: arguments.dry_run,
    };
    for name in &arguments.tables {
        let (table, state) = destination::load(name, session).await?;
        let done = table.vacuum(&state, &settings).await.map_err(name_the_flag)?;
        let destination = table.destination().to_string();
        let mut event = json!(done);
        event["event"] = "vacuumed".into();
        event["table"] = destination.as_str().into();
        event["dry_run"] = arguments.dry_run.into();
        session.printer.event(&event)?;
        let did = if arguments.dry_run { "would be deleted" } else { "deleted" };
        let (files, size) = (counted(done.files.len() as u64, "file"), bytes(done.bytes));
        session.printer.line(format!("{destination}: {files} ({size}) {did}"))?;
        if arguments.dry_run {
            for file in &done.files {
                session.printer.line(format!("  {file}"))?;
            }
        }
    }
    Ok(ExitStatus::Success)
}

/// The library's hint does not know what its consent is called here.
fn name_the_flag(error: Error) -> Error {
    match error.message().contains("shorter than the table's") {
        true => error.with_hint(
            "readers and runs that began before may still need the files; where there are none, add \
             `--allow-short-retention`",
        ),
        false => error,
    }
}
