//! `record CONNECTION TABLE… --to FILE`: reads tables and keeps what the source answers.

use std::path::Path;

use futures::TryStreamExt;
use lakeflow_interface::{Horizon, LakeflowConnect, Offset, ReadContext, ReadItem, Records, Result, TableOptions};
use lakeflow_simulator::Recorder;
use serde_json::json;

use crate::args::RecordArguments;
use crate::exit::ExitStatus;
use crate::figures::counted;
use crate::session::Session;

/// The most elements of a list that a recording keeps, where the user does not say how many.
pub(crate) const KEPT: usize = 10;

/// Reads the tables; what was answered until an error is kept too.
pub(crate) async fn run(arguments: &RecordArguments, session: &Session) -> Result<ExitStatus> {
    let keep = usize::try_from(arguments.keep).unwrap_or(usize::MAX);
    let (recorded, recorder) = session.recording(&arguments.connection, keep).await?;
    let outcome = read(arguments, &recorded).await;
    save(&recorder, &arguments.to, session)?;
    outcome.map(|()| ExitStatus::Success)
}

/// Writes what a recorder has kept, and says so.
pub(crate) fn save(recorder: &Recorder, file: &Path, session: &Session) -> Result<()> {
    let cassette = recorder.cassette();
    cassette.save(file)?;
    let (kept, path) = (cassette.exchanges.len() as u64, file.display().to_string());
    session.printer.event(&json!({"event": "recorded", "file": path, "exchanges": kept}))?;
    session.printer.status(format_args!(
        "kept {} in `{path}`, without secrets, e-mail addresses and what else was recognised as personal; read it before \
         you pass it on",
        counted(kept, "answer")
    ));
    if cassette.left_out > 0 {
        let left_out = counted(cassette.left_out, "later answer");
        session.printer.warning(format_args!("{left_out} did not fit into `{path}`"), None);
    }
    Ok(())
}

async fn read(arguments: &RecordArguments, session: &Session) -> Result<()> {
    let connector = session.connect(&arguments.connection).await?;
    let options: TableOptions = arguments.options.options.iter().map(|option| (&option.key, &option.value)).collect();
    for table in &arguments.tables {
        read_table(connector.as_ref(), table, &options, arguments.limit.unwrap_or(u64::MAX)).await?;
    }
    Ok(())
}

async fn read_table(connector: &dyn LakeflowConnect, table: &str, options: &TableOptions, limit: u64) -> Result<()> {
    let context = ReadContext::new(Horizon::now());
    let mut items = connector.read_table(table, &Offset::beginning(), options, &context).await?;
    let mut rows = 0;
    while let Some(item) = items.try_next().await? {
        rows += match item {
            ReadItem::Records(Records::Json(records)) => records.len() as u64,
            ReadItem::Records(Records::Arrow(batch)) => batch.num_rows() as u64,
            ReadItem::Deletes(_) | ReadItem::Checkpoint(_) => 0,
        };
        if rows >= limit {
            break;
        }
    }
    Ok(())
}
