//! Changes that are held back until one look at the table finds what many of them meet there.

use std::collections::hash_map::Entry;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::row::{Row, Rows};
use lakeflow_interface::{Error, ErrorKind, Result};

use super::super::keys::{Digest, DigestMap};

/// Where a held row is: its batch, and its row in there.
pub(in crate::flow) type Place = (u32, u32);

/// What it takes to apply a change to a history, beside the row that it meets there.
const APPLYING_BYTES: usize = 512;

/// Changes by key: the latest of each, or all of them.
#[derive(Default)]
pub(in crate::flow) struct Held {
    keeps_all: bool,
    batches: Vec<RecordBatch>,
    sequences: Vec<Rows>,
    /// By batch, whether its rows were deleted.
    are_deletes: Vec<bool>,
    events: Vec<Event>,
    /// The event of a key: the latest by sequence, or the one that was read last.
    by_key: DigestMap<u32>,
    bytes: usize,
}

#[derive(Clone, Copy)]
struct Event {
    place: Place,
    /// The event of the same key that was read before; only where all are kept.
    before: Option<u32>,
}

/// One change.
#[derive(Clone, Copy)]
pub(in crate::flow) struct HeldChange<'a> {
    pub(in crate::flow) place: Place,
    pub(in crate::flow) sequence: Row<'a>,
    pub(in crate::flow) is_delete: bool,
}

impl HeldChange<'_> {
    /// Whether this counts rather than another change of its key that was read before.
    ///
    /// The greater sequence does; of equal ones a delete, and else the one that was read later.
    fn wins(&self, other: &Self) -> bool {
        (self.sequence, self.is_delete) >= (other.sequence, other.is_delete)
    }
}

impl Held {
    /// Holds all changes of a key, not only the latest.
    pub(super) fn keeping_all(keeps_all: bool) -> Self {
        Self { keeps_all, ..Self::default() }
    }

    /// Takes changes; a row without a digest is passed over.
    pub(super) fn push(&mut self, batch: RecordBatch, are_deletes: bool, digests: &[Option<Digest>], sequences: Rows) {
        let position = self.batches.len() as u32;
        self.bytes += batch.get_array_memory_size() + sequences.size();
        self.batches.push(batch);
        self.sequences.push(sequences);
        self.are_deletes.push(are_deletes);
        for (row, digest) in digests.iter().enumerate() {
            if let Some(digest) = digest {
                self.insert(*digest, (position, row as u32));
            }
        }
    }

    fn insert(&mut self, digest: Digest, place: Place) {
        let number = self.events.len() as u32;
        let before = match self.by_key.entry(digest) {
            Entry::Vacant(vacant) => {
                vacant.insert(number);
                None
            }
            Entry::Occupied(mut other) if self.keeps_all => Some(other.insert(number)),
            Entry::Occupied(other) => {
                let other = *other.get() as usize;
                if self.change(place).wins(&self.change(self.events[other].place)) {
                    self.events[other].place = place;
                }
                return;
            }
        };
        self.events.push(Event { place, before });
    }

    fn change(&self, place: Place) -> HeldChange<'_> {
        let batch = place.0 as usize;
        let (sequence, is_delete) = (self.sequences[batch].row(place.1 as usize), self.are_deletes[batch]);
        HeldChange { place, sequence, is_delete }
    }

    /// The number of changes.
    pub(in crate::flow) fn rows(&self) -> usize {
        self.events.len()
    }

    /// The bytes in memory, roughly, with those that it takes to apply the changes.
    pub(super) fn bytes(&self) -> usize {
        let index = self.by_key.capacity() * size_of::<(Digest, u32)>();
        let applying = if self.keeps_all { self.bytes + self.events.len() * APPLYING_BYTES } else { 0 };
        self.bytes + index + self.events.capacity() * size_of::<Event>() + applying
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether there is a change of a key.
    pub(in crate::flow) fn has(&self, digest: Digest) -> bool {
        self.by_key.contains_key(&digest)
    }

    /// The keys that have changes.
    pub(in crate::flow) fn keys(&self) -> impl Iterator<Item = Digest> {
        self.by_key.keys().copied()
    }

    /// The change of a key that counts, where only the latest is kept.
    pub(in crate::flow) fn latest(&self, digest: Digest) -> Option<HeldChange<'_>> {
        let event = self.by_key.get(&digest)?;
        Some(self.change(self.events[*event as usize].place))
    }

    /// The one change of a key that has no other, if it is no delete.
    pub(in crate::flow) fn only_upsert(&self, digest: Digest) -> Option<Place> {
        let event = self.events[*self.by_key.get(&digest)? as usize];
        (event.before.is_none() && !self.are_deletes[event.place.0 as usize]).then_some(event.place)
    }

    /// All changes of a key, the one that was read first in front.
    pub(in crate::flow) fn all(&self, digest: Digest) -> Vec<HeldChange<'_>> {
        let mut next = self.by_key.get(&digest).copied();
        let mut changes = Vec::new();
        while let Some(number) = next {
            let event = self.events[number as usize];
            changes.push(self.change(event.place));
            next = event.before;
        }
        changes.reverse();
        changes
    }

    /// The batches, with rows in them that do not count any more.
    pub(in crate::flow) fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }
}

/// The rows of batches at some places.
pub(in crate::flow) fn rows_at(
    batches: Vec<RecordBatch>,
    places: impl IntoIterator<Item = Place>,
) -> Result<Vec<RecordBatch>> {
    let mut kept: Vec<Vec<bool>> = batches.iter().map(|batch| vec![false; batch.num_rows()]).collect();
    for (batch, row) in places {
        kept[batch as usize][row as usize] = true;
    }
    let batches = batches.into_iter().zip(kept).filter(|(_, kept)| kept.contains(&true));
    batches.map(|(batch, kept)| select(batch, kept)).collect()
}

/// The rows of a batch that are marked.
pub(in crate::flow) fn select(batch: RecordBatch, marked: Vec<bool>) -> Result<RecordBatch> {
    if !marked.contains(&false) {
        return Ok(batch);
    }
    filter_record_batch(&batch, &BooleanArray::from(marked))
        .map_err(|cause| Error::new(ErrorKind::Internal, "rows cannot be selected").with_cause(cause))
}
