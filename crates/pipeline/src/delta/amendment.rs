//! Actions that the kernel has no words for, added to a commit of the kernel's.

use std::sync::Arc;

use delta_kernel::committer::{CommitMetadata, CommitResponse, Committer, PublishMetadata};
use delta_kernel::engine::to_json_bytes;
use delta_kernel::{FileMeta, FilteredEngineData, KernelError, KernelResult, KernelResultIterator};
use object_store::path::Path;
use object_store::{ObjectStore, PutMode};
use serde_json::Value;

use super::storage::storage_error;
use super::table::DeltaTable;

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
