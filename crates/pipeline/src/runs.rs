//! The record of runs: a Delta table in the lakehouse, one commit a run, one row a table of the run.

use arrow::json::{LineDelimitedWriter, ReaderBuilder};
use chrono::{DateTime, SubsecRound, Utc};
use futures::TryStreamExt;
use lakeflow_interface::{Error, ErrorKind, Result, ddl};
use serde::{Deserialize, Serialize};

use crate::delta::{Destination, Lakehouse, OptimizeSettings, Scan, WriterSettings};
use crate::event::Failure;
use crate::report::{RunReport, TableReport};

/// The schema and the name of the table that holds the record.
const SCHEMA: &str = "lakeflow";
const TABLE: &str = "runs";
/// The runs between two looks at the table's files.
const TIDY_INTERVAL: u64 = 32;

const COLUMNS: &str = "run STRING, started_at TIMESTAMP, finished_at TIMESTAMP, horizon TIMESTAMP, connection STRING, \
    `table` STRING, source_table STRING, flow STRING, result STRING, evidence STRING, rows_read BIGINT, \
    rows_inserted BIGINT, rows_updated BIGINT, rows_deleted BIGINT, rows_rescued BIGINT, commits BIGINT, files BIGINT, \
    bytes BIGINT, requests BIGINT, retries BIGINT, seconds DOUBLE, `offset` STRING, warnings STRING, error_kind STRING, \
    error STRING, hint STRING";

/// What one run did to one table, as the record has it. Only what became durable is counted as inserted, updated, deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableRecord {
    /// The run's name, also found in the checkpoints that it committed.
    pub run: String,
    /// When the run began.
    pub started_at: DateTime<Utc>,
    /// When it was over.
    pub finished_at: DateTime<Utc>,
    /// What changed after this instant was left for the next run.
    pub horizon: DateTime<Utc>,
    /// The connection that was read.
    pub connection: String,
    /// The destination.
    pub table: String,
    /// The table's name in the source.
    pub source_table: String,
    /// How rows got into the destination.
    pub flow: String,
    /// `complete`, `unchanged` (complete, and no row changed), `stopped` or `failed`.
    pub result: String,
    /// Why the table is believed to be complete up to the horizon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// Records that the source gave.
    pub rows_read: u64,
    /// Rows that were not there before.
    pub rows_inserted: u64,
    /// Rows that took the place of another one with the same key.
    pub rows_updated: u64,
    /// Rows that the source does not have any more.
    pub rows_deleted: u64,
    /// Rows with values that do not fit their columns.
    pub rows_rescued: u64,
    /// Commits.
    pub commits: u64,
    /// Data files that commits added.
    pub files: u64,
    /// Bytes of response bodies, after decompression.
    pub bytes: u64,
    /// Requests sent, retries included.
    pub requests: u64,
    /// Requests sent again after a failure.
    pub retries: u64,
    /// How long the table took.
    pub seconds: f64,
    /// Where the next run goes on, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<String>,
    /// What was odd, and how often, as JSON: message to count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warnings: Option<String>,
    /// The kind of the error as one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_kind: Option<String>,
    /// The error with its causes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The name of the table that holds the record.
pub(crate) fn destination() -> Result<Destination> {
    Destination::new(None, Some(SCHEMA), TABLE)
}

/// Adds a run to the record.
pub(crate) async fn record(
    lakehouse: &Lakehouse,
    connection: &str,
    started_at: DateTime<Utc>,
    report: &RunReport,
) -> Result<()> {
    let unwritten = |cause: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(ErrorKind::Internal, "the run's record cannot be made").with_cause(cause)
    };
    let finished_at = Utc::now();
    let rows: Vec<TableRecord> =
        report.tables.iter().map(|table| row(connection, (started_at, finished_at), report, table)).collect();
    let mut decoder = ReaderBuilder::new(ddl::parse(COLUMNS)?)
        .with_batch_size(rows.len().max(1))
        .build_decoder()
        .map_err(|cause| unwritten(cause.into()))?;
    decoder.serialize(&rows).map_err(|cause| unwritten(cause.into()))?;
    let Some(batch) = decoder.flush().map_err(|cause| unwritten(cause.into()))? else { return Ok(()) };
    let table = lakehouse.table(&destination()?)?;
    let state = table.append(&batch).await?;
    if state.version().is_multiple_of(TIDY_INTERVAL) {
        table.optimize(state, &OptimizeSettings::after_run(WriterSettings::default())).await?;
    }
    Ok(())
}

