//! One rewrite: the rows of some files in new files, in one commit that changes no row.

use std::collections::BTreeSet;
use std::sync::Arc;

use delta_kernel::committer::FileSystemCommitter;
use delta_kernel::transaction::{CommitResult, UpdateTableOperation};
use futures::TryStreamExt;
use lakeflow_interface::{Error, ErrorKind, Result};

use super::clustering::Clustering;
use super::optimize::Optimized;
use crate::delta::commit::{add_files, succeed};
use crate::delta::files::{FileList, LiveFile};
use crate::delta::scan::{Scan, filtered_columns};
use crate::delta::state::TableState;
use crate::delta::storage::kernel_error;
use crate::delta::table::{DeltaTable, ENGINE_INFO};
use crate::delta::writer::{StagedFile, WriterSettings};

/// How often a rewrite is committed again because others committed something else.
const ATTEMPTS: usize = 20;

/// Files whose rows move to other files.
pub(super) struct Rewrite<'a> {
    table: &'a DeltaTable,
    state: TableState,
    files: Vec<LiveFile>,
    clustering: Option<Clustering>,
    writer: WriterSettings,
}

/// How a rewrite ended.
pub(super) enum Rewritten {
    Committed(Box<TableState>, Optimized),
    /// Somebody else changed the files meanwhile; this is the table now.
    Overtaken(Box<TableState>),
}

impl<'a> Rewrite<'a> {
    pub(super) async fn new(
        table: &'a DeltaTable,
        state: &TableState,
        paths: Vec<Arc<str>>,
        writer: WriterSettings,
    ) -> Result<Self> {
        let list = state.file_list().await?;
        let files = paths.iter().filter_map(|path| list.find(path).cloned()).collect();
        let clustering = Clustering::of(table, state).await?;
        Ok(Self { table, state: state.clone(), files, clustering, writer })
    }

    pub(super) async fn carry_out(self) -> Result<Rewritten> {
        let staged = self.write().await?;
        let mut state = self.state.clone();
        for _ in 0..ATTEMPTS {
            match self.commit(&state, &staged).await {
                Ok(Some(next)) => return Ok(Rewritten::Committed(Box::new(next), self.account(&staged))),
                Ok(None) => {}
                Err(error) if error.kind() == ErrorKind::Storage => return self.landed(staged, error).await,
                Err(error) => return Err(error),
            }
            let moved = self.table.moved(&state, "").await?;
            let is_untouched = moved.aftermath.is_some_and(|aftermath| {
                !aftermath.is_reshaped && !self.files.iter().any(|file| aftermath.removed.contains_key(&*file.path))
            });
            state = moved.state;
            if !is_untouched {
                break;
            }
        }
        self.table.discard(staged).await;
        Ok(Rewritten::Overtaken(Box::new(state)))
    }

    /// The commit may be in the log although its answer was lost.
    async fn landed(&self, staged: Vec<StagedFile>, error: Error) -> Result<Rewritten> {
        let (Ok(Some(state)), Some(first)) = (self.table.load().await, staged.first()) else { return Err(error) };
        match state.file_list().await?.find(&first.path).is_some() {
            true => Ok(Rewritten::Committed(Box::new(state), self.account(&staged))),
            false => Err(error),
        }
    }

    async fn write(&self) -> Result<Vec<StagedFile>> {
        let mut filters = BTreeSet::new();
        for file in &self.files {
            filters.extend(filtered_columns(self.table, file).await?);
        }
        let filters = filters.into_iter().collect();
        if let Some(clustering) = &self.clustering {
            // One encoder keeps the order.
            let settings = WriterSettings { encoders: 1, ..self.writer };
            let mut writer = self.table.writer(&self.state, settings).with_physical_filters(filters);
            clustering.write_sorted(self.table, &self.state, &self.files, &mut writer).await?;
            return writer.finish().await;
        }
        let mut writer = self.table.writer(&self.state, self.writer).with_physical_filters(filters);
        let scan = Scan::all().with_files(self.files.iter().map(|file| Arc::clone(&file.path)));
        let mut rows = self.table.scan(&self.state, scan).await?;
        while let Some(placed) = rows.try_next().await? {
            writer.write(&placed.batch).await?;
        }
        writer.finish().await
    }

    /// The state after the commit; none where somebody else committed that version.
    async fn commit(&self, state: &TableState, staged: &[StagedFile]) -> Result<Option<TableState>> {
        let list = Arc::clone(state.file_list().await?);
        let (table, state, staged) = (self.table.clone(), state.clone(), staged.to_vec());
        let paths: Vec<Arc<str>> = self.files.iter().map(|file| Arc::clone(&file.path)).collect();
        self.table.blocking(move || commit(&table, &state, &list, &paths, &staged)).await
    }

    fn account(&self, staged: &[StagedFile]) -> Optimized {
        Optimized {
            version: 0,
            commits: 1,
            files_removed: self.files.len() as u64,
            bytes_removed: self.files.iter().map(|file| file.size).sum(),
            files_added: staged.len() as u64,
            bytes_added: staged.iter().map(|file| file.size).sum(),
            rows_purged: self.files.iter().map(|file| file.deleted).sum(),
        }
    }
}

fn commit(
    table: &DeltaTable,
    state: &TableState,
    list: &FileList,
    paths: &[Arc<str>],
    staged: &[StagedFile],
) -> Result<Option<TableState>> {
    let failed = |cause| kernel_error("the rewritten files cannot be committed", cause);
    let counts = [("numRemovedFiles", paths.len()), ("numAddedFiles", staged.len())];
    let mut transaction = Arc::clone(&state.snapshot)
        .update_table(UpdateTableOperation::Optimize, ENGINE_INFO, false)
        .with_operation_metrics(counts.map(|(name, value)| (name, Some(value.to_string()))))
        .build(table.engine(), Box::new(FileSystemCommitter::new()))
        .map_err(failed)?;
    let context = transaction.write_state().and_then(|state| state.write_context_builder().build()).map_err(failed)?;
    add_files(table, &mut transaction, &context, staged)?;
    let removed: Vec<&LiveFile> = paths.iter().filter_map(|path| list.find(path)).collect();
    list.only(&removed)?.into_iter().for_each(|files| transaction.remove_files(files));
    match transaction.commit(table.engine()).map_err(failed)? {
        CommitResult::Committed(committed) => Ok(Some(succeed(state, &committed, state.checkpoints.clone())?)),
        CommitResult::Conflicted(_) => Ok(None),
        CommitResult::Retryable(retryable) => Err(failed(retryable.error)),
    }
}
