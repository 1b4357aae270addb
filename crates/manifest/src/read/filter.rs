//! `Filter`: which records of a read are new, and how they move its position.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use chrono::{DateTime, Duration, Utc};
use lakeflow_interface::{ReadItem, Result};

use super::TableRead;
use super::pages::TablePage;
use super::position::Position;
use super::rows::Row;
use crate::cursor::{Cursor, CursorKind};

/// Which records of a read are new, and how they move its position.
pub(super) struct Filter {
    pub(super) position: Position,
    /// Records before this were handed on by an earlier read, or are not asked for.
    pub(super) lower: Option<Cursor>,
    pub(super) lookback: Duration,
    pub(super) horizon: DateTime<Utc>,
    beyond_horizon: bool,
    /// Records of this read, where their order lets one come twice.
    repeats: Option<(RandomState, HashSet<u64>)>,
    /// Whether a record was handed on that moved the position.
    pub(super) has_moved: bool,
}

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is new.
    New,
    /// It was handed on before.
    Known,
    /// It lies before everything that is asked for.
    TooOld,
    /// It was changed after the run began.
    BehindHorizon,
}

impl Filter {
    pub(super) fn new(table: &TableRead, position: Position) -> Result<Self> {
        let lookback = table.lookback();
        let lower = match &position.cursor {
            Some(cursor) => Some(cursor.before(lookback)),
            None => table.start(table.cursor_kind()?),
        };
        let (horizon, beyond_horizon) = (table.ask.horizon, table.beyond_horizon);
        Ok(Self { position, lower, lookback, horizon, beyond_horizon, repeats: None, has_moved: false })
    }

    /// The same filter, dropping what comes twice in this read.
    pub(super) fn dropping_repeats(mut self) -> Self {
        self.repeats = Some((RandomState::new(), HashSet::new()));
        self
    }

    /// Decides about one record; one that is new moves the position.
    pub(super) fn judge(&mut self, table: &TableRead, row: &Row<'_>) -> Verdict {
        let Some(cursor) = &row.cursor else { return Verdict::New };
        let is_behind = cursor.is_after(self.horizon);
        if is_behind && !self.beyond_horizon {
            return Verdict::BehindHorizon;
        }
        if self.lower.as_ref().is_some_and(|lower| cursor < lower) {
            return Verdict::TooOld;
        }
        let identity = table.identity(row.value, cursor);
        if self.position.seen.contains(&identity) {
            return Verdict::Known;
        }
        if let Some((hasher, repeats)) = &mut self.repeats
            && !repeats.insert(hasher.hash_one(&identity))
        {
            return Verdict::Known;
        }
        if !is_behind {
            self.position.note(identity, cursor, self.lookback);
            self.has_moved = true;
        }
        Verdict::New
    }

    /// The new records of a page.
    pub(super) fn take(&mut self, table: &TableRead, fetched: &TablePage) -> Result<Vec<ReadItem>> {
        let mut places = Vec::new();
        for row in table.rows(fetched)? {
            if self.judge(table, &row) == Verdict::New {
                places.push(row.place);
            }
        }
        Ok(table.items(fetched, places))
    }

    /// The position with what a checkpoint needs.
    pub(super) fn checkpoint(&mut self) -> ReadItem {
        self.position.prune(self.lookback);
        ReadItem::Checkpoint(self.position.offset())
    }
}

impl TableRead {
    /// Where the user wants the first read to begin.
    pub(super) fn start(&self, kind: CursorKind) -> Option<Cursor> {
        if kind == CursorKind::Number {
            return None;
        }
        CursorKind::Instant.parse(self.values.get("start_date")?)
    }
}
