//! Tombstones: events that left no row in the table and still matter to events that come late.
//!
//! A delete must not be undone by an older update that arrives after it; in a history, a late change also splits what an
//! unchanged repetition had confirmed. Both are remembered for a while in small Parquet files beside the data files, in a
//! folder that Delta takes for hidden. A checkpoint names its files, so tombstones and rows become durable together.
//! The files grow like those of a log-structured tree: each is merged with the one before once it is half as large.

mod file;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, SchemaRef, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, TimeDelta, Utc};
use lakeflow_interface::{Error, ErrorKind, Result};

use super::Target;
use super::changes::{HeldPlace, Intake};
use super::columns::{columns, joined_type, with_fields};
use super::keys::{Digest, DigestMap};
use crate::delta::{DeltaTable, TombstoneFile};

/// The names of the columns that follow the keys.
const SEQUENCE: &str = "sequence";
const IS_DELETE: &str = "is_delete";
const RECORDED_AT: &str = "recorded_at";

/// An event that left no row, as bytes that compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tombstone {
    pub(super) sequence: Box<[u8]>,
    /// Whether it is a delete; else an upsert that changed nothing but the sequence.
    pub(super) is_delete: bool,
}

/// An event to remember.
pub(super) struct NewTombstone {
    /// A held row with its key.
    pub(super) row: HeldPlace,
    pub(super) sequence: Box<[u8]>,
    pub(super) is_delete: bool,
}

/// The tombstones of a table, as of its last commit.
pub(super) struct Tombstones {
    table: DeltaTable,
    files: Vec<TombstoneFile>,
    schema: SchemaRef,
    keys: usize,
    now: DateTime<Utc>,
    /// What was recorded before this is forgotten.
    cutoff: DateTime<Utc>,
}

impl Tombstones {
    pub(super) fn of(target: &Target, intake: &Intake) -> Result<Self> {
        let rows = target.canonical_schema();
        let keys = intake.keys.iter().enumerate().map(|(number, path)| {
            Ok(Field::new(format!("key_{number}"), joined_type(rows, std::slice::from_ref(path))?, true))
        });
        let added = [
            Field::new(SEQUENCE, joined_type(rows, &intake.sequence)?, true),
            Field::new(IS_DELETE, DataType::Boolean, false),
            Field::new(RECORDED_AT, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
        ];
        let keys = keys.collect::<Result<Vec<_>>>()?;
        let now = target.horizon().instant();
        let retention = TimeDelta::from_std(target.plan().tombstone_retention).unwrap_or(TimeDelta::MAX);
        Ok(Self {
            table: target.table().clone(),
            files: target.tombstones().to_vec(),
            keys: keys.len(),
            schema: with_fields(&arrow::datatypes::Schema::empty(), keys.into_iter().chain(added)),
            now,
            cutoff: now.checked_sub_signed(retention).unwrap_or(DateTime::<Utc>::MIN_UTC),
        })
    }

    /// What is remembered of some keys.
    pub(super) async fn of_keys(
        &self,
        intake: &Intake,
        is_wanted: impl Fn(Digest) -> bool,
    ) -> Result<DigestMap<Vec<Tombstone>>> {
        let mut found: DigestMap<Vec<Tombstone>> = DigestMap::default();
        for file in self.files.iter().filter(|file| file.newest >= self.cutoff) {
            for batch in self.read(file).await? {
                self.collect(&batch, intake, &is_wanted, &mut found)?;
            }
        }
        Ok(found)
    }

    fn collect(
        &self,
        batch: &RecordBatch,
        intake: &Intake,
        is_wanted: &impl Fn(Digest) -> bool,
        found: &mut DigestMap<Vec<Tombstone>>,
    ) -> Result<()> {
        let (keys, rest) = batch.columns().split_at(self.keys);
        let keys = intake.comparable_keys.keys(keys)?;
        let sequences = intake.comparable_sequence.rows(&rest[..1])?;
        let are_deletes = rest[1].as_boolean_opt().ok_or_else(misshapen)?;
        for (row, key) in keys.into_iter().enumerate() {
            if let Some(key) = key.filter(|key| is_wanted(*key)) {
                let sequence = sequences.row(row).as_ref().into();
                found.entry(key).or_default().push(Tombstone { sequence, is_delete: are_deletes.value(row) });
            }
        }
        Ok(())
    }

    /// The rows of a file that are still remembered.
    async fn read(&self, file: &TombstoneFile) -> Result<Vec<RecordBatch>> {
        let batches = file::read(&self.table, file, &self.schema).await?;
        batches.into_iter().map(|batch| self.unexpired(batch)).collect()
    }

    fn unexpired(&self, batch: RecordBatch) -> Result<RecordBatch> {
        let recorded = batch.column(self.keys + 2).as_primitive_opt::<TimestampMicrosecondType>();
        let recorded = recorded.ok_or_else(misshapen)?;
        let cutoff = self.cutoff.timestamp_micros();
        let fresh = recorded.iter().map(|at| at.is_some_and(|at| at >= cutoff)).collect();
        super::changes::select(batch, fresh)
    }

    /// The files with more tombstones: those of the next commit.
    pub(super) async fn with(
        self,
        intake: &Intake,
        held: &[RecordBatch],
        added: &[NewTombstone],
    ) -> Result<Vec<TombstoneFile>> {
        let mut newest = vec![self.batch(intake, held, added)?];
        let mut files: Vec<_> = self.files.iter().filter(|file| file.newest >= self.cutoff).cloned().collect();
        let mut rows = added.len() as u64;
        while let Some(before) = files.pop_if(|file| file.rows < rows * 2) {
            let older = self.read(&before).await?;
            rows += older.iter().map(|batch| batch.num_rows() as u64).sum::<u64>();
            newest.extend(older);
        }
        files.push(file::write(&self.table, &self.schema, &newest, self.now).await?);
        Ok(files)
    }

    fn batch(&self, intake: &Intake, held: &[RecordBatch], added: &[NewTombstone]) -> Result<RecordBatch> {
        let keys = held.iter().map(|batch| columns(batch, &intake.keys)).collect::<Result<Vec<_>>>()?;
        let places: Vec<_> = added.iter().map(|new| (new.row.0 as usize, new.row.1 as usize)).collect();
        let mut arrays = Vec::with_capacity(self.schema.fields().len());
        for key in 0..self.keys {
            let values: Vec<&dyn Array> = keys.iter().map(|columns| columns[key].as_ref()).collect();
            arrays.push(arrow::compute::interleave(&values, &places).map_err(unfit)?);
        }
        arrays.push(intake.comparable_sequence.values(added.iter().map(|new| &*new.sequence))?);
        arrays.extend(file::marks(added.iter().map(|new| new.is_delete), self.now));
        RecordBatch::try_new(SchemaRef::clone(&self.schema), arrays).map_err(unfit)
    }
}

fn misshapen() -> Error {
    Error::new(ErrorKind::Storage, "a file of tombstones is not one that this program wrote")
}

fn unfit(cause: arrow::error::ArrowError) -> Error {
    Error::new(ErrorKind::Internal, "tombstones do not fit each other").with_cause(cause)
}
