//! Actions that the kernel has no words for, added to a commit of the kernel's.

use std::sync::Arc;

use delta_kernel::committer::{CommitMetadata, CommitResponse, Committer, PublishMetadata};
use delta_kernel::engine::to_json_bytes;
use delta_kernel::transaction::{CommitResult, Transaction, UpdateTableOperation};
use delta_kernel::{FileMeta, FilteredEngineData, KernelError, KernelResult, KernelResultIterator};
use lakeflow_interface::{Error, ErrorKind, Result};
use object_store::path::Path;
use object_store::{ObjectStore, PutMode};
use serde_json::Value;

use super::state::TableState;
use super::storage::{kernel_error, storage_error};
use super::table::{DeltaTable, ENGINE_INFO};

/// Writes a commit with more actions than the kernel made, if nobody wrote that version before.
pub(crate) struct AmendingCommitter {
    actions: Arc<[Value]>,
    table: DeltaTable,
}

impl AmendingCommitter {
    pub(crate) fn new(actions: Arc<[Value]>, table: DeltaTable) -> Self {
        Self { actions, table }
    }
}

impl Committer for AmendingCommitter {
    fn commit(
        &self,
        _engine: &dyn delta_kernel::Engine,
        actions: KernelResultIterator<'_, FilteredEngineData>,
        commit: CommitMetadata,
    ) -> KernelResult<CommitResponse> {
        let mut lines = to_json_bytes(actions)?;
        for action in &*self.actions {
            lines.extend(action.to_string().bytes().chain([b'\n']));
        }
        let location = commit.published_commit_path()?;
        let path = Path::from_url_path(location.path())?;
        let size = lines.len() as u64;
        let put = self.table.store().put_opts(&path, lines.into(), PutMode::Create.into());
        match self.table.runtime().block_on(put) {
            Ok(_) => {
                Ok(CommitResponse::Committed { file_meta: FileMeta::new(location, commit.in_commit_timestamp(), size) })
            }
            Err(object_store::Error::AlreadyExists { .. }) => {
                Ok(CommitResponse::Conflict { version: commit.version() })
            }
            Err(cause) => Err(KernelError::generic_err(storage_error("the commit cannot be written", cause))),
        }
    }

    fn is_catalog_committer(&self) -> bool {
        false
    }

    fn publish(&self, _engine: &dyn delta_kernel::Engine, _metadata: PublishMetadata) -> KernelResult<()> {
        Ok(())
    }
}

/// A commit that consists of other actions than rows: what it is called, and what it does.
pub(crate) struct Amendment {
    pub(crate) operation: &'static str,
    pub(crate) parameters: Vec<(&'static str, String)>,
    pub(crate) is_data_change: bool,
    pub(crate) actions: Vec<Value>,
}

impl Amendment {
    /// Commits on top of a state, on a thread that may block; `others` adds what the kernel does have words for.
    ///
    /// Somebody else's commit of the same version is an [`ErrorKind::Conflict`] error.
    pub(crate) fn commit(
        self,
        table: &DeltaTable,
        state: &TableState,
        others: impl FnOnce(&mut Transaction) -> Result<()>,
    ) -> Result<TableState> {
        let failed = |cause| kernel_error("the table cannot be changed", cause);
        let committer = AmendingCommitter::new(self.actions.into(), table.clone());
        let operation = UpdateTableOperation::Custom(self.operation.to_owned());
        let mut transaction = Arc::clone(&state.snapshot)
            .update_table(operation, ENGINE_INFO, self.is_data_change)
            .with_operation_parameters(self.parameters.into_iter().map(|(name, value)| (name, Some(value))))
            .build(table.engine(), Box::new(committer))
            .map_err(failed)?;
        others(&mut transaction)?;
        match transaction.commit(table.engine()).map_err(failed)? {
            // The kernel's own snapshot knows nothing of the amendment.
            CommitResult::Committed(_) => TableState::read(table.clone(), table.snapshot()?),
            CommitResult::Conflicted(conflict) => Err(Error::new(
                ErrorKind::Conflict,
                format!("somebody else committed version {} meanwhile", conflict.conflict_version()),
            )
            .with_hint("run again")),
            CommitResult::Retryable(retryable) => Err(failed(retryable.error)),
        }
    }
}
