//! One version of a table: its schema, its checkpoints, its live files.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use delta_kernel::committer::FileSystemCommitter;
use delta_kernel::expressions::ColumnName;
use delta_kernel::schema as delta;
use delta_kernel::snapshot::SnapshotRef;
use delta_kernel::transaction::UpdateTableOperation;
use lakeflow_interface::{Error, ErrorKind, Result};
use tokio::sync::OnceCell;

use super::checkpoint::Checkpoint;
use super::deletion::DeletedRows;
use super::files::{FileList, LiveFile};
use super::lakehouse::Engine;
use super::log::Aftermath;
use super::replacement::Replacement;
use super::schema::{to_arrow, to_physical_arrow};
use super::storage::kernel_error;
use super::table::{DeltaTable, ENGINE_INFO};

/// One version of a Delta table, as it was when it was loaded or committed.
#[derive(Clone)]
pub struct TableState {
    pub(crate) table: DeltaTable,
    pub(crate) snapshot: SnapshotRef,
    pub(crate) layout: Arc<Layout>,
    pub(crate) checkpoints: BTreeMap<String, Checkpoint>,
    /// Set in the state that a full refresh writes to: what the table becomes when it commits.
    pub(crate) replacement: Option<Arc<Replacement>>,
    files: Arc<OnceCell<Arc<FileList>>>,
}

impl TableState {
    /// The state of a snapshot, with the checkpoints that it is known to have.
    pub(crate) fn new(
        table: DeltaTable,
        snapshot: SnapshotRef,
        checkpoints: BTreeMap<String, Checkpoint>,
    ) -> Result<Self> {
        let layout = Arc::new(Layout::of(&snapshot, table.engine())?);
        Ok(Self { table, snapshot, layout, checkpoints, replacement: None, files: Arc::default() })
    }

    /// The state of the next snapshot, whose columns are the same.
    pub(crate) fn followed_by(&self, snapshot: SnapshotRef, checkpoints: BTreeMap<String, Checkpoint>) -> Self {
        let (table, layout) = (self.table.clone(), Arc::clone(&self.layout));
        Self { table, snapshot, layout, checkpoints, replacement: None, files: Arc::default() }
    }

    /// The state of a snapshot; reads its checkpoints from the log.
    pub(crate) fn read(table: DeltaTable, snapshot: SnapshotRef) -> Result<Self> {
        let domains = snapshot
            .get_all_domain_metadata(table.engine())
            .map_err(|cause| kernel_error("the checkpoints of the table cannot be read", cause))?;
        let domains = domains.iter().map(|domain| (domain.domain(), domain.configuration()));
        let checkpoints = Checkpoint::from_domains(domains)?;
        Self::new(table, snapshot, checkpoints)
    }

    /// The state with its files known already.
    pub(crate) fn with_files(mut self, files: Arc<FileList>) -> Self {
        self.files = Arc::new(OnceCell::new_with(Some(files)));
        self
    }

    /// Whether the files are known, so that asking for them costs nothing.
    pub(crate) fn knows_files(&self) -> bool {
        self.files.initialized()
    }

    /// The files, where somebody asked for them before.
    pub(crate) fn known_files(&self) -> Option<&Arc<FileList>> {
        self.files.get()
    }

    /// The same version, about to become another table.
    pub(crate) fn replaced_by(&self, replacement: Replacement, layout: Layout) -> Self {
        Self { layout: Arc::new(layout), replacement: Some(Arc::new(replacement)), ..self.clone() }
    }

    /// The version of the table.
    pub fn version(&self) -> u64 {
        self.snapshot.version()
    }

    /// The table's columns, in Spark's Arrow form.
    pub fn schema(&self) -> &SchemaRef {
        &self.layout.logical
    }

    /// Where a flow stands; none where it has never committed to this table.
    pub fn checkpoint(&self, flow: &str) -> Option<&Checkpoint> {
        self.checkpoints.get(flow)
    }

    /// Where all flows stand that ever committed to this table. A table that has files and no checkpoint is not ours.
    pub fn checkpoints(&self) -> &BTreeMap<String, Checkpoint> {
        &self.checkpoints
    }

    /// The files that hold the table's rows; none in a state that a full refresh writes to.
    pub async fn files(&self) -> Result<&[LiveFile]> {
        match self.replacement {
            Some(_) => Ok(&[]),
            None => Ok(&self.file_list().await?.files),
        }
    }

    /// Whether the table has any file.
    pub async fn has_files(&self) -> Result<bool> {
        Ok(!self.files().await?.is_empty())
    }

    /// The number of rows; unknown where a file that another writer added does not say.
    pub async fn rows(&self) -> Result<Option<u64>> {
        Ok(self.files().await?.iter().map(LiveFile::live_rows).sum())
    }

    /// The files of this version in the log, even when they are about to be replaced.
    pub(crate) async fn file_list(&self) -> Result<&Arc<FileList>> {
        self.files
            .get_or_try_init(|| {
                let state = self.clone();
                self.table.blocking(move || FileList::read(&state.snapshot, state.table.engine()).map(Arc::new))
            })
            .await
    }
}

/// How the table of a state has moved since.
pub struct Moved {
    /// The table as it is now.
    pub state: TableState,
    /// Whether the flow's checkpoint is another one: another run of the flow committed.
    pub flow_moved: bool,
    /// What others did to the files of the old state; unknown where the log does not say it any more.
    pub(crate) aftermath: Option<Aftermath>,
}

impl Moved {
    /// Whether others did nothing but add files: the schema and all rows of the old state are where they were.
    pub fn only_appended(&self) -> bool {
        self.aftermath.as_ref().is_some_and(|aftermath| aftermath.keeps_rows() && aftermath.removed.is_empty())
    }

    /// Whether a commit that was made for the old state is right for the new one: others added files, or moved rows to
    /// other files, but not those rows that the commit deletes.
    pub(crate) fn leaves_room_for(&self, deleted: &DeletedRows) -> bool {
        self.aftermath.as_ref().is_some_and(|aftermath| {
            aftermath.keeps_rows() && deleted.files().keys().all(|path| !aftermath.removed.contains_key(&**path))
        })
    }
}

/// How a table's columns are laid out in its data files.
pub(crate) struct Layout {
    /// The columns as users see them.
    pub(crate) logical: SchemaRef,
    /// The same columns by the names and field ids that they have in data files.
    pub(crate) physical: SchemaRef,
    pub(crate) physical_delta: delta::SchemaRef,
    /// The columns, by physical name, that get statistics.
    pub(crate) stats_columns: Vec<ColumnName>,
}

impl Layout {
    pub(crate) fn of(snapshot: &SnapshotRef, engine: &Engine) -> Result<Self> {
        let write_state = Arc::clone(snapshot)
            .update_table(UpdateTableOperation::Write, ENGINE_INFO, true)
            .build(engine, Box::new(FileSystemCommitter::new()))
            .and_then(|transaction| transaction.write_state())
            .map_err(|cause| kernel_error("the table cannot be written", cause))?;
        let context = write_state.write_context_builder().build().map_err(|_| {
            Error::new(ErrorKind::Unsupported, "the table is partitioned").with_hint("use a table of its own")
        })?;
        let physical_delta = Arc::clone(context.physical_data_schema());
        Ok(Self {
            logical: to_arrow(&snapshot.schema())?,
            physical: to_physical_arrow(&physical_delta)?,
            physical_delta,
            stats_columns: write_state.stats_columns().to_vec(),
        })
    }
}
