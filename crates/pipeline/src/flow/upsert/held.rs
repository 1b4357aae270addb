//! Changed rows that are held back until the rows that they replace are found; of equal keys the latest is kept.

use std::collections::hash_map::Entry;

use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::row::{Row, Rows};
use lakeflow_interface::{Error, ErrorKind, Result};

use super::super::keys::{Digest, DigestMap};

/// Where a held row is: its batch, and its row in there.
type Place = (u32, u32);

/// Rows with different keys, and their sequences.
#[derive(Default)]
pub(super) struct Held {
    batches: Vec<RecordBatch>,
    sequences: Vec<Rows>,
    latest: DigestMap<Place>,
    bytes: usize,
}

impl Held {
    /// Takes rows; of rows with equal keys the one with the greatest sequence stays, of equal sequences the later one.
    ///
    /// A row without a digest is passed over.
    pub(super) fn push(&mut self, batch: RecordBatch, digests: &[Option<Digest>], sequences: Rows) {
        let position = self.batches.len() as u32;
        self.bytes += batch.get_array_memory_size() + sequences.size();
        self.batches.push(batch);
        self.sequences.push(sequences);
        for (row, digest) in digests.iter().enumerate() {
            let Some(digest) = digest else { continue };
            let place = (position, row as u32);
            match self.latest.entry(*digest) {
                Entry::Vacant(vacant) => drop(vacant.insert(place)),
                Entry::Occupied(mut other) => {
                    let (batch, row) = *other.get();
                    let earlier = self.sequences[batch as usize].row(row as usize);
                    if earlier <= self.sequences[place.0 as usize].row(place.1 as usize) {
                        other.insert(place);
                    }
                }
            }
        }
    }

    /// The number of keys.
    pub(super) fn rows(&self) -> usize {
        self.latest.len()
    }

    /// The bytes in memory, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.bytes + self.latest.capacity() * size_of::<(Digest, Place)>()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.latest.is_empty()
    }

    /// Whether there is a row of a key.
    pub(super) fn has(&self, digest: Digest) -> bool {
        self.latest.contains_key(&digest)
    }

    /// The sequence of a key's row.
    pub(super) fn sequence_of(&self, digest: Digest) -> Option<Row<'_>> {
        let (batch, row) = self.latest.get(&digest)?;
        Some(self.sequences[*batch as usize].row(*row as usize))
    }

    /// Drops the row of a key.
    pub(super) fn remove(&mut self, digest: Digest) {
        self.latest.remove(&digest);
    }

    /// The batches, with rows that later ones replaced still in them.
    pub(super) fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    /// The rows that are left.
    pub(super) fn into_batches(self) -> Result<Vec<RecordBatch>> {
        let mut kept: Vec<Vec<bool>> = self.batches.iter().map(|batch| vec![false; batch.num_rows()]).collect();
        for (batch, row) in self.latest.into_values() {
            kept[batch as usize][row as usize] = true;
        }
        let batches = self.batches.into_iter().zip(kept).filter(|(_, kept)| kept.contains(&true));
        batches.map(|(batch, kept)| select(batch, kept)).collect()
    }
}

/// The rows of a batch that are marked.
pub(super) fn select(batch: RecordBatch, marked: Vec<bool>) -> Result<RecordBatch> {
    if !marked.contains(&false) {
        return Ok(batch);
    }
    filter_record_batch(&batch, &BooleanArray::from(marked))
        .map_err(|cause| Error::new(ErrorKind::Internal, "rows cannot be selected").with_cause(cause))
}
