//! Flows: how the rows of one table get into its destination.
//!
//! A flow takes typed rows and checkpoints in their order and decides what each commit carries. What is the same for all
//! of them, the table, its writer and the commit itself, is the [`Target`]. A new kind of flow is a new implementation of
//! [`Flow`] and an arm of [`FlowKind::start`]; the engine knows none of them.

mod append;
mod changes;
mod columns;
mod history;
mod keys;
mod snapshot;
mod target;
mod tombstones;
mod upsert;

use std::fmt;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use lakeflow_interface::{Error, ErrorKind, Offset, Result};
use serde::Serialize;

use crate::delta::Checkpoint;

pub(crate) use history::{END_AT, START_AT};
use target::Effect;
pub(crate) use target::{Target, TargetSettings, check_ours};

/// How rows get into a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowKind {
    /// Every row is added.
    Append,
    /// The latest row of each key takes the place of the one before.
    Upsert,
    /// Every version of each row is kept, with the span of the sequence in which it was the current one.
    History,
    /// The table is made equal to the source's.
    Snapshot,
    /// The current versions are made equal to the source's rows, and those before are kept.
    SnapshotHistory,
}

impl FlowKind {
    /// The name in events and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Upsert => "upsert",
            Self::History => "history",
            Self::Snapshot => "snapshot",
            Self::SnapshotHistory => "snapshot_history",
        }
    }

    /// Whether versions of rows are kept, in the columns `__START_AT` and `__END_AT`.
    pub fn keeps_history(self) -> bool {
        matches!(self, Self::History | Self::SnapshotHistory)
    }

    /// A flow of this kind into a target.
    pub(crate) fn start(self, target: Target) -> Box<dyn Flow> {
        match self {
            Self::Append => Box::new(append::AppendFlow::new(target)),
            Self::Upsert | Self::History => Box::new(changes::ChangesFlow::new(target)),
            Self::Snapshot | Self::SnapshotHistory => Box::new(snapshot::SnapshotFlow::new(target)),
        }
    }
}

impl fmt::Display for FlowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How far both reads of a table have come; flows commit it and look no further into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) offset: Offset,
    /// Where the read of deleted rows goes on, if there ever was one.
    pub(crate) deletes_offset: Option<Offset>,
}

impl Place {
    fn of(checkpoint: &Checkpoint) -> Self {
        Self { offset: checkpoint.offset.clone(), deletes_offset: checkpoint.deletes_offset.clone() }
    }
}

/// One table on its way to one destination. Dropping it loses nothing that is committed.
#[async_trait]
pub(crate) trait Flow: Send {
    /// Takes rows that were inserted or updated.
    async fn upserted(&mut self, rows: RecordBatch) -> Result<()>;

    /// Takes rows that were deleted: their keys and sequence are set.
    async fn deleted(&mut self, _rows: RecordBatch) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, "the source gave deleted rows, which this flow does not apply"))
    }

    /// More rows come before the next checkpoint; the moment for those who may commit without one.
    async fn between_checkpoints(&mut self) -> Result<()> {
        Ok(())
    }

    /// All rows before this are complete up to this place.
    async fn checkpoint(&mut self, place: Place) -> Result<()>;

    /// The read is over; makes durable what is not yet.
    async fn finish(&mut self) -> Result<()>;

    /// The read was stopped; makes durable what a checkpoint covers, and drops the rest.
    async fn stop(&mut self) -> Result<()>;

    /// Where the rows go.
    fn target(&self) -> &Target;

    /// Where the rows go.
    fn target_mut(&mut self) -> &mut Target;
}
