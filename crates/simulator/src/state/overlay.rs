//! The changes of one table.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::Written;
use crate::definition::Show;
use crate::table::HappeningKind;

/// Added, changed and deleted rows of one table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlay {
    added: Vec<Addition>,
    /// What happened last to each row; for a deleted one that is the deletion.
    changes: HashMap<u64, Change>,
    deleted: HashSet<u64>,
    written: HashMap<u64, Arc<Written>>,
    /// The rows that were added, changed or deleted, in the order of the last time.
    by_time: BTreeMap<Moment, u64>,
    children: HashMap<u64, Vec<u64>>,
    sorted: Sorted,
}

/// When something happened, and how many things had happened before.
pub(crate) type Moment = (i64, u64);

/// The same in the orders in which rows are listed.
#[derive(Clone, Debug, Default)]
struct Sorted {
    by_time: Vec<u64>,
    by_time_with_deleted: Vec<u64>,
    moved: Vec<u64>,
    gone: Vec<u64>,
    gone_or_moved: Vec<u64>,
    added: Vec<u64>,
    added_with_deleted: Vec<u64>,
    deleted: Vec<u64>,
}

/// A row that was not there at the start.
#[derive(Clone, Debug)]
pub(crate) struct Addition {
    /// When it was added.
    pub(crate) birth: i64,
    /// The number of its parent's row.
    pub(crate) parent: u64,
    /// Its number among its parent's rows.
    pub(crate) k: u64,
    /// What it tells of, in a feed.
    pub(crate) happening: Option<Arc<Happening>>,
    sequence: u64,
}

/// What a row of a feed tells of: the row as it was then.
#[derive(Clone, Debug)]
pub(crate) struct Happening {
    pub(crate) kind: HappeningKind,
    pub(crate) table: usize,
    pub(crate) slot: u64,
    pub(crate) change: Option<Change>,
    pub(crate) written: Option<Arc<Written>>,
}

/// The last change of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    /// When it was.
    pub(crate) at: i64,
    /// How often fields were set anew; the cursor alone may move too.
    pub(crate) revision: u64,
    sequence: u64,
}

impl Overlay {
    /// The last change of a row.
    pub(crate) fn change(&self, slot: u64) -> Option<&Change> {
        if self.changes.is_empty() { None } else { self.changes.get(&slot) }
    }

    /// What is known of a row that was not there at the start, of so many.
    pub(crate) fn addition(&self, slot: u64, slots: u64) -> Option<&Addition> {
        self.added.get(usize::try_from(slot.checked_sub(slots)?).ok()?)
    }

    /// The number of rows ever added.
    pub(crate) fn additions(&self) -> u64 {
        self.added.len() as u64
    }

    /// Whether the row itself was deleted.
    pub(crate) fn is_deleted(&self, slot: u64) -> bool {
        !self.deleted.is_empty() && self.deleted.contains(&slot)
    }

    /// What clients wrote into a row.
    pub(crate) fn written(&self, slot: u64) -> Option<&Written> {
        if self.written.is_empty() { None } else { self.written.get(&slot).map(Arc::as_ref) }
    }

    /// The moment of what happened last to a row.
    pub(crate) fn moment(&self, slot: u64, slots: u64) -> Option<Moment> {
        match (self.change(slot), self.addition(slot, slots)) {
            (Some(change), _) => Some((change.at, change.sequence)),
            (None, Some(addition)) => Some((addition.birth, addition.sequence)),
            (None, None) => None,
        }
    }

    /// A row as it is now, for a feed to tell of.
    pub(super) fn happening(&self, kind: HappeningKind, table: usize, slot: u64) -> Happening {
        let (change, written) = (self.changes.get(&slot).copied(), self.written.get(&slot).cloned());
        Happening { kind, table, slot, change, written }
    }

    /// The added rows of one parent.
    pub(crate) fn children(&self, parent: u64) -> &[u64] {
        self.children.get(&parent).map_or(&[], Vec::as_slice)
    }

    /// Added and changed rows, by the time of their last change; with deleted ones by the time of their deletion.
    pub(crate) fn by_time(&self, show: Show) -> &[u64] {
        if show == Show::Existing { &self.sorted.by_time } else { &self.sorted.by_time_with_deleted }
    }

