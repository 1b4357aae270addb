//! One version of a table: its schema, its checkpoints, its live files.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int32Type, Int64Type, SchemaRef};
use delta_kernel::actions::deletion_vector::DeletionVectorDescriptor;
use delta_kernel::committer::FileSystemCommitter;
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::expressions::ColumnName;
use delta_kernel::schema as delta;
use delta_kernel::snapshot::SnapshotRef;
use delta_kernel::transaction::UpdateTableOperation;
use delta_kernel::{FilteredEngineData, KernelError};
use lakeflow_interface::{Error, ErrorKind, Result};
use serde::Deserialize;
use tokio::sync::OnceCell;

use super::checkpoint::Checkpoint;
use super::lakehouse::Engine;
use super::replacement::Replacement;
use super::schema::{to_arrow, to_physical_arrow};
use super::storage::{internal_error, kernel_error};
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

    /// The state of a snapshot; reads its checkpoints from the log.
    pub(crate) fn read(table: DeltaTable, snapshot: SnapshotRef) -> Result<Self> {
        let domains = snapshot
            .get_all_domain_metadata(table.engine())
            .map_err(|cause| kernel_error("the checkpoints of the table cannot be read", cause))?;
        let domains = domains.iter().map(|domain| (domain.domain(), domain.configuration()));
        let checkpoints = Checkpoint::from_domains(domains)?;
        Self::new(table, snapshot, checkpoints)
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
    /// Whether others did nothing but add files: the schema and all rows of the old state are still there.
    pub only_appended: bool,
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

/// A file that holds rows of the table.
#[derive(Clone, Debug)]
pub struct LiveFile {
    /// The file's path, relative to the table.
    pub path: Arc<str>,
    /// The size in bytes.
    pub size: u64,
    /// The number of rows in the file, the deleted ones among them.
    pub rows: Option<u64>,
    /// The number of rows that are marked as deleted.
    pub deleted: u64,
    pub(crate) deletion_vector: Option<DeletionVectorDescriptor>,
    /// The batch and row that describe the file in the log.
    pub(crate) place: (usize, usize),
}

impl LiveFile {
    /// The number of rows that are not deleted.
    pub fn live_rows(&self) -> Option<u64> {
        self.rows.map(|rows| rows.saturating_sub(self.deleted))
    }

    /// What the file is, as long as nobody marks more of its rows.
    pub(crate) fn identity(&self) -> (&str, Option<(&str, Option<i32>)>) {
        let vector = self.deletion_vector.as_ref();
        (&self.path, vector.map(|vector| (vector.path_or_inline_dv.as_str(), vector.offset)))
    }
}

/// The live files of one version, with what the log says of them.
#[derive(Debug)]
pub(crate) struct FileList {
    pub(crate) files: Vec<LiveFile>,
    by_path: HashMap<Arc<str>, usize>,
    /// Rows in the kernel's scan row schema: what a remove or a new deletion vector is made from.
    log_rows: Vec<RecordBatch>,
}

#[derive(Deserialize)]
struct NumRecords {
    #[serde(rename = "numRecords")]
    num_records: Option<u64>,
}

impl FileList {
    fn read(snapshot: &SnapshotRef, engine: &Engine) -> Result<Self> {
        let broken = |cause: KernelError| kernel_error("the files of the table cannot be listed", cause);
        let scan = Arc::clone(snapshot).scan_builder().without_row_transforms().build().map_err(broken)?;
        let mut log_rows = Vec::new();
        for metadata in scan.scan_metadata(engine).map_err(broken)? {
            let (data, selection) = metadata.map_err(broken)?.scan_files.into_parts();
            let data = ArrowEngineData::try_from_engine_data(data).map_err(broken)?;
            log_rows.push(selected(data.record_batch(), selection)?);
        }
        let mut files = Vec::new();
        for (batch_index, batch) in log_rows.iter().enumerate() {
            read_files(batch, batch_index, &mut files)?;
        }
        let by_path = files.iter().enumerate().map(|(index, file)| (Arc::clone(&file.path), index)).collect();
        Ok(Self { files, by_path, log_rows })
    }

    pub(crate) fn find(&self, path: &str) -> Option<&LiveFile> {
        self.by_path.get(path).map(|index| &self.files[*index])
    }

    /// The file's statistics, as JSON.
    pub(crate) fn stats(&self, file: &LiveFile) -> Option<&str> {
        let (batch, row) = file.place;
        let stats = self.log_rows[batch].column_by_name("stats")?.as_string_opt::<i32>()?;
        stats.is_valid(row).then(|| stats.value(row))
    }

    /// What the log says of all files.
    pub(crate) fn all(&self) -> impl Iterator<Item = FilteredEngineData> {
        self.log_rows
            .iter()
            .map(|batch| FilteredEngineData::with_all_rows_selected(Box::new(ArrowEngineData::new(batch.clone()))))
    }

    /// What the log says of some files.
    pub(crate) fn only(&self, files: &[&LiveFile]) -> Result<Vec<FilteredEngineData>> {
        let mut selections: BTreeMap<usize, Vec<bool>> = BTreeMap::new();
        for file in files {
            let (batch, row) = file.place;
            selections.entry(batch).or_insert_with(|| vec![false; self.log_rows[batch].num_rows()])[row] = true;
        }
        let filtered = selections.into_iter().map(|(batch, selection)| {
            let data = Box::new(ArrowEngineData::new(self.log_rows[batch].clone()));
            FilteredEngineData::try_new(data, selection)
                .map_err(|cause| kernel_error("the files of the table cannot be selected", cause))
        });
        filtered.collect()
    }
}

/// The selected rows of a batch; rows beyond the selection's end are selected.
fn selected(batch: &RecordBatch, mut selection: Vec<bool>) -> Result<RecordBatch> {
    if selection.iter().all(|selected| *selected) {
        return Ok(batch.clone());
    }
    selection.resize(batch.num_rows(), true);
    filter_record_batch(batch, &selection.into())
        .map_err(|cause| internal_error("the files of the table cannot be selected", cause))
}

fn read_files(batch: &RecordBatch, batch_index: usize, files: &mut Vec<LiveFile>) -> Result<()> {
    let unexpected = || Error::new(ErrorKind::Internal, "the kernel lists files in another form than expected");
    let column = |name: &str| batch.column_by_name(name).ok_or_else(unexpected);
    let paths = column("path")?.as_string_opt::<i32>().ok_or_else(unexpected)?;
    let sizes = column("size")?.as_primitive_opt::<Int64Type>().ok_or_else(unexpected)?;
    let stats = column("stats")?.as_string_opt::<i32>().ok_or_else(unexpected)?;
    for row in 0..batch.num_rows() {
        let deletion_vector = deletion_vector(batch, row)?;
        let num_records =
            stats.is_valid(row).then(|| serde_json::from_str::<NumRecords>(stats.value(row)).ok()).flatten();
        files.push(LiveFile {
            path: Arc::from(paths.value(row)),
            size: u64::try_from(sizes.value(row)).map_err(|_| unexpected())?,
            rows: num_records.and_then(|stats| stats.num_records),
            deleted: deletion_vector.as_ref().map_or(0, |vector| vector.cardinality.unsigned_abs()),
            deletion_vector,
            place: (batch_index, row),
        });
    }
    Ok(())
}

fn deletion_vector(batch: &RecordBatch, row: usize) -> Result<Option<DeletionVectorDescriptor>> {
    let unexpected =
        || Error::new(ErrorKind::Internal, "the kernel lists deletion vectors in another form than expected");
    let vectors =
        batch.column_by_name("deletionVector").and_then(|column| column.as_struct_opt()).ok_or_else(unexpected)?;
    if vectors.is_null(row) {
        return Ok(None);
    }
    let column = |name: &str| vectors.column_by_name(name).ok_or_else(unexpected);
    let text = |name: &str| Ok::<_, Error>(column(name)?.as_string_opt::<i32>().ok_or_else(unexpected)?.value(row));
    let offsets = column("offset")?.as_primitive_opt::<Int32Type>().ok_or_else(unexpected)?;
    let sizes = column("sizeInBytes")?.as_primitive_opt::<Int32Type>().ok_or_else(unexpected)?;
    let cardinalities = column("cardinality")?.as_primitive_opt::<Int64Type>().ok_or_else(unexpected)?;
    let invalid = |cause| kernel_error("a deletion vector in the log is not valid", cause);
    DeletionVectorDescriptor::try_new(
        text("storageType")?.parse().map_err(invalid)?,
        text("pathOrInlineDv")?,
        offsets.is_valid(row).then(|| offsets.value(row)),
        sizes.value(row),
        cardinalities.value(row),
    )
    .map(Some)
    .map_err(invalid)
}
