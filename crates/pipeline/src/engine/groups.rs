//! Records gathered into groups that are worth a thread's while.

use std::time::Duration;

use async_stream::try_stream;
use futures::{Stream, StreamExt};
use lakeflow_interface::{Offset, ReadItem, ReadStream, Records, Result};
use tokio::time::{Instant, timeout_at};

use super::budget::{Budget, Share};
use super::options::Cadence;

/// The bytes at which a group is full.
const GROUP_BYTES: usize = 4 << 20;
/// The longest time that records wait for others.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Records that are typed together, and the checkpoint that covers them and all before.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) change: Change,
    pub(super) records: Vec<Records>,
    pub(super) checkpoint: Option<Offset>,
    pub(super) shares: Vec<Share>,
}

/// What records say about their rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Inserted or updated.
    Upserted,
    /// Deleted.
    Deleted,
}

/// When a group is closed before it is full: a commit may be due at its checkpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closing {
    rows: usize,
    bytes: usize,
    wait: Duration,
}

impl From<Cadence> for Closing {
    fn from(cadence: Cadence) -> Self {
        Self {
            rows: usize::try_from(cadence.rows).unwrap_or(usize::MAX),
            bytes: usize::try_from(cadence.bytes).unwrap_or(usize::MAX).min(GROUP_BYTES / 2),
            wait: cadence.interval.min(LONGEST_WAIT),
        }
    }
}

/// The items of a read, in groups.
pub(super) fn groups(mut items: ReadStream, budget: Budget, closing: Closing) -> impl Stream<Item = Result<Group>> {
    try_stream! {
        let mut open = Open::default();
        loop {
            let next = match open.since {
                Some(since) => timeout_at(since + closing.wait, items.next()).await,
                None => Ok(items.next().await),
            };
            // What came before a failure is as good as ever.
            if !matches!(next, Ok(Some(Ok(_)))) && let Some(group) = open.close() {
                yield group;
            }
            let item = match next {
                Err(_waited) => continue,
                Ok(None) => break,
                Ok(Some(item)) => item?,
            };
            let (change, records) = match item {
                ReadItem::Records(records) => (Change::Upserted, records),
                ReadItem::Deletes(records) => (Change::Deleted, records),
                ReadItem::Checkpoint(offset) => {
                    if let Some(group) = open.reach(offset, closing) {
                        yield group;
                    }
                    continue;
                }
            };
            if records.is_empty() {
                continue;
            }
            let free = budget.try_take(records.size());
            // Where there is no room, what is open must go on, or the tables could all wait for each other.
            if (free.is_none() || open.change != change) && let Some(group) = open.close() {
                yield group;
            }
            let share = match free {
                Some(share) => share,
                None => budget.take(records.size()).await,
            };
            if let Some(group) = open.push(change, records, share) {
                yield group;
            }
        }
    }
}

/// The group that grows.
struct Open {
    change: Change,
    records: Vec<Records>,
    checkpoint: Option<Offset>,
    shares: Vec<Share>,
    rows: usize,
    bytes: usize,
    since: Option<Instant>,
}

impl Default for Open {
    fn default() -> Self {
        Self {
            change: Change::Upserted,
            records: Vec::new(),
            checkpoint: None,
            shares: Vec::new(),
            rows: 0,
            bytes: 0,
            since: None,
        }
    }
}

impl Open {
    /// Adds records, and gives the group when it is full; a checkpoint before them is one that nobody needed.
    fn push(&mut self, change: Change, records: Records, share: Share) -> Option<Group> {
        self.change = change;
        self.checkpoint = None;
        self.rows += records.len();
        self.bytes += records.size();
        self.since.get_or_insert_with(Instant::now);
        self.records.push(records);
        self.shares.push(share);
        if self.bytes >= GROUP_BYTES { self.close() } else { None }
    }

    /// Takes a checkpoint, and gives the group where it should end there.
    fn reach(&mut self, offset: Offset, closing: Closing) -> Option<Group> {
        self.checkpoint = Some(offset);
        if self.is_due(closing) { self.close() } else { None }
    }

    /// Whether the group should end at the checkpoint that has just come.
    fn is_due(&self, closing: Closing) -> bool {
        self.records.is_empty() || self.rows >= closing.rows || self.bytes >= closing.bytes || closing.wait.is_zero()
    }

    fn close(&mut self) -> Option<Group> {
        let Self { change, records, checkpoint, shares, .. } = std::mem::take(self);
        let is_empty = records.is_empty() && checkpoint.is_none();
        (!is_empty).then_some(Group { change, records, checkpoint, shares })
    }
}
