//! The changes of one table.

use std::collections::{BTreeMap, HashMap, HashSet};

/// Added, changed and deleted rows of one table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlay {
    added: Vec<Addition>,
    changes: HashMap<u64, Change>,
    deleted: HashSet<u64>,
    /// The rows that were added or changed and still exist, in the order of the last time.
    by_time: BTreeMap<u64, u64>,
    children: HashMap<u64, Vec<u64>>,
    sorted: Sorted,
}

/// The same in the orders in which rows are listed.
#[derive(Clone, Debug, Default)]
struct Sorted {
    by_time: Vec<u64>,
    moved: Vec<u64>,
    gone: Vec<u64>,
    gone_or_moved: Vec<u64>,
    added: Vec<u64>,
}

/// A row that was not there at the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addition {
    /// When it was added.
    pub(crate) birth: i64,
    /// The number of its parent's row.
    pub(crate) parent: u64,
    /// Its number among its parent's rows.
    pub(crate) k: u64,
    sequence: u64,
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

    /// The added rows of one parent.
    pub(crate) fn children(&self, parent: u64) -> &[u64] {
        self.children.get(&parent).map_or(&[], Vec::as_slice)
    }

    /// Added and changed rows, by the time of their last change.
    pub(crate) fn by_time(&self) -> &[u64] {
        &self.sorted.by_time
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

    /// Added rows that still exist, in order.
    pub(crate) fn added(&self) -> &[u64] {
        &self.sorted.added
    }

    /// Adds a row; `base_children` is the number of rows that its parent had at the start.
    pub(super) fn add(&mut self, slots: u64, birth: i64, parent: u64, base_children: u64, sequence: u64) -> u64 {
        let slot = slots + self.additions();
        let siblings = self.children.entry(parent).or_default();
        siblings.push(slot);
        let k = base_children + siblings.len() as u64;
        self.added.push(Addition { birth, parent, k, sequence });
        self.by_time.insert(sequence, slot);
        slot
    }

    /// Moves the cursor of a row; `anew` sets the fields of `changes` anew too.
    pub(super) fn touch(&mut self, slots: u64, slot: u64, at: i64, anew: bool, sequence: u64) {
        self.forget_time(slots, slot);
        let change = self.changes.entry(slot).or_insert(Change { at, revision: 0, sequence });
        *change = Change { at, revision: change.revision + u64::from(anew), sequence };
        self.by_time.insert(sequence, slot);
    }

    /// Deletes a row.
    pub(super) fn delete(&mut self, slots: u64, slot: u64) {
        self.forget_time(slots, slot);
        self.deleted.insert(slot);
    }

    /// Brings the listing orders up to date after some changes.
    pub(super) fn sort(&mut self, slots: u64) {
        let in_order = |mut rows: Vec<u64>| {
            rows.sort_unstable();
            rows
        };
        let by_time: Vec<u64> = self.by_time.values().copied().collect();
        let moved = self.changes.keys().copied().filter(|slot| *slot < slots && !self.deleted.contains(slot));
        let moved = in_order(moved.collect());
        let gone = in_order(self.deleted.iter().copied().filter(|slot| *slot < slots).collect());
        let gone_or_moved = in_order(gone.iter().chain(&moved).copied().collect());
        let added = (slots..slots + self.additions()).filter(|slot| !self.deleted.contains(slot)).collect();
        self.sorted = Sorted { by_time, moved, gone, gone_or_moved, added };
    }

    fn forget_time(&mut self, slots: u64, slot: u64) {
        let last = match (self.changes.get(&slot), self.addition(slot, slots)) {
            (Some(change), _) => Some(change.sequence),
            (None, Some(addition)) => Some(addition.sequence),
            (None, None) => None,
        };
        if let Some(sequence) = last {
            self.by_time.remove(&sequence);
        }
    }
}
