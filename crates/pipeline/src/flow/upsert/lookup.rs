//! Which rows of the table the held rows replace.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use futures::{StreamExt, TryStreamExt};
use lakeflow_interface::{Error, ErrorKind, Result};
use tokio::task::spawn_blocking;

use super::super::keys::{Digest, columns};
use super::Columns;
use super::held::Held;
use crate::delta::{ColumnRange, ColumnValues, DeletedRows, DeltaTable, PlacedBatch, Scan, TableState};

/// The held rows that are later than the table's, and the rows of the table that they replace.
pub(super) struct Found {
    pub(super) held: Held,
    pub(super) replaced: DeletedRows,
    pub(super) columns: Columns,
}

/// What several threads look at.
struct Lookup {
    held: Held,
    columns: Columns,
}

/// Rows of one file that have the key of a held row.
struct Hits {
    file: Arc<str>,
    /// Rows that a held row replaces.
    replaced: Vec<u64>,
    /// Keys whose row in the table is later than the held one.
    later: Vec<Digest>,
}

/// Reads keys and sequence of the table's rows where a held key may be.
pub(super) async fn look_up(table: &DeltaTable, state: &TableState, columns: Columns, held: Held) -> Result<Found> {
    let ranges = ranges(&columns, &held)?;
    let values = values(&columns, &held)?;
    let wanted = columns.keys.iter().chain(&columns.sequence).cloned();
    let scan = Scan::columns(wanted).with_ranges(ranges).with_values(values);
    let lookup = Arc::new(Lookup { held, columns });
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let searched = table.scan(state, scan).await?.map_ok(|placed| {
        let lookup = Arc::clone(&lookup);
        async move { spawn_blocking(move || lookup.search(&placed)).await.map_err(cut_off)? }
    });
    let mut hits = searched.try_buffer_unordered(threads).boxed();
    let (mut replaced, mut later) = (DeletedRows::default(), Vec::new());
    while let Some(found) = hits.try_next().await? {
        replaced.extend(&found.file, found.replaced);
        later.extend(found.later);
    }
    drop(hits);
    let Lookup { mut held, columns } = Arc::into_inner(lookup)
        .ok_or_else(|| Error::new(ErrorKind::Internal, "a search of the table has not ended"))?;
    later.into_iter().for_each(|key| held.remove(key));
    Ok(Found { held, replaced, columns })
}

fn cut_off(cause: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Internal, "a search of the table was cut off").with_cause(cause)
}

/// The ranges of the held keys, of columns that are never null: what is null has no place in a range.
fn ranges(columns_of: &Columns, held: &Held) -> Result<Vec<ColumnRange>> {
    let mut ranges = Vec::new();
    for path in &columns_of.keys {
        let mut whole: Option<ColumnRange> = None;
        let mut is_bounded = true;
        for batch in held.batches() {
            let column = &columns(batch, std::slice::from_ref(path))?[0];
            let range = match column.logical_null_count() {
                0 => ColumnRange::of(path.clone(), column),
                _ => None,
            };
            whole = match (whole, range) {
                (None, range) => range,
                (Some(whole), Some(range)) => whole.union(&range),
                (Some(_), None) => None,
            };
            is_bounded &= whole.is_some();
        }
        ranges.extend(whole.filter(|_| is_bounded));
    }
    Ok(ranges)
}

/// The held keys themselves, column by column, where they are few.
fn values(columns_of: &Columns, held: &Held) -> Result<Vec<ColumnValues>> {
    let mut values = Vec::new();
    for path in &columns_of.keys {
        let batches = held.batches().iter().map(|batch| columns(batch, std::slice::from_ref(path)));
        let batches = batches.collect::<Result<Vec<_>>>()?;
        values.extend(ColumnValues::of(path.clone(), batches.iter().flatten()));
    }
    Ok(values)
}

impl Lookup {
    fn search(&self, placed: &PlacedBatch) -> Result<Hits> {
        let (keys, sequence) = placed.batch.columns().split_at(self.columns.keys.len());
        let mut hits = Hits { file: Arc::clone(&placed.file), replaced: Vec::new(), later: Vec::new() };
        let found: Vec<(usize, Digest)> = self
            .columns
            .comparable_keys
            .keys(keys)?
            .into_iter()
            .enumerate()
            .filter_map(|(row, key)| key.filter(|key| self.held.has(*key)).map(|key| (row, key)))
            .collect();
        if found.is_empty() {
            return Ok(hits);
        }
        let sequences = self.columns.comparable_sequence.rows(sequence)?;
        for (row, key) in found {
            match self.held.sequence_of(key) {
                Some(held) if sequences.row(row) <= held => hits.replaced.push(placed.position(row)),
                _ => hits.later.push(key),
            }
        }
        Ok(hits)
    }
}
