//! Rows at hand, held and fetched: compared by their values, and written as versions.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{RecordBatch, new_null_array};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::{Schema, SchemaRef};
use lakeflow_interface::{ColumnPath, Error, ErrorKind, Result};

use super::super::Target;
use super::super::changes::{HeldPlace, Intake};
use super::super::columns::{columns, with_column, with_joined};
use super::super::keys::{Comparable, Digest};
use super::timeline::Sequence;
use super::{END_AT, START_AT, spanned};
use crate::delta::{PlacedBatch, conform};

/// The number of rows that are put together at a time.
const WRITTEN_ROWS: usize = 8 << 10;

/// Rows at hand: the held ones, and behind them those that were fetched.
pub(super) struct Pool {
    batches: Vec<RecordBatch>,
    digests: Vec<Vec<Digest>>,
    fetched: HashMap<Arc<str>, HashMap<u64, HeldPlace>>,
    schema: SchemaRef,
    digester: Digester,
}

/// Rows of the table, and what they come to.
pub(super) struct Fetched {
    placed: PlacedBatch,
    digests: Vec<Digest>,
}

impl Pool {
    pub(super) fn new(schema: &SchemaRef, intake: &Intake, held: &[RecordBatch]) -> Result<Self> {
        let digester = Digester::new(schema, intake.sequence.clone())?;
        let digests = held.iter().map(|batch| digester.digests(batch)).collect::<Result<_>>()?;
        Ok(Self { batches: held.to_vec(), digests, fetched: HashMap::new(), schema: Arc::clone(schema), digester })
    }

    /// Rows of the table as they can be compared with the held ones.
    pub(super) fn digested(&self, placed: &PlacedBatch) -> Result<Fetched> {
        let mut placed = placed.clone();
        placed.batch = conform(&placed.batch, &self.schema)?;
        let digests = self.digester.digests(&placed.batch)?;
        Ok(Fetched { placed, digests })
    }

    /// Adds rows that were fetched.
    pub(super) fn add(&mut self, fetched: Fetched) {
        let Fetched { placed, digests } = fetched;
        let number = self.batches.len() as u32;
        let places = self.fetched.entry(Arc::clone(&placed.file)).or_default();
        for row in 0..placed.batch.num_rows() {
            places.insert(placed.position(row), (number, row as u32));
        }
        self.digests.push(digests);
        self.batches.push(placed.batch);
    }

    /// Where a fetched row is.
    pub(super) fn fetched(&self, file: &Arc<str>, position: u64) -> Option<HeldPlace> {
        self.fetched.get(file)?.get(&position).copied()
    }

    /// What a row's values come to.
    pub(super) fn digest(&self, place: HeldPlace) -> Digest {
        self.digests[place.0 as usize][place.1 as usize]
    }
}

/// What rows come to, whatever their sequences and spans are.
struct Digester {
    sequence: Vec<ColumnPath>,
    rows: Comparable,
}

impl Digester {
    fn new(schema: &Schema, sequence: Vec<ColumnPath>) -> Result<Self> {
        let empty = RecordBatch::new_empty(Arc::new(schema.clone()));
        Ok(Self { sequence, rows: Comparable::like(empty.columns())? })
    }

    fn digests(&self, rows: &RecordBatch) -> Result<Vec<Digest>> {
        let mut rows = rows.clone();
        let unset = [START_AT, END_AT].map(|name| name.parse::<ColumnPath>());
        for path in self.sequence.iter().cloned().map(Ok).chain(unset) {
            let path = path?;
            let column = &columns(&rows, std::slice::from_ref(&path))?[0];
            rows = with_column(&rows, path.parts(), &new_null_array(column.data_type(), column.len()))?;
        }
        self.rows.digests(rows.columns())
    }
}

/// Writes rows as versions of these spans.
pub(super) async fn write(
    target: &mut Target,
    intake: &Intake,
    pool: Pool,
    written: &[(HeldPlace, Sequence, Option<Sequence>)],
) -> Result<()> {
    let sources: Vec<&RecordBatch> = pool.batches.iter().collect();
    for part in written.chunks(WRITTEN_ROWS) {
        let places: Vec<_> = part.iter().map(|(place, ..)| (place.0 as usize, place.1 as usize)).collect();
        let rows = interleave_record_batch(&sources, &places)
            .map_err(|cause| Error::new(ErrorKind::Internal, "versions cannot be put together").with_cause(cause))?;
        let start = intake.comparable_sequence.values(part.iter().map(|(_, start, _)| &**start))?;
        let none = intake.comparable_sequence.rows(&[new_null_array(start.data_type(), 1)])?;
        let none = none.row(0);
        let ends = part.iter().map(|(_, _, end)| end.as_deref().unwrap_or(none.as_ref()));
        let end = intake.comparable_sequence.values(ends)?;
        let rows = with_joined(&rows, &intake.sequence, &start)?;
        target.write(spanned(&rows, &start, &end)?).await?;
    }
    Ok(())
}
