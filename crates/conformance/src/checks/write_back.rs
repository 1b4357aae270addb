//! Rows that tests write: an insert, an update and a delete in the source are seen by the reads after them.

use std::time::Duration;

use lakeflow_interface::{
    ColumnPath, Error, ErrorKind, Horizon, IngestionType, LakeflowConnect, Offset, ReadContext, Result,
    SupportsWriteBack, WritableTable, WrittenRow,
};
use lakeflow_simulator::Advance;
use serde_json::Value as Json;

use super::offsets::order;
use crate::bench::{Bench, Wanted};
use crate::case::Trial;
use crate::check::{Check, Need, Scope};
use crate::comparison::{short, value_at};
use crate::finding::{At, Finding, Outcome, Stop, told};
use crate::reading::Reading;

/// How often a live source is asked until it shows what was written.
const ATTEMPTS: u32 = 6;

pub(super) const WRITTEN_ROWS_ARE_READ: Check = Check {
    name: "written_rows_are_read",
    demand: "A row that is inserted into the source is in the next read, with the values that were written; so are its new \
             values after an update.",
    advice: "compare `write_back` with the API's documentation, and `cursor_field` with what the API moves on a write",
    scope: Scope::Table,
    needs: &[Need::WriteBack],
    run: |trial| Box::pin(written_rows_are_read(trial)),
};

async fn written_rows_are_read(trial: &Trial<'_>) -> Outcome {
    let writing = Writing::begin(trial).await?;
    let inserted = writing.insert().await?;
    let outcome = writing.insert_and_update_are_read(&inserted).await;
    writing.clean_up(&inserted, outcome).await
}

pub(super) const WRITTEN_DELETES_ARRIVE: Check = Check {
    name: "written_deletes_arrive",
    demand: "A row that is inserted and then deleted in the source is told as deleted, or missing from the next snapshot.",
    advice: "compare `write_back.delete` and `deletes` of the table with the API's documentation",
    scope: Scope::Table,
    needs: &[Need::WriteBack],
    run: |trial| Box::pin(written_deletes_arrive(trial)),
};

async fn written_deletes_arrive(trial: &Trial<'_>) -> Outcome {
    let kind = trial.metadata().await?.ingestion_type;
    let writing = Writing::begin(trial).await?;
    if !writing.able.can_delete || !matches!(kind, IngestionType::Snapshot | IngestionType::CdcWithDeletes) {
        return Err(Stop::Skipped(format!("the table is `{kind}`, or its rows cannot be deleted")));
    }
    let inserted = writing.insert().await?;
    let outcome = writing.delete_is_told(kind, &inserted).await;
    match outcome {
        Ok(()) => Ok(()),
        failed => writing.clean_up(&inserted, failed).await,
    }
}

/// A table that is written to.
struct Writing<'t> {
    bench: Bench<'t>,
    connector: std::sync::Arc<dyn LakeflowConnect>,
    able: WritableTable,
    /// By which the latest of several rows is told.
    cursor: Option<ColumnPath>,
    /// Where the reads after a write begin.
    start: Wanted<'static>,
}

