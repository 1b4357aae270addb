//! One transaction: rows that appear, rows that disappear, and the checkpoint that they lead to.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use delta_kernel::FileMeta;
use delta_kernel::actions::deletion_vector::DeletionVectorDescriptor;
use delta_kernel::actions::deletion_vector_writer::StreamingDeletionVectorWriter;
use delta_kernel::committer::{Committer, FileSystemCommitter};
use delta_kernel::transaction::{
    BoundWriteContext, CommitResult, CommittedTransaction, Transaction, UpdateTableOperation,
};
use delta_kernel_default_engine::build_add_file_metadata;
use delta_kernel_default_engine::parquet::DataFileMetadata;
use lakeflow_interface::{Error, ErrorKind, Result, Retry};
use object_store::ObjectStoreExt;
use object_store::path::Path;

use super::amendment::AmendingCommitter;
use super::checkpoint::Checkpoint;
use super::deletion::{DeletedRows, Vector, read_vector};
use super::files::{FileList, LiveFile};
use super::maintenance::sum_up_log;
use super::state::TableState;
use super::storage::{internal_error, kernel_error, storage_error};
use super::table::{DeltaTable, ENGINE_INFO};
use super::writer::StagedFile;

/// What a commit does, for the table's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Rows are added.
    Append,
    /// Changed rows take the place of their former versions.
    Upsert,
    /// The differences between a complete snapshot and the table are applied.
    Snapshot,
    /// All rows are replaced.
    Refresh,
}

impl Operation {
    fn as_delta(self) -> UpdateTableOperation {
        match self {
            Self::Append | Self::Refresh => UpdateTableOperation::Write,
            Self::Upsert | Self::Snapshot => UpdateTableOperation::Merge,
        }
    }

    fn mode(self) -> &'static str {
        match self {
            Self::Append => "Append",
            Self::Upsert => "Upsert",
            Self::Snapshot => "Snapshot",
            Self::Refresh => "Overwrite",
        }
    }
}

/// What one transaction carries.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The flow that commits.
    pub flow: String,
    /// What the commit does, for the table's history.
    pub operation: Operation,
    /// The place that the flow has reached once this is committed; its batch must be a greater one than the table's.
    pub checkpoint: Checkpoint,
    /// The data files that appear.
    pub staged: Vec<StagedFile>,
    /// The rows that disappear.
    pub deleted: DeletedRows,
}

enum Outcome {
    Committed(Box<TableState>),
    Conflicted,
}

impl DeltaTable {
    /// Commits on top of a state: all of it or nothing.
    ///
    /// Where somebody else committed first, nothing changes and the error is an [`ErrorKind::Conflict`] that says what moved;
    /// its retry is [`Retry::Now`] where others only added or rearranged files, so that the commit may be repeated on the state that
    /// [`DeltaTable::moved`] gives. A commit that did land although its answer was lost is recognised by its checkpoint.
    pub async fn commit(&self, state: &TableState, commit: Commit) -> Result<TableState> {
        self.check_batch(state, &commit)?;
        let files = match state.replacement.is_some() || !commit.deleted.is_empty() {
            true => Some(Arc::clone(state.file_list().await?)),
            false => None,
        };
        let commit = Arc::new(commit);
        let attempt = Attempt { table: self.clone(), state: state.clone(), commit: Arc::clone(&commit), files };
        match self.blocking(move || attempt.run()).await {
            Ok(Outcome::Committed(state)) => Ok(*state),
            Ok(Outcome::Conflicted) => self.resolve(state, &commit).await,
            Err(error) if error.kind() == ErrorKind::Storage => self.landed(&commit, error).await,
            Err(error) => Err(error),
        }
    }

    fn check_batch(&self, state: &TableState, commit: &Commit) -> Result<()> {
        match state.checkpoint(&commit.flow) {
            Some(last) if last.batch >= commit.checkpoint.batch => {
                let message = format!("batch {} is committed already", commit.checkpoint.batch);
                Err(self.located(Error::new(ErrorKind::Conflict, message).with_context("flow", &commit.flow)))
            }
            _ => Ok(()),
        }
    }

    /// The state after all, if the lost commit is there.
    async fn landed(&self, commit: &Commit, error: Error) -> Result<TableState> {
        match self.load().await {
            Ok(Some(state)) if state.checkpoint(&commit.flow) == Some(&commit.checkpoint) => Ok(state),
            _ => Err(error),
        }
    }

