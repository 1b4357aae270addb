//! Upsert: the latest row of each key takes the place of the one before.
//!
//! Replaying an upsert changes nothing, so rows may become durable between checkpoints, with the offset of the checkpoint
//! before. Rows of new keys are staged at once; rows of keys that the table may have are held back, so that one look at
//! the table finds what many of them replace. While a table is filled for the first time its keys are remembered, and
//! only a key that comes again costs a look.

mod held;
mod lookup;

use arrow::array::{Array, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::row::Rows;
use async_trait::async_trait;
use lakeflow_interface::records::{BadValues, RESCUED_DATA};
use lakeflow_interface::{ColumnPath, Error, ErrorKind, Offset, Result};

use self::held::{Held, select};
use super::keys::{Comparable, Digest, ShortDigestSet, columns, shortened};
use super::{Flow, Target};
use crate::delta::DeletedRows;
use crate::plan::PlannedTable;

/// Keys that are remembered while a table is filled for the first time; beyond that the table is asked.
const REMEMBERED_KEYS: usize = 2_000_000;

/// See the module.
pub(super) struct UpsertFlow {
    target: Target,
    columns: Option<Columns>,
    /// All keys of the table and of what is staged; none where they are not known.
    known: Option<ShortDigestSet>,
    held: Held,
    /// Rows without a key that the last checkpoint covers, and those that none covers yet.
    keyless: (Vec<RecordBatch>, Vec<RecordBatch>),
    /// The last checkpoint.
    reached: Offset,
}

/// How keys and sequences are read from rows.
pub(super) struct Columns {
    keys: Vec<ColumnPath>,
    sequence: [ColumnPath; 1],
    comparable_keys: Comparable,
    comparable_sequence: Comparable,
}

/// What rows say of themselves.
struct Read {
    keys: Vec<Option<Digest>>,
    sequences: Rows,
    /// Rows whose sequence is null.
    unordered: Option<NullBuffer>,
}

impl Columns {
    fn new(plan: &PlannedTable, rows: &RecordBatch) -> Result<Self> {
        let sequence = plan.sequence_by.clone().ok_or_else(|| {
            Error::new(ErrorKind::Internal, "an upsert has no sequence").with_context("table", &plan.source_table)
        })?;
        let (keys, sequence) = (plan.primary_keys.clone(), [sequence]);
        Ok(Self {
            comparable_keys: Comparable::like(&columns(rows, &keys)?)?,
            comparable_sequence: Comparable::like(&columns(rows, &sequence)?)?,
            keys,
            sequence,
        })
    }

    fn read(&self, rows: &RecordBatch) -> Result<Read> {
        let keys = self.comparable_keys.keys(&columns(rows, &self.keys)?)?;
        let sequence = columns(rows, &self.sequence)?;
        let unordered = sequence[0].logical_nulls();
        Ok(Read { keys, sequences: self.comparable_sequence.rows(&sequence)?, unordered })
    }
}

impl UpsertFlow {
    pub(super) fn new(target: Target) -> Self {
        Self {
            reached: target.offset().clone(),
            target,
            columns: None,
            known: None,
            held: Held::default(),
            keyless: (Vec::new(), Vec::new()),
        }
    }

    async fn read(&mut self, rows: &RecordBatch) -> Result<Read> {
        if let Some(columns) = &self.columns {
            return columns.read(rows);
        }
        self.known = self.target.is_blank().await?.then(ShortDigestSet::default);
        self.columns.insert(Columns::new(self.target.plan(), rows)?).read(rows)
    }

    fn columns(&self) -> Result<&Columns> {
        self.columns.as_ref().ok_or_else(not_begun)
    }

    /// Counts rows that lack a key or a sequence, unless they are rescued already.
    fn count_incomplete(&mut self, rows: &RecordBatch, read: &Read) -> Result<()> {
        let rescued = rows.column_by_name(RESCUED_DATA);
        let mut count = 0;
        for (row, key) in read.keys.iter().enumerate() {
            let is_unordered = read.unordered.as_ref().is_some_and(|nulls| nulls.is_null(row));
            if key.is_some() && !is_unordered {
                continue;
            }
            if self.target.plan().bad_values == BadValues::Fail {
                return Err(self.incomplete(if key.is_none() { "key" } else { "sequence" }));
            }
            count += u64::from(rescued.is_none_or(|column| column.is_null(row)));
        }
        self.target.count_rescued(count);
        Ok(())
    }

    fn incomplete(&self, what: &str) -> Error {
        Error::new(ErrorKind::BadValue, format!("a row has no {what}: the column is null"))
            .with_context("table", &self.target.plan().source_table)
            .with_hint("`bad_values: rescue` keeps such rows and counts them")
    }

    /// Takes out the rows without a key; they are appended.
    fn set_aside_keyless(&mut self, rows: &RecordBatch, read: &Read) -> Result<()> {
        let marked: Vec<bool> = read.keys.iter().map(Option::is_none).collect();
        let count = marked.iter().filter(|marked| **marked).count();
        if count == 0 {
            return Ok(());
        }
        self.target.warn("rows without a key were appended: nothing tells which row they replace", count as u64);
        self.keyless.1.push(select(rows.clone(), marked)?);
        let waiting = self.keyless.0.iter().chain(&self.keyless.1);
        let bytes: usize = waiting.map(RecordBatch::get_array_memory_size).sum();
        if bytes <= self.target.pending_bytes() {
            return Ok(());
        }
        let plan = self.target.plan();
        let keys = plan.primary_keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
        Err(Error::new(ErrorKind::BadValue, "too many rows have no key between two checkpoints")
            .with_context("table", &plan.source_table)
            .with_hint(format!("check `primary_keys`, now {keys}: they are null in these rows")))
    }

    /// Stages the rows whose keys are new to the table, and holds back the others.
    async fn stage_or_hold(&mut self, rows: RecordBatch, read: Read) -> Result<()> {
        let Some(known) = &mut self.known else {
            self.held.push(rows, &read.keys, read.sequences);
            return Ok(());
        };
        let is_new = |key: &Option<Digest>| key.is_some_and(|key| known.insert(shortened(key)));
        let new: Vec<bool> = read.keys.iter().map(is_new).collect();
        if known.len() > REMEMBERED_KEYS {
            self.known = None;
        }
        let others: Vec<bool> = read.keys.iter().zip(&new).map(|(key, new)| key.is_some() && !new).collect();
        if others.contains(&true) {
            let others = select(rows.clone(), others)?;
            let read = self.columns()?.read(&others)?;
            self.held.push(others, &read.keys, read.sequences);
        }
        if new.contains(&true) { self.target.write(select(rows, new)?).await } else { Ok(()) }
    }

    async fn commit_if_due(&mut self) -> Result<()> {
        let (rows, bytes) = (self.held.rows() as u64, self.held.bytes() as u64);
        if self.target.is_due_with(rows, bytes) { self.commit().await } else { Ok(()) }
    }

    /// Makes durable what is staged, then what is held back, which may replace it.
    async fn commit(&mut self) -> Result<()> {
        if !self.held.is_empty() {
            if self.target.has_rows() {
                // The offset must not cover rows that are still held back.
                let before = self.target.offset().clone();
                self.target.commit(DeletedRows::default(), before).await?;
            }
            let deleted = self.apply_held().await?;
            self.write_keyless().await?;
            if self.target.has_rows() || !deleted.is_empty() {
                self.target.commit(deleted, self.reached.clone()).await?;
            }
            return Ok(());
        }
        self.write_keyless().await?;
        if self.target.has_rows() {
            self.target.commit(DeletedRows::default(), self.reached.clone()).await
        } else {
            Ok(())
        }
    }

    /// Writes the held rows that are later than the table's, and gives the table's rows that they replace.
    async fn apply_held(&mut self) -> Result<DeletedRows> {
        let held = std::mem::take(&mut self.held);
        if self.target.is_blank().await? {
            for rows in held.into_batches()? {
                self.target.write(rows).await?;
            }
            return Ok(DeletedRows::default());
        }
        let state = self.target.prepare().await?;
        let columns = self.columns.take().ok_or_else(not_begun)?;
        let found = lookup::look_up(self.target.table(), &state, columns, held).await?;
        self.columns = Some(found.columns);
        for rows in found.held.into_batches()? {
            self.target.write(rows).await?;
        }
        Ok(found.replaced)
    }

    async fn write_keyless(&mut self) -> Result<()> {
        for rows in std::mem::take(&mut self.keyless.0) {
            self.target.write(rows).await?;
        }
        Ok(())
    }
}

fn not_begun() -> Error {
    Error::new(ErrorKind::Internal, "an upsert has not begun")
}

#[async_trait]
impl Flow for UpsertFlow {
    async fn upserted(&mut self, rows: RecordBatch) -> Result<()> {
        let rows = self.target.canonical(&rows)?;
        let read = self.read(&rows).await?;
        self.count_incomplete(&rows, &read)?;
        self.set_aside_keyless(&rows, &read)?;
        self.stage_or_hold(rows, read).await?;
        if self.held.bytes() >= self.target.pending_bytes() { self.commit().await } else { Ok(()) }
    }

    async fn between_checkpoints(&mut self) -> Result<()> {
        self.commit_if_due().await
    }

    async fn checkpoint(&mut self, offset: Offset) -> Result<()> {
        self.reached = offset;
        let covered = std::mem::take(&mut self.keyless.1);
        self.keyless.0.extend(covered);
        self.commit_if_due().await
    }

    async fn finish(&mut self) -> Result<()> {
        self.commit().await?;
        if self.target.has_news(&self.reached) {
            self.target.commit(DeletedRows::default(), self.reached.clone()).await?;
        }
        Ok(())
    }

    async fn stop(&mut self) -> Result<()> {
        self.keyless.1.clear();
        self.commit().await
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn target_mut(&mut self) -> &mut Target {
        &mut self.target
    }
}