impl<'t> Writing<'t> {
    async fn begin(trial: &Trial<'t>) -> Outcome<Self> {
        let bench = trial.bench().await?;
        let connector = bench.connector()?;
        let name = &trial.table.name;
        let able = writer(connector.as_ref())?.writable_tables().into_iter().find(|able| able.table == *name);
        let Some(able) = able else { return Err(Stop::Skipped("rows cannot be written to the table".to_owned())) };
        let start = if !trial.is_live() {
            Wanted::from(bench.read().await?.end()?)
        } else if trial.table.input("start_date").is_some() {
            // All of a live table may be long: what was written is behind this instant.
            let since = bench.clock() - chrono::Duration::minutes(5);
            Wanted::default().with(&[("start_date", since.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))])
        } else {
            Wanted::default()
        };
        let cursor = trial.metadata().await?.cursor_field;
        Ok(Self { bench, connector, able, cursor, start })
    }

    async fn insert(&self) -> Outcome<WrittenRow> {
        let (table, options) = (&self.able.table, self.bench.options(&[]));
        let written = writer(self.connector.as_ref())?.insert_row(table, &options, &self.context()).await;
        let written = written.map_err(|error| Finding::new("an insert", told(&error)).at("`write_back.insert`"))?;
        self.pass_time()?;
        Ok(written)
    }

    async fn insert_and_update_are_read(&self, inserted: &WrittenRow) -> Outcome {
        self.is_read(inserted).await.at(|| "after the insert".to_owned())?;
        if !self.able.can_update {
            return Ok(());
        }
        let (table, options) = (&self.able.table, self.bench.options(&[]));
        let updated = writer(self.connector.as_ref())?.update_row(table, inserted, &options, &self.context()).await;
        let updated = updated.map_err(|error| Finding::new("an update", told(&error)).at("`write_back.update`"))?;
        self.pass_time()?;
        self.is_read(&updated).await.at(|| "after the update".to_owned())
    }

    async fn delete_is_told(&self, kind: IngestionType, inserted: &WrittenRow) -> Outcome {
        self.is_read(inserted).await.at(|| "after the insert".to_owned())?;
        let before = self.bench.read_deletes(&Offset::beginning()).await?;
        self.delete(inserted).await?;
        self.pass_time()?;
        let is_told = |reading: &Reading, deletes: Option<&Reading>| match kind {
            IngestionType::Snapshot => !reading.rows.iter().any(|row| is_row(row, inserted)),
            _ => {
                let deletes = deletes.map(|deletes| deletes.deletes.as_slice()).unwrap_or_default();
                reading.deletes.iter().chain(deletes).any(|row| is_row(row, inserted))
            }
        };
        for attempt in 0..self.attempts() {
            self.wait(attempt).await;
            let reading = self.bench.read_wanted(self.start.clone()).await?;
            let deletes = match &before {
                Some(before) => self.bench.read_deletes(before.end()?).await?,
                None => None,
            };
            if is_told(&reading, deletes.as_ref()) {
                return Ok(());
            }
        }
        let finding = Finding::new(format!("the row {} to be told as deleted", keys(inserted)), "nothing of it");
        Err(finding.at("the read after `write_back.delete`").into())
    }

    /// Whether a read gives the row with the values that were written.
    async fn is_read(&self, written: &WrittenRow) -> Outcome {
        let mut found = "no such row".to_owned();
        for attempt in 0..self.attempts() {
            self.wait(attempt).await;
            let reading = self.bench.read_wanted(self.start.clone()).await?;
            match self.latest(&reading.rows, written).map(|row| difference(row, written)) {
                Some(None) => return Ok(()),
                Some(Some(difference)) => found = difference,
                None => found = format!("{} other rows", reading.rows.len()),
            }
        }
        Err(Finding::new(format!("the row {} with the values that were written", keys(written)), found).into())
    }

    /// Of the rows that are the written one, the one with the greatest cursor; of equal ones the last.
    fn latest<'r>(&self, rows: &'r [Json], written: &WrittenRow) -> Option<&'r Json> {
        let cursor = |row: &Json| self.cursor.as_ref().map_or(0.0, |field| order(value_at(row, field)));
        let own = rows.iter().filter(|row| is_row(row, written));
        own.max_by(|a, b| cursor(a).total_cmp(&cursor(b)))
    }

    async fn delete(&self, row: &WrittenRow) -> Outcome {
        let (table, options) = (&self.able.table, self.bench.options(&[]));
        let deleted = writer(self.connector.as_ref())?.delete_row(table, row, &options, &self.context()).await;
        deleted.map_err(|error| Finding::new("a delete", told(&error)).at("`write_back.delete`").into())
    }

    /// Removes what was made, whatever became of the check.
    async fn clean_up(&self, row: &WrittenRow, outcome: Outcome) -> Outcome {
        if !self.able.can_delete {
            return outcome;
        }
        let deleted = self.delete(row).await.at(|| format!("the test row {} is still there", keys(row)));
        outcome.and(deleted)
    }

    fn context(&self) -> ReadContext {
        ReadContext::new(Horizon::at(self.bench.clock()))
    }

    /// Lets the simulator's clock go on, so that what was written lies before the horizon of the next read.
    fn pass_time(&self) -> Result<()> {
        if self.bench.is_live() { Ok(()) } else { self.bench.advance(Advance::new()) }
    }

    fn attempts(&self) -> u32 {
        if self.bench.is_live() { ATTEMPTS } else { 1 }
    }

    /// Live sources show what was written a while later.
    async fn wait(&self, attempt: u32) {
        if attempt > 0 {
            tokio::time::sleep(Duration::from_secs(1 << attempt)).await;
        }
    }
}

fn writer(connector: &dyn LakeflowConnect) -> Result<&dyn SupportsWriteBack> {
    connector.write_back().ok_or_else(|| Error::new(ErrorKind::Unsupported, "the connector cannot write"))
}

fn is_row(row: &Json, written: &WrittenRow) -> bool {
    written.keys.iter().all(|(path, value)| text_at(row, path).as_deref() == Some(value))
}

/// The first value that is not what was written.
fn difference(row: &Json, written: &WrittenRow) -> Option<String> {
    let differs = written.columns.iter().find(|(path, value)| text_at(row, path).as_ref() != Some(value));
    differs.map(|(path, value)| {
        let found = path.parse().map(|path: ColumnPath| short(value_at(row, &path))).unwrap_or_default();
        format!("`{path}` is {found}, `{value}` was written")
    })
}

fn text_at(row: &Json, path: &str) -> Option<String> {
    let path: ColumnPath = path.parse().ok()?;
    match value_at(row, &path) {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn keys(row: &WrittenRow) -> String {
    row.keys.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}
