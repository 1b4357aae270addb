//! Changes: inserts, updates and deletes by key, set against what the table has.
//!
//! Replaying a change changes nothing, so changes may become durable between checkpoints, with the place of the checkpoint
//! before. Rows of new keys are staged at once; changes of keys that the table may have are held back, so that one look
//! at the table finds what many of them meet. While a table is filled for the first time its keys are remembered, and
//! only a key that comes again costs a look. What a change does to the rows it meets is [`upsert`]'s and [`history`]'s.

mod held;
mod intake;
mod search;

use arrow::array::{Array, RecordBatch};
use async_trait::async_trait;
use lakeflow_interface::records::{BadValues, RESCUED_DATA};
use lakeflow_interface::{Error, ErrorKind, Result};

pub(super) use self::held::{Held, Place as HeldPlace, rows_at, select};
pub(super) use self::intake::Intake;
use self::intake::Read;
pub(super) use self::search::{narrowed, search};
use super::keys::{Digest, ShortDigestSet, shortened};
use super::{Effect, Flow, Place, Target, history, upsert};

/// Keys that are remembered while a table is filled for the first time; beyond that the table is asked.
const REMEMBERED_KEYS: usize = 2_000_000;

/// How many times more a history may hold back.
const HISTORY_SHARE: usize = 4;

/// See the module.
pub(super) struct ChangesFlow {
    target: Target,
    keeps_history: bool,
    intake: Option<Intake>,
    /// All keys of the table, of what is staged and of what was deleted; none where they are not known.
    known: Option<ShortDigestSet>,
    held: Held,
    /// Rows without a key that the last checkpoint covers, and those that none covers yet.
    keyless: (Vec<RecordBatch>, Vec<RecordBatch>),
    /// The last checkpoint.
    reached: Place,
}

impl ChangesFlow {
    pub(super) fn new(target: Target) -> Self {
        let keeps_history = target.plan().flow.keeps_history();
        Self {
            reached: target.place().clone(),
            target,
            keeps_history,
            intake: None,
            known: None,
            held: Held::keeping_all(keeps_history),
            keyless: (Vec::new(), Vec::new()),
        }
    }

    async fn read(&mut self, rows: &RecordBatch) -> Result<Read> {
        if let Some(intake) = &self.intake {
            return intake.read(rows);
        }
        let is_blank = self.target.is_blank().await? && self.target.tombstones().is_empty();
        self.known = is_blank.then(ShortDigestSet::default);
        self.intake.insert(Intake::new(self.target.plan(), rows)?).read(rows)
    }

    fn intake(&self) -> Result<&Intake> {
        self.intake.as_ref().ok_or_else(not_begun)
    }

    /// Counts rows that lack a key or a sequence, unless they are rescued already.
    fn count_incomplete(&mut self, rows: &RecordBatch, read: &Read) -> Result<()> {
        let rescued = rows.column_by_name(RESCUED_DATA);
        let mut count = 0;
        for (row, key) in read.keys.iter().enumerate() {
            if key.is_some() && !read.is_unordered(row) {
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
            self.held.push(rows, false, &read.keys, read.sequences);
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
            let read = self.intake()?.read(&others)?;
            self.held.push(others, false, &read.keys, read.sequences);
        }
        if new.contains(&true) { self.write(select(rows, new)?).await } else { Ok(()) }
    }

    /// Stages rows that meet no other.
    async fn write(&mut self, rows: RecordBatch) -> Result<()> {
        let rows = if self.keeps_history { history::opened(&rows, self.intake()?)? } else { rows };
        self.target.write(rows).await
    }

    /// Holds back deletes; those that lack a key or a sequence cannot be applied.
    fn hold_deletes(&mut self, rows: RecordBatch, mut read: Read) {
        let mut lost = 0;
        for row in 0..rows.num_rows() {
            if read.keys[row].is_none() || read.is_unordered(row) {
                read.keys[row] = None;
                lost += 1;
            }
        }
        if lost > 0 {
            let message = "deletes without a key or a sequence were not applied: nothing tells what they delete";
            self.target.warn(message, lost);
        }
        if let Some(known) = &mut self.known {
            known.extend(read.keys.iter().flatten().map(|key| shortened(*key)));
        }
        self.held.push(rows, true, &read.keys, read.sequences);
    }

    async fn commit_if_full(&mut self) -> Result<()> {
        // A look at a history reads whole rows too, so it should serve more changes.
        let most = self.target.pending_bytes() * if self.keeps_history { HISTORY_SHARE } else { 1 };
        if self.held.bytes() >= most { self.commit().await } else { Ok(()) }
    }

    async fn commit_if_due(&mut self) -> Result<()> {
        let (rows, bytes) = (self.held.rows() as u64, self.held.bytes() as u64);
        if self.target.is_due_with(rows, bytes) { self.commit().await } else { Ok(()) }
    }

    /// Makes durable what is staged, then what is held back, which may meet it.
    async fn commit(&mut self) -> Result<()> {
        if !self.held.is_empty() {
            if self.target.has_rows() {
                // The place must not cover changes that are still held back.
                let (before, staged) = (self.target.place().clone(), self.target.staged_rows());
                self.target.commit(Effect::inserted(staged), before).await?;
            }
            let effect = self.apply_held().await?;
            return self.commit_with(effect).await;
        }
        let staged = self.target.staged_rows();
        self.commit_with(Effect::inserted(staged)).await
    }

    /// Commits an effect, if there is any, together with the rows without a key.
    async fn commit_with(&mut self, mut effect: Effect) -> Result<()> {
        for rows in std::mem::take(&mut self.keyless.0) {
            effect.counts.inserted += rows.num_rows() as u64;
            self.write(rows).await?;
        }
        if self.target.has_rows() || !effect.is_empty() {
            self.target.commit(effect, self.reached.clone()).await?;
        }
        Ok(())
    }

    async fn apply_held(&mut self) -> Result<Effect> {
        let held = std::mem::replace(&mut self.held, Held::keeping_all(self.keeps_history));
        let intake = self.intake.take().ok_or_else(not_begun)?;
        let (intake, effect) = match self.keeps_history {
            true => history::apply(&mut self.target, intake, held).await?,
            false => upsert::apply(&mut self.target, intake, held).await?,
        };
        self.intake = Some(intake);
        Ok(effect)
    }
}

fn not_begun() -> Error {
    Error::new(ErrorKind::Internal, "the changes have not begun")
}

#[async_trait]
impl Flow for ChangesFlow {
    async fn upserted(&mut self, rows: RecordBatch) -> Result<()> {
        let rows = self.target.canonical(&rows)?;
        let read = self.read(&rows).await?;
        self.count_incomplete(&rows, &read)?;
        self.set_aside_keyless(&rows, &read)?;
        self.stage_or_hold(rows, read).await?;
        self.commit_if_full().await
    }

    async fn deleted(&mut self, rows: RecordBatch) -> Result<()> {
        let rows = self.target.canonical(&rows)?;
        let read = self.read(&rows).await?;
        self.count_incomplete(&rows, &read)?;
        self.hold_deletes(rows, read);
        self.commit_if_full().await
    }

    async fn between_checkpoints(&mut self) -> Result<()> {
        self.commit_if_due().await
    }

    async fn checkpoint(&mut self, place: Place) -> Result<()> {
        self.reached = place;
        let covered = std::mem::take(&mut self.keyless.1);
        self.keyless.0.extend(covered);
        self.commit_if_due().await
    }

    async fn finish(&mut self) -> Result<()> {
        self.commit().await?;
        if self.target.has_news(&self.reached) {
            self.target.commit(Effect::default(), self.reached.clone()).await?;
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