    async fn resolve(&self, state: &TableState, commit: &Commit) -> Result<TableState> {
        let moved = self.moved(state, &commit.flow).await?;
        let now = moved.state.checkpoint(&commit.flow);
        if now == Some(&commit.checkpoint) {
            return Ok(moved.state);
        }
        let (from, to) = (state.version(), moved.state.version());
        let error = match now {
            Some(now) if moved.flow_moved => {
                let message = format!("the flow moved on: run `{}` committed its batch {}", now.run, now.batch);
                Error::new(ErrorKind::Conflict, message)
                    .with_hint("another run of this pipeline is at work; let it finish and run again")
            }
            _ => {
                Error::new(ErrorKind::Conflict, format!("another writer changed the table from version {from} to {to}"))
                    .with_retry(if moved.leaves_room_for(&commit.deleted) { Retry::Now } else { Retry::Never })
                    .with_hint("run again; if it happens again, find out what else writes to this table")
            }
        };
        Err(self.located(error.with_context("flow", &commit.flow)))
    }
}

/// One attempt to commit, on a thread that may block.
struct Attempt {
    table: DeltaTable,
    state: TableState,
    commit: Arc<Commit>,
    /// The table's files, where the commit has to do with them.
    files: Option<Arc<FileList>>,
}

impl Attempt {
    fn run(&self) -> Result<Outcome> {
        let failed = |cause| kernel_error("the commit cannot be written", cause);
        let mut transaction = self.begin()?;
        let context = transaction
            .write_state()
            .and_then(|state| state.write_context_builder().build())
            .map_err(|cause| kernel_error("the table cannot be written", cause))?;
        add_files(&self.table, &mut transaction, &context, &self.commit.staged)?;
        if self.state.replacement.is_some() {
            self.remove_all(&mut transaction)?;
        } else if !self.commit.deleted.is_empty() {
            self.delete(&mut transaction, &context)?;
        }
        match transaction.commit(self.table.engine()).map_err(failed)? {
            CommitResult::Committed(committed) => Ok(Outcome::Committed(Box::new(self.after(&committed)?))),
            CommitResult::Conflicted(_) => Ok(Outcome::Conflicted),
            CommitResult::Retryable(retryable) => Err(failed(retryable.error)),
        }
    }

    fn begin(&self) -> Result<Transaction> {
        let Commit { flow, operation, checkpoint, staged, deleted } = &*self.commit;
        let committer: Box<dyn Committer> = match &self.state.replacement {
            Some(replacement) => Box::new(AmendingCommitter::new(Arc::clone(&replacement.actions), self.table.clone())),
            None => Box::new(FileSystemCommitter::new()),
        };
        let rows: u64 = staged.iter().map(|file| file.rows).sum();
        let metrics =
            [("numOutputRows", rows), ("numAddedFiles", staged.len() as u64), ("numDeletedRows", deleted.len())];
        let parameters = [("mode", operation.mode()), ("flow", flow.as_str()), ("run", checkpoint.run.as_str())];
        Arc::clone(&self.state.snapshot)
            .update_table(operation.as_delta(), ENGINE_INFO, true)
            .with_operation_parameters(parameters.map(|(name, value)| (name, Some(value))))
            .with_operation_metrics(metrics.map(|(name, value)| (name, Some(value.to_string()))))
            .with_transaction_id(flow, checkpoint.batch)
            .with_domain_metadata(Checkpoint::domain(flow), checkpoint.to_json()?)
            .build(self.table.engine(), committer)
            .map_err(|cause| kernel_error("the transaction cannot be begun", cause))
    }

    fn files(&self) -> Result<&FileList> {
        self.files.as_deref().ok_or_else(|| Error::new(ErrorKind::Internal, "the table's files were not listed"))
    }

    fn remove_all(&self, transaction: &mut Transaction) -> Result<()> {
        self.files()?.all().for_each(|files| transaction.remove_files(files));
        Ok(())
    }