    /// Rows of the start that were changed, in order.
    pub(crate) fn moved(&self) -> &[u64] {
        &self.sorted.moved
    }

    /// Rows of the start that were deleted, in order.
    pub(crate) fn gone(&self) -> &[u64] {
        &self.sorted.gone
    }

    /// Rows of the start that were deleted or changed, in order.
    pub(crate) fn gone_or_moved(&self) -> &[u64] {
        &self.sorted.gone_or_moved
    }

    /// Added rows that still exist, in order; or all that were ever added.
    pub(crate) fn added(&self, show: Show) -> &[u64] {
        if show == Show::Existing { &self.sorted.added } else { &self.sorted.added_with_deleted }
    }

    /// All rows that were deleted, in order.
    pub(crate) fn deleted(&self) -> &[u64] {
        &self.sorted.deleted
    }

    /// Adds a row; `base_children` is the number of rows that its parent had at the start.
    pub(super) fn add(&mut self, slots: u64, base_children: u64, addition: NewRow) -> u64 {
        let slot = slots + self.additions();
        let NewRow { moment: (birth, sequence), parent, happening } = addition;
        let siblings = self.children.entry(parent).or_default();
        siblings.push(slot);
        let k = base_children + siblings.len() as u64;
        self.added.push(Addition { birth, parent, k, happening, sequence });
        self.by_time.insert((birth, sequence), slot);
        slot
    }

    /// Moves the cursor of a row; `anew` sets the fields of `changes` anew too.
    pub(super) fn touch(&mut self, slots: u64, slot: u64, (at, sequence): Moment, anew: bool) {
        if let Some(last) = self.moment(slot, slots) {
            self.by_time.remove(&last);
        }
        let change = self.changes.entry(slot).or_insert(Change { at, revision: 0, sequence });
        *change = Change { at, revision: change.revision + u64::from(anew), sequence };
        self.by_time.insert((at, sequence), slot);
    }

    /// Deletes a row; what was written at the paths that a deletion sets anew is forgotten.
    pub(super) fn delete(&mut self, slots: u64, slot: u64, moment: Moment, reset: &[Vec<String>]) {
        self.touch(slots, slot, moment, false);
        if let Some(written) = self.written.get(&slot) {
            let kept = written.without(reset);
            self.written.insert(slot, Arc::new(kept));
        }
        self.deleted.insert(slot);
    }

    /// Keeps what a client wrote into a row, over what was written before.
    pub(super) fn write(&mut self, slot: u64, written: &Written) {
        let earlier = self.written.get(&slot).map(|earlier| earlier.as_ref().clone()).unwrap_or_default();
        self.written.insert(slot, Arc::new(earlier.with(written)));
    }

    /// Brings the listing orders up to date after some changes.
    pub(super) fn sort(&mut self, slots: u64) {
        let in_order = |mut rows: Vec<u64>| {
            rows.sort_unstable();
            rows
        };
        let exists = |slot: &u64| !self.deleted.contains(slot);
        let by_time_with_deleted: Vec<u64> = self.by_time.values().copied().collect();
        let by_time = by_time_with_deleted.iter().copied().filter(exists).collect();
        let moved = in_order(self.changes.keys().copied().filter(|slot| *slot < slots && exists(slot)).collect());
        let deleted = in_order(self.deleted.iter().copied().collect());
        let gone: Vec<u64> = deleted.iter().copied().filter(|slot| *slot < slots).collect();
        let gone_or_moved = in_order(gone.iter().chain(&moved).copied().collect());
        let added_with_deleted: Vec<u64> = (slots..slots + self.additions()).collect();
        let added = added_with_deleted.iter().copied().filter(exists).collect();
        self.sorted =
            Sorted { by_time, by_time_with_deleted, moved, gone, gone_or_moved, added, added_with_deleted, deleted };
    }
}

/// A row to be added.
pub(super) struct NewRow {
    pub(super) moment: Moment,
    /// The number of its parent's row.
    pub(super) parent: u64,
    /// What it tells of, in a feed.
    pub(super) happening: Option<Arc<Happening>>,
}