/// The record, the latest run first; of one run where its name, or what it begins with, is given.
///
/// # Errors
/// [`ErrorKind::NotFound`] where there is no such run.
pub async fn recorded(lakehouse: &Lakehouse, run: Option<&str>) -> Result<Vec<TableRecord>> {
    let table = lakehouse.table(&destination()?)?;
    let mut records: Vec<TableRecord> = Vec::new();
    if let Some(state) = table.load().await? {
        let mut batches = table.scan(&state, Scan::all()).await?;
        while let Some(placed) = batches.try_next().await? {
            let unreadable = |cause: Box<dyn std::error::Error + Send + Sync>| {
                Error::new(ErrorKind::Storage, "the record of runs cannot be read").with_cause(cause)
            };
            let mut writer = LineDelimitedWriter::new(Vec::new());
            writer.write(&placed.batch).and_then(|()| writer.finish()).map_err(|cause| unreadable(cause.into()))?;
            let text = writer.into_inner();
            let rows = serde_json::Deserializer::from_slice(&text).into_iter::<TableRecord>();
            for row in rows {
                let row = row.map_err(|cause| unreadable(cause.into()))?;
                if run.is_none_or(|run| row.run.starts_with(run)) {
                    records.push(row);
                }
            }
        }
    }
    match run {
        Some(run) if records.is_empty() => {
            Err(Error::new(ErrorKind::NotFound, format!("there is no record of a run `{run}`"))
                .with_hint("`community-connector runs` lists the runs; one that was killed leaves no record"))
        }
        _ => {
            records.sort_by(|a, b| {
                b.started_at.cmp(&a.started_at).then_with(|| (&a.run, &a.table).cmp(&(&b.run, &b.table)))
            });
            Ok(records)
        }
    }
}

fn row(
    connection: &str,
    (started_at, finished_at): (DateTime<Utc>, DateTime<Utc>),
    report: &RunReport,
    table: &TableReport,
) -> TableRecord {
    let (totals, failure) = (table.totals, table.error.as_ref().map(Failure::from));
    let result = match table.error.as_ref().map(Error::kind) {
        None if totals.rows.all() == 0 => "unchanged",
        None => "complete",
        Some(ErrorKind::Cancelled) => "stopped",
        Some(_) => "failed",
    };
    let warnings: serde_json::Map<_, _> =
        table.warnings.iter().map(|(message, count)| (message.clone(), (*count).into())).collect();
    TableRecord {
        run: report.run.clone(),
        started_at: started_at.trunc_subsecs(6),
        finished_at: finished_at.trunc_subsecs(6),
        horizon: report.horizon.instant().trunc_subsecs(6),
        connection: connection.to_owned(),
        table: table.table.clone(),
        source_table: table.source_table.clone(),
        flow: table.flow.to_string(),
        result: result.to_owned(),
        evidence: table.evidence.map(|evidence| evidence.as_str().to_owned()),
        rows_read: totals.rows_read,
        rows_inserted: totals.rows.inserted,
        rows_updated: totals.rows.updated,
        rows_deleted: totals.rows.deleted,
        rows_rescued: totals.rows_rescued,
        commits: totals.commits,
        files: totals.files,
        bytes: totals.bytes,
        requests: totals.requests,
        retries: totals.retries,
        seconds: table.duration.as_secs_f64(),
        offset: table.offset.as_ref().map(ToString::to_string),
        warnings: (!warnings.is_empty()).then(|| serde_json::Value::from(warnings).to_string()),
        error_kind: failure.as_ref().map(|failure| failure.kind.to_owned()),
        error: failure.as_ref().map(|failure| {
            std::iter::once(&failure.message).chain(&failure.causes).cloned().collect::<Vec<_>>().join("; caused by: ")
        }),
        hint: failure.and_then(|failure| failure.hint),
    }
}
