//! The data files of one version of a table, with what the log says of each.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{Int32Type, Int64Type};
use arrow::json::LineDelimitedWriter;
use delta_kernel::actions::deletion_vector::DeletionVectorDescriptor;
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::scan::{Scan, ScanMetadata};
use delta_kernel::snapshot::SnapshotRef;
use delta_kernel::{EngineData, FilteredEngineData, KernelError};
use lakeflow_interface::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::lakehouse::Engine;
use super::storage::{internal_error, kernel_error};

/// More batches than this are made one, so that a list that grew commit by commit stays quick.
const MOST_BATCHES: usize = 64;

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
    /// What the file is, as long as nobody marks more of its rows.
    pub(crate) fn identity(&self) -> (&str, Option<(&str, Option<i32>)>) {
        let vector = self.deletion_vector.as_ref();
        (&self.path, vector.map(|vector| (vector.path_or_inline_dv.as_str(), vector.offset)))
    }

    /// The number of rows that are not deleted.
    pub fn live_rows(&self) -> Option<u64> {
        self.rows.map(|rows| rows.saturating_sub(self.deleted))
    }
}

/// The live files of one version, with what the log says of them.
#[derive(Debug)]
pub(crate) struct FileList {
    version: u64,
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
    /// Reads the whole log.
    pub(crate) fn read(snapshot: &SnapshotRef, engine: &Engine) -> Result<Self> {
        let scan = Self::scan(snapshot)?;
        Self::collect(snapshot.version(), scan.scan_metadata(engine).map_err(unlisted)?)
    }

    /// The list of a later version; reads only the commits in between, as long as the log has them.
    pub(crate) fn advanced(&self, snapshot: &SnapshotRef, engine: &Engine) -> Result<Self> {
        let known: Vec<Box<dyn EngineData>> =
            self.log_rows.iter().map(|batch| Box::new(ArrowEngineData::new(batch.clone())) as _).collect();
        let scan = Self::scan(snapshot)?;
        let files = scan.scan_metadata_from(engine, self.version, known, None).map_err(unlisted)?;
        Self::collect(snapshot.version(), files)
    }

    fn scan(snapshot: &SnapshotRef) -> Result<Scan> {
        Arc::clone(snapshot).scan_builder().without_row_transforms().build().map_err(unlisted)
    }

    fn collect(
        version: u64,
        metadata: impl Iterator<Item = std::result::Result<ScanMetadata, KernelError>>,
    ) -> Result<Self> {
        let mut log_rows = Vec::new();
        for metadata in metadata {
            let (data, selection) = metadata.map_err(unlisted)?.scan_files.into_parts();
            let data = ArrowEngineData::try_from_engine_data(data).map_err(unlisted)?;
            let batch = selected(data.record_batch(), selection)?;
            if batch.num_rows() > 0 {
                log_rows.push(batch);
            }
        }
        if log_rows.len() > MOST_BATCHES {
            let whole = concat_batches(&log_rows[0].schema(), &log_rows);
            log_rows = vec![whole.map_err(|cause| internal_error("the files of the table cannot be joined", cause))?];
        }
        let mut files = Vec::new();
        for (batch_index, batch) in log_rows.iter().enumerate() {
            read_files(batch, batch_index, &mut files)?;
        }
        let by_path = files.iter().enumerate().map(|(index, file)| (Arc::clone(&file.path), index)).collect();
        Ok(Self { version, files, by_path, log_rows })
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

    /// The actions that make some files part of the table.
    pub(crate) fn add_actions(&self, files: &[&LiveFile]) -> Result<Vec<Value>> {
        files.iter().map(|file| self.add_action(file)).collect()
    }

    fn add_action(&self, file: &LiveFile) -> Result<Value> {
        let unwritten = |cause| internal_error("a file of the table cannot be written as JSON", cause);
        let (batch, row) = file.place;
        let mut writer = LineDelimitedWriter::new(Vec::new());
        writer.write(&self.log_rows[batch].slice(row, 1)).and_then(|()| writer.finish()).map_err(unwritten)?;
        let text = writer.into_inner();
        let mut add: Map<String, Value> = serde_json::from_slice(&text)
            .map_err(|cause| internal_error("a file of the table cannot be written as JSON", cause))?;
        let constants = add.remove("fileConstantValues");
        add.extend(constants.as_ref().and_then(Value::as_object).cloned().unwrap_or_default());
        add.entry("partitionValues").or_insert_with(|| json!({}));
        add.insert("dataChange".to_owned(), true.into());
        Ok(json!({ "add": add }))
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

fn unlisted(cause: KernelError) -> Error {
    kernel_error("the files of the table cannot be listed", cause)
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
