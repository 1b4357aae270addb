//! What turns the present table into a snapshot.

use std::collections::hash_map;
use std::sync::Arc;

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::BooleanBuffer;
use lakeflow_interface::Result;

use super::super::keys::{Digest, DigestMap};
use super::digests::{Digests, Entry};
use crate::delta::DeletedRows;

/// Bits of a place that hold the row's position in its file; the rest holds the file.
const POSITION_BITS: u32 = 40;

/// The rows of the snapshot to insert, and those of the table to delete.
pub(super) struct Difference {
    /// By position in the snapshot, whether the row is new or changed.
    pub(super) inserted: BooleanBuffer,
    pub(super) inserted_rows: u64,
    pub(super) deleted: DeletedRows,
    /// Rows of the table whose key the snapshot has with other values.
    pub(super) changed: u64,
    /// Rows of the snapshot that a later row with the same key replaced.
    pub(super) duplicates: u64,
}

/// The place of a row of the table; files count from zero.
pub(super) fn place(file: usize, position: u64) -> u64 {
    (file as u64) << POSITION_BITS | position
}

/// Compares a snapshot of `rows` rows with the table's live rows, part by part.
pub(super) fn compare(snapshot: Digests, rows: usize, live: Digests, files: &[Arc<str>]) -> Result<Difference> {
    let mut inserted = BooleanBufferBuilder::new(rows);
    inserted.append_n(rows, false);
    let mut comparison =
        Comparison { inserted, inserted_rows: 0, deleted: DeletedRows::default(), changed: 0, duplicates: 0, files };
    for (new, old) in snapshot.into_parts().zip(live.into_parts()) {
        comparison.part(new?, old?);
    }
    Ok(Difference {
        inserted: comparison.inserted.finish(),
        inserted_rows: comparison.inserted_rows,
        deleted: comparison.deleted,
        changed: comparison.changed,
        duplicates: comparison.duplicates,
    })
}

struct Comparison<'f> {
    inserted: BooleanBufferBuilder,
    inserted_rows: u64,
    deleted: DeletedRows,
    changed: u64,
    duplicates: u64,
    files: &'f [Arc<str>],
}

impl Comparison<'_> {
    /// Of rows with equal keys the last of the snapshot wins; the table keeps at most one.
    fn part(&mut self, new: Vec<Entry>, old: Vec<Entry>) {
        let mut rows: DigestMap<(Digest, u64)> = DigestMap::default();
        rows.reserve(new.len());
        for entry in new {
            match rows.entry(entry.key) {
                hash_map::Entry::Vacant(vacant) => drop(vacant.insert((entry.row, entry.place))),
                hash_map::Entry::Occupied(mut earlier) => {
                    self.duplicates += 1;
                    earlier.insert((entry.row, entry.place));
                }
            }
        }
        for entry in old {
            match rows.entry(entry.key) {
                hash_map::Entry::Occupied(same) if same.get().0 == entry.row => drop(same.remove()),
                hash_map::Entry::Occupied(_) => {
                    self.changed += 1;
                    self.delete(entry.place);
                }
                hash_map::Entry::Vacant(_) => self.delete(entry.place),
            }
        }
        for (_, position) in rows.into_values() {
            self.inserted.set_bit(position as usize, true);
            self.inserted_rows += 1;
        }
    }

    fn delete(&mut self, place: u64) {
        if let Some(file) = self.files.get((place >> POSITION_BITS) as usize) {
            self.deleted.insert(file, place & ((1 << POSITION_BITS) - 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(entries: &[(u128, u128, u64)]) -> Digests {
        let mut digests = Digests::new();
        for (key, row, place) in entries {
            digests.push(Entry { key: *key << 60, row: *row, place: *place }).unwrap();
        }
        digests
    }

    #[test]
    fn difference_has_new_changed_and_missing_rows() {
        let snapshot = digests(&[(1, 10, 0), (2, 21, 1), (4, 40, 2)]);
        let live = digests(&[(1, 10, place(0, 5)), (2, 20, place(1, 6)), (3, 30, place(1, 7))]);
        let files: [Arc<str>; 2] = ["a".into(), "b".into()];
        let difference = compare(snapshot, 3, live, &files).unwrap();
        assert_eq!(difference.inserted.iter().collect::<Vec<_>>(), [false, true, true]);
        let mut expected = DeletedRows::default();
        expected.extend(&files[1], [6, 7]);
        assert_eq!((difference.deleted, difference.inserted_rows, difference.changed), (expected, 2, 1));
        assert_eq!(difference.duplicates, 0);
    }

    #[test]
    fn last_of_equal_keys_wins_and_is_counted() {
        let difference = compare(digests(&[(1, 10, 0), (1, 11, 1)]), 2, digests(&[]), &[]).unwrap();
        assert_eq!(difference.inserted.iter().collect::<Vec<_>>(), [false, true]);
        assert_eq!(difference.duplicates, 1);
    }

    #[test]
    fn row_that_the_table_holds_twice_is_deleted_once() {
        let live = digests(&[(1, 10, place(0, 0)), (1, 10, place(0, 1))]);
        let files: [Arc<str>; 1] = ["a".into()];
        let difference = compare(digests(&[(1, 10, 0)]), 1, live, &files).unwrap();
        assert_eq!((difference.inserted_rows, difference.deleted.len()), (0, 1));
    }
}
