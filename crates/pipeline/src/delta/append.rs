//! Rows added to a table that no flow fills: no checkpoint, nothing to lose, any number of writers.

use std::sync::Arc;

use arrow::array::RecordBatch;
use delta_kernel::committer::FileSystemCommitter;
use delta_kernel::transaction::{CommitResult, UpdateTableOperation};
use lakeflow_interface::{Error, ErrorKind, Result};

use super::commit::{add_files, succeed};
use super::state::TableState;
use super::storage::kernel_error;
use super::table::{DeltaTable, ENGINE_INFO, NewTable};
use super::writer::{StagedFile, WriterSettings};

/// How often a commit is tried because others committed first.
const ATTEMPTS: usize = 20;

impl DeltaTable {
    /// Adds rows in one commit; makes the table, or gives it the rows' new columns, where that is needed.
    pub async fn append(&self, rows: &RecordBatch) -> Result<TableState> {
        let state = self.load_or_create(&NewTable::new(rows.schema())).await?;
        let mut state = self.evolve(&state, &rows.schema()).await?;
        let settings = WriterSettings { encoders: 1, ..WriterSettings::default() };
        let mut writer = self.writer(&state, settings);
        writer.write(rows).await?;
        let staged = writer.finish().await?;
        for _ in 0..ATTEMPTS {
            let (handle, now, files) = (self.clone(), state.clone(), staged.clone());
            if let Some(state) = self.blocking(move || commit(&handle, &now, &files)).await? {
                return Ok(state);
            }
            state = self.load().await?.ok_or_else(|| self.located(overtaken()))?;
        }
        self.discard(staged).await;
        Err(self.located(overtaken()))
    }

    async fn load_or_create(&self, table: &NewTable) -> Result<TableState> {
        if let Some(state) = self.load().await? {
            return Ok(state);
        }
        match self.create(table).await {
            Err(error) if error.kind() == ErrorKind::Conflict => self.load().await?.ok_or(error),
            result => result,
        }
    }
}

fn overtaken() -> Error {
    Error::new(ErrorKind::Conflict, "other writers keep changing the table").with_hint("run again when they are done")
}

/// The state after the commit; none where somebody else committed that version.
fn commit(table: &DeltaTable, state: &TableState, staged: &[StagedFile]) -> Result<Option<TableState>> {
    let failed = |cause| kernel_error("the rows cannot be committed", cause);
    let mut transaction = Arc::clone(&state.snapshot)
        .update_table(UpdateTableOperation::Write, ENGINE_INFO, true)
        .with_operation_parameters([("mode", Some("Append"))])
        .with_blind_append()
        .build(table.engine(), Box::new(FileSystemCommitter::new()))
        .map_err(failed)?;
    let context = transaction.write_state().and_then(|state| state.write_context_builder().build()).map_err(failed)?;
    add_files(table, &mut transaction, &context, staged)?;
    match transaction.commit(table.engine()).map_err(failed)? {
        CommitResult::Committed(committed) => Ok(Some(succeed(state, &committed, state.checkpoints.clone())?)),
        CommitResult::Conflicted(_) => Ok(None),
        CommitResult::Retryable(retryable) => Err(failed(retryable.error)),
    }
}
