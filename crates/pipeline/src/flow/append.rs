//! Append: every row is added, and becomes durable with the checkpoint that covers it.

use arrow::array::RecordBatch;
use async_trait::async_trait;
use lakeflow_interface::Result;

use super::{Effect, Flow, Place, Target};

/// Stages rows while they are read, and commits at checkpoints only: a row that no checkpoint covers would come again.
pub(super) struct AppendFlow {
    target: Target,
    /// The last checkpoint.
    reached: Place,
    /// Whether rows came after it.
    has_uncovered_rows: bool,
}

impl AppendFlow {
    pub(super) fn new(target: Target) -> Self {
        Self { reached: target.place().clone(), target, has_uncovered_rows: false }
    }

    async fn commit(&mut self) -> Result<()> {
        let effect = Effect::inserted(self.target.staged_rows());
        self.target.commit(effect, self.reached.clone()).await
    }
}

#[async_trait]
impl Flow for AppendFlow {
    async fn upserted(&mut self, rows: RecordBatch) -> Result<()> {
        self.has_uncovered_rows = true;
        self.target.write(rows).await
    }

    /// Each change is a row, and a delete changes no row.
    async fn deleted(&mut self, rows: RecordBatch) -> Result<()> {
        self.target.warn("deleted rows were passed over: `APPEND_ONLY` keeps what was there", rows.num_rows() as u64);
        Ok(())
    }

    async fn checkpoint(&mut self, place: Place) -> Result<()> {
        self.reached = place;
        self.has_uncovered_rows = false;
        if self.target.is_due() { self.commit().await } else { Ok(()) }
    }

    async fn finish(&mut self) -> Result<()> {
        if self.target.has_news(&self.reached) { self.commit().await } else { Ok(()) }
    }

    async fn stop(&mut self) -> Result<()> {
        if self.has_uncovered_rows {
            self.target.discard();
            return Ok(());
        }
        // A refresh that was stopped before its first row keeps the table as it was.
        if self.target.has_rows() { self.commit().await } else { Ok(()) }
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn target_mut(&mut self) -> &mut Target {
        &mut self.target
    }
}