    /// Marks the deleted rows; a file that has no other rows left is removed.
    fn delete(&self, transaction: &mut Transaction, context: &BoundWriteContext) -> Result<()> {
        let files = self.files()?;
        let (mut removed, mut marked) = (Vec::new(), Vec::new());
        for (path, rows) in self.commit.deleted.files() {
            let file = files.find(path).ok_or_else(|| {
                Error::new(ErrorKind::Conflict, "a file whose rows are to be deleted is gone")
                    .with_context("file", &**path)
            })?;
            let mut vector = self.present_vector(file)?;
            vector |= rows;
            match file.rows == Some(vector.len()) {
                true => removed.push(file),
                false => marked.push((file, vector)),
            }
        }
        files.only(&removed)?.into_iter().for_each(|files| transaction.remove_files(files));
        if marked.is_empty() {
            return Ok(());
        }
        let marked_files: Vec<&LiveFile> = marked.iter().map(|(file, _)| *file).collect();
        let vectors = self.write_vectors(marked, context)?;
        let rows = files.only(&marked_files)?.into_iter().map(Ok);
        transaction
            .update_deletion_vectors(vectors, rows)
            .map_err(|cause| kernel_error("rows cannot be marked as deleted", cause))
    }

    fn present_vector(&self, file: &LiveFile) -> Result<Vector> {
        match &file.deletion_vector {
            Some(descriptor) => self.table.runtime().block_on(read_vector(&self.table, descriptor)),
            None => Ok(Vector::new()),
        }
    }

    /// Writes all deletion vectors into one file.
    fn write_vectors(
        &self,
        vectors: Vec<(&LiveFile, Vector)>,
        context: &BoundWriteContext,
    ) -> Result<HashMap<String, DeletionVectorDescriptor>> {
        let failed = |cause| kernel_error("deletion vectors cannot be written", cause);
        let place = context.new_deletion_vector_path(String::new());
        let mut bytes = Vec::new();
        let mut writer = StreamingDeletionVectorWriter::new(&mut bytes);
        let mut descriptors = HashMap::with_capacity(vectors.len());
        for (file, vector) in vectors {
            let written = writer.write_deletion_vector(super::deletion::Marked(vector)).map_err(failed)?;
            descriptors.insert(file.path.to_string(), written.to_descriptor(&place));
        }
        writer.finalize().map_err(failed)?;
        let url = place.absolute_path().map_err(failed)?;
        let path =
            Path::from_url_path(url.path()).map_err(|cause| internal_error("a deletion vector has no path", cause))?;
        self.table
            .runtime()
            .block_on(self.table.store().put(&path, bytes.into()))
            .map_err(|cause| storage_error("deletion vectors cannot be written", cause))?;
        Ok(descriptors)
    }

    /// The state after the commit. From here on nothing may fail the commit, which is durable.
    fn after(&self, committed: &CommittedTransaction) -> Result<TableState> {
        let mut checkpoints = self.state.checkpoints.clone();
        checkpoints.insert(self.commit.flow.clone(), self.commit.checkpoint.clone());
        succeed(&self.state, committed, checkpoints)
    }
}

/// The state after a commit on top of another; sums up the log when it is time.
pub(super) fn succeed(
    state: &TableState,
    committed: &CommittedTransaction,
    checkpoints: BTreeMap<String, Checkpoint>,
) -> Result<TableState> {
    let table = &state.table;
    let since_checkpoint = committed.post_commit_stats().commits_since_checkpoint;
    let (None, Some(snapshot)) = (&state.replacement, committed.post_commit_snapshot()) else {
        // The kernel's own snapshot knows nothing of a replaced schema.
        let snapshot = sum_up_log(table, table.snapshot()?, since_checkpoint);
        return TableState::new(table.clone(), snapshot, checkpoints);
    };
    // A list that cannot be brought up to date is read anew when it is needed.
    let files = state.known_files().and_then(|files| files.advanced(snapshot, table.engine()).ok());
    let snapshot = sum_up_log(table, Arc::clone(snapshot), since_checkpoint);
    let next = state.followed_by(snapshot, checkpoints);
    Ok(match files {
        Some(files) => next.with_files(Arc::new(files)),
        None => next,
    })
}

/// Adds data files to a transaction.
pub(super) fn add_files(
    table: &DeltaTable,
    transaction: &mut Transaction,
    context: &BoundWriteContext,
    staged: &[StagedFile],
) -> Result<()> {
    for file in staged {
        let location = table.location().join(&file.path);
        let location = location.map_err(|cause| internal_error("a data file has a path that is no URL", cause))?;
        let meta = FileMeta::new(location, file.modified, file.size);
        let metadata = build_add_file_metadata(DataFileMetadata::new(meta, file.stats.clone()), context);
        transaction.add_files(metadata.map_err(|cause| kernel_error("a data file cannot be added", cause))?);
    }
    Ok(())
}
