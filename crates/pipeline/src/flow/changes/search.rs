//! A look at the table: its rows where a held key may be, searched on several threads.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use arrow::array::Array;
use futures::{StreamExt, TryStreamExt};
use lakeflow_interface::{ColumnPath, Error, ErrorKind, Result};
use tokio::task::spawn_blocking;

use super::super::columns::columns;
use super::{Held, Intake};
use crate::delta::{ColumnRange, ColumnValues, DeltaTable, KeySieve, PlacedBatch, Scan, TableState};

/// Has a searcher look at all batches of a scan, several at a time, and gives what it finds in each, and the searcher.
pub(in crate::flow) async fn search<S, T>(
    table: &DeltaTable,
    state: &TableState,
    scan: Scan,
    searcher: S,
    look: fn(&S, &PlacedBatch) -> Result<T>,
) -> Result<(S, Vec<T>)>
where
    S: Send + Sync + 'static,
    T: Send + 'static,
{
    let searcher = Arc::new(searcher);
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let searched = table.scan(state, scan).await?.map_ok(|placed| {
        let searcher = Arc::clone(&searcher);
        async move { spawn_blocking(move || look(&searcher, &placed)).await.map_err(cut_off)? }
    });
    let mut hits = searched.try_buffer_unordered(threads).boxed();
    let mut found = Vec::new();
    while let Some(hit) = hits.try_next().await? {
        found.push(hit);
    }
    drop(hits);
    let searcher = Arc::into_inner(searcher)
        .ok_or_else(|| Error::new(ErrorKind::Internal, "a search of the table has not ended"))?;
    Ok((searcher, found))
}

fn cut_off(cause: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Internal, "a search of the table was cut off").with_cause(cause)
}

/// The scan of the keys and more columns, without files, parts of files and most rows that have none of the held keys.
pub(in crate::flow) fn narrowed(columns: &[ColumnPath], intake: &Intake, held: &Held) -> Result<Scan> {
    let scan = Scan::columns(intake.keys.iter().chain(columns).cloned());
    Ok(scan.with_ranges(ranges(intake, held)?).with_values(values(intake, held)?).with_sieve(sieve(intake, held)?))
}

/// The held keys themselves, folded.
fn sieve(intake: &Intake, held: &Held) -> Result<Option<KeySieve>> {
    let keys = held.batches().iter().map(|batch| columns(batch, &intake.keys)).collect::<Result<Vec<_>>>()?;
    Ok(KeySieve::of(&keys))
}

/// The held keys themselves, column by column, where they are few.
fn values(intake: &Intake, held: &Held) -> Result<Vec<ColumnValues>> {
    let mut values = Vec::new();
    for path in &intake.keys {
        let batches = held.batches().iter().map(|batch| columns(batch, std::slice::from_ref(path)));
        let batches = batches.collect::<Result<Vec<_>>>()?;
        values.extend(ColumnValues::of(path.clone(), batches.iter().flatten()));
    }
    Ok(values)
}

/// The ranges of the held keys, of columns that are never null: what is null has no place in a range.
fn ranges(intake: &Intake, held: &Held) -> Result<Vec<ColumnRange>> {
    let mut ranges = Vec::new();
    for path in &intake.keys {
        let mut whole: Option<ColumnRange> = None;
        let mut is_bounded = true;
        for batch in held.batches().iter().filter(|batch| batch.num_rows() > 0) {
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
