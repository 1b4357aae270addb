//! What a run tells while it goes on: one event for everything worth knowing, with names that stay.

use std::sync::Arc;

use lakeflow_interface::{Error, Offset};
use serde::Serialize;

use crate::flow::FlowKind;

/// Takes the events of a run, in the order in which they happen; called from several threads, never waited for long.
pub type Observer = Arc<dyn Fn(Event) + Send + Sync>;

/// One thing that happened. As JSON, `event` names the variant; see `docs/guides/events.md`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A run began.
    RunStarted {
        /// The run's name, also found in the checkpoints that it commits.
        run: String,
        /// What changed after this instant is left for the next run; RFC 3339.
        horizon: String,
        /// The connection that is read.
        connection: String,
        /// The tables of the run, by destination.
        tables: Vec<String>,
    },
    /// A table's turn has come.
    TableStarted {
        /// The destination, also the flow's name.
        table: String,
        /// The table's name in the source.
        source_table: String,
        /// How rows get into the destination.
        flow: FlowKind,
        /// Where the read goes on.
        offset: Offset,
        /// Whether everything is read again and replaces the table.
        full_refresh: bool,
    },
    /// How far a table has come; at most a few times a second.
    Progress {
        /// The destination.
        table: String,
        /// The counters so far.
        #[serde(flatten)]
        totals: Totals,
        /// Why the read stands still, if it does.
        #[serde(skip_serializing_if = "Option::is_none")]
        waiting: Option<Wait>,
    },
    /// Rows became durable, together with the offset that they lead to.
    Committed {
        /// The destination.
        table: String,
        /// The version of the Delta table.
        version: u64,
        /// What became of the rows.
        #[serde(flatten)]
        rows: RowCounts,
        /// Data files that it adds.
        files: u64,
        /// Where the next run goes on.
        offset: Offset,
        /// Where its read of deleted rows goes on, for a source that has one.
        #[serde(skip_serializing_if = "Option::is_none")]
        deletes_offset: Option<Offset>,
    },
    /// Rows arrived with values that do not fit their columns.
    Rescued {
        /// The destination.
        table: String,
        /// The number of these rows.
        rows: u64,
    },
    /// Something odd that did not stop the work.
    Warning {
        /// The destination.
        table: String,
        /// In words.
        message: String,
        /// How often.
        count: u64,
    },
    /// A table is complete up to the horizon.
    TableFinished {
        /// The destination.
        table: String,
        /// The final counters.
        #[serde(flatten)]
        totals: Totals,
        /// Where the next run goes on.
        offset: Offset,
        /// Why the table is believed to be complete.
        evidence: Evidence,
        /// How long it took.
        seconds: f64,
    },
    /// A table stopped before it was complete.
    TableFailed {
        /// The destination.
        table: String,
        /// The final counters.
        #[serde(flatten)]
        totals: Totals,
        /// Where the next run goes on; none where the destination could not be opened.
        #[serde(skip_serializing_if = "Option::is_none")]
        offset: Option<Offset>,
        /// How long it took.
        seconds: f64,
        /// Why.
        error: Failure,
    },
    /// The run is over.
    RunFinished {
        /// The run's name.
        run: String,
        /// The sums over all tables.
        #[serde(flatten)]
        totals: Totals,
        /// Tables that are complete up to the horizon.
        tables_finished: usize,
        /// Tables that are not.
        tables_failed: usize,
        /// How long it took.
        seconds: f64,
    },
}

/// Counters of a table, or of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Records that the source gave.
    pub rows_read: u64,
    /// What became of the rows.
    #[serde(flatten)]
    pub rows: RowCounts,
    /// Durable rows with values that do not fit their columns, or without a key or a sequence.
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
}

impl std::ops::AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.rows_read += other.rows_read;
        self.rows += other.rows;
        self.rows_rescued += other.rows_rescued;
        self.commits += other.commits;
        self.files += other.files;
        self.bytes += other.bytes;
        self.requests += other.requests;
        self.retries += other.retries;
    }
}

/// What became of the rows that commits carried; only what is durable counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RowCounts {
    /// Rows that were not there before.
    #[serde(rename = "rows_inserted")]
    pub inserted: u64,
    /// Rows that took the place of another one with the same key, in a history the place of the current version.
    #[serde(rename = "rows_updated")]
    pub updated: u64,
    /// Rows that the source does not have any more; in a history their last version was closed.
    #[serde(rename = "rows_deleted")]
    pub deleted: u64,
}

impl RowCounts {
    /// Rows of any fate.
    pub fn all(self) -> u64 {
        self.inserted + self.updated + self.deleted
    }
}

impl std::ops::AddAssign for RowCounts {
    fn add_assign(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.deleted += other.deleted;
    }
}

/// Why a table is believed to be complete up to the horizon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The source said that nothing came after the offset of the last commit.
    NothingNew,
    /// The read came to its end at a checkpoint, and all rows before it are committed.
    ReadEnded,
    /// The read of changes and that of deleted rows both came to their ends, and all their rows are committed.
    BothReadsEnded,
    /// The whole snapshot was read, and the table is equal to it.
    WholeSnapshot,
}

impl Evidence {
    /// In words, as short as a table cell wants them.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NothingNew => "nothing new",
            Self::ReadEnded => "read to its end",
            Self::BothReadsEnded => "changes and deletes read to their ends",
            Self::WholeSnapshot => "whole snapshot read",
        }
    }
}

/// Why a read stands still.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Wait {
    /// In words.
    pub reason: String,
    /// For how long from now.
    pub seconds: f64,
}

/// An error, flattened for machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The kind as one word: `rate_limited`.
    pub kind: &'static str,
    /// The message with its context.
    pub message: String,
    /// The chain of causes, outermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let mut causes = Vec::new();
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            causes.push(inner.to_string());
            cause = inner.source();
        }
        Self { kind: error.kind().as_str(), message: error.to_string(), causes, hint: error.hint().map(str::to_owned) }
    }
}
