//! `Filter`: which records of a read are new, and how they move its position.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use chrono::{DateTime, Duration, Utc};
use lakeflow_interface::{ReadItem, Result};

use super::TableRead;
use super::pages::TablePage;
use super::position::{Position, Seen};
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
    /// Records up to the horizon that were handed on while `keeps_delivered` held.
    pub(super) delivered: Seen,
    pub(super) keeps_delivered: bool,
    /// Records of this read, or of a part of it, where one may come twice.
    repeats: Option<Repeats>,
    checkpoints: Checkpoints,
    /// Whether a record was handed on that moved the position.
    pub(super) has_moved: bool,
}

/// Records that are handed on once, by a hash of their identities.
#[derive(Default)]
struct Repeats(RandomState, HashSet<u64>);

impl Repeats {
    fn insert(&mut self, identity: &str) -> bool {
        self.1.insert(self.0.hash_one(identity))
    }

    fn contains(&self, identity: &str) -> bool {
        self.1.contains(&self.0.hash_one(identity))
    }
}

/// When a read may be resumed from the position.
#[derive(Debug, PartialEq, Eq)]
enum Checkpoints {
    Always,
    /// Not until the stretch that is being read is known to be whole.
    Withheld,
    /// What follows up to here was handed on already.
    Behind(Option<Cursor>),
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
        let (horizon, beyond_horizon) = (table.ask.horizon, table.reach.is_beyond_horizon());
        let checkpoints = Checkpoints::Always;
        Ok(Self {
            position,
            lower,
            lookback,
            horizon,
            beyond_horizon,
            delivered: Seen::default(),
            keeps_delivered: false,
            repeats: None,
            checkpoints,
            has_moved: false,
        })
    }

    /// The same filter, dropping what comes twice in this read.
    pub(super) fn dropping_repeats(mut self) -> Self {
        self.repeats = Some(Repeats::default());
        self
    }

    /// Begins a stretch, whose first page should have records of this one.
    pub(super) fn begin_stretch(&mut self, table: &TableRead, page: &TablePage) -> Result<()> {
        let mut repeats = Repeats::default();
        for identity in table.identities(page)? {
            repeats.insert(&identity);
        }
        (self.repeats, self.checkpoints) = (Some(repeats), Checkpoints::Withheld);
        Ok(())
    }

    /// Whether a page has a record of the stretch.
    pub(super) fn overlaps(&self, table: &TableRead, page: &TablePage) -> Result<bool> {
        let Some(repeats) = &self.repeats else { return Ok(false) };
        Ok(table.identities(page)?.iter().any(|identity| repeats.contains(identity)))
    }

    /// Ends a stretch in which nothing moved.
    pub(super) fn end_stretch(&mut self) {
        (self.repeats, self.checkpoints) = (None, Checkpoints::Always);
    }

    /// Goes back to where a stretch began in which something moved; what it handed on is dropped when it comes again.
    pub(super) fn go_back(&mut self, position: Position) {
        let reached = std::mem::replace(&mut self.position, position).cursor;
        self.checkpoints = Checkpoints::Behind(reached);
    }

    /// Whether the position says all that was handed on.
    pub(super) fn is_resumable(&mut self) -> bool {
        if matches!(&self.checkpoints, Checkpoints::Behind(reached) if self.position.cursor > *reached) {
            self.end_stretch();
        }
        self.checkpoints == Checkpoints::Always
    }

    /// Decides about one record; one that is new moves the position.
    pub(super) fn judge(&mut self, table: &TableRead, row: &Row<'_>) -> Verdict {
        let Some(cursor) = &row.cursor else { return self.judge_without_cursor(table, row) };
        let is_behind = cursor.is_after(self.horizon);
        if is_behind && !self.beyond_horizon {
            return Verdict::BehindHorizon;
        }
        if self.lower.as_ref().is_some_and(|lower| cursor < lower) {
            return Verdict::TooOld;
        }
        let identity = table.identity(row.value, Some(cursor));
        if self.position.seen.contains(&identity) {
            return Verdict::Known;
        }
        let is_new = self.repeats.as_mut().is_none_or(|repeats| repeats.insert(&identity))
            && !self.position.delivered.contains(&identity);
        if !is_behind {
            if self.keeps_delivered {
                self.delivered.insert(identity.clone(), cursor.clone());
            }
            self.position.note(identity, cursor, self.lookback);
            self.has_moved = true;
        }
        if is_new { Verdict::New } else { Verdict::Known }
    }

    /// A record that does not say when it changed is always new, but for one that a stretch has handed on.
    fn judge_without_cursor(&mut self, table: &TableRead, row: &Row<'_>) -> Verdict {
        let is_in_stretch = self.checkpoints != Checkpoints::Always;
        let repeats = self.repeats.as_mut().filter(|_| is_in_stretch);
        let is_new = repeats.is_none_or(|repeats| repeats.insert(&table.identity(row.value, None)));
        if is_new { Verdict::New } else { Verdict::Known }
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
