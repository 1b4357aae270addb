//! One encoder: takes batches from the queue and writes Parquet files, on a thread of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use chrono::Utc;
use delta_kernel_default_engine::stats::FileStatsAccumulator;
use lakeflow_interface::{Error, ErrorKind, Result};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;
use tokio::sync::{Mutex, mpsc};
use uuid::Uuid;

use super::dictionary::properties;
use super::upload::Upload;
use super::{StagedFile, WriterSettings};
use crate::delta::state::Layout;
use crate::delta::storage::{kernel_error, storage_error};
use crate::delta::table::DeltaTable;

/// The batches of one file: of each, its statistics stay in memory until the file is closed.
const BATCHES_PER_FILE: usize = 128;

/// Takes batches and makes files of them.
pub(super) struct Encoder {
    table: DeltaTable,
    layout: Arc<Layout>,
    settings: WriterSettings,
    filters: Arc<[Vec<String>]>,
    open: Option<OpenFile>,
    staged: Vec<StagedFile>,
}

impl Encoder {
    pub(super) fn new(
        table: DeltaTable,
        layout: Arc<Layout>,
        settings: WriterSettings,
        filters: Arc<[Vec<String>]>,
    ) -> Self {
        Self { table, layout, settings, filters, open: None, staged: Vec::new() }
    }

    /// Works until the queue is closed; then gives its files, or removes them where they are not wanted.
    pub(super) fn run(
        mut self,
        queue: &Mutex<mpsc::Receiver<RecordBatch>>,
        keep: &AtomicBool,
    ) -> Result<Vec<StagedFile>> {
        let written = self.take_all(queue);
        if written.is_err() {
            // Whoever sends must not wait for an encoder that is gone.
            queue.blocking_lock().close();
        }
        match (written, keep.load(Ordering::Acquire)) {
            (Ok(()), true) => Ok(self.staged),
            (written, _) => {
                drop(self.open);
                self.table.runtime().block_on(self.table.discard(self.staged));
                written.map(|()| Vec::new())
            }
        }
    }

    fn take_all(&mut self, queue: &Mutex<mpsc::Receiver<RecordBatch>>) -> Result<()> {
        loop {
            let Some(batch) = queue.blocking_lock().blocking_recv() else { break };
            self.write(&batch)?;
        }
        self.close()
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut file = match self.open.take() {
            Some(file) => file,
            None => OpenFile::create(&self.table, &self.layout, &self.filters, batch)?,
        };
        file.write(batch, self.settings.row_group_bytes)?;
        let is_full = file.writer.bytes_written() >= self.settings.file_bytes || file.batches >= BATCHES_PER_FILE;
        self.open = Some(file);
        if is_full { self.close() } else { Ok(()) }
    }

    fn close(&mut self) -> Result<()> {
        if let Some(file) = self.open.take() {
            self.staged.push(file.close(&self.table)?);
        }
        Ok(())
    }
}

struct OpenFile {
    path: String,
    writer: ArrowWriter<Upload>,
    stats: FileStatsAccumulator,
    batches: usize,
    rows: u64,
}

impl OpenFile {
    /// Begins a file; its first batch says which columns are worth a dictionary.
    fn create(table: &DeltaTable, layout: &Layout, filters: &[Vec<String>], first: &RecordBatch) -> Result<Self> {
        let path = format!("part-{}.snappy.parquet", Uuid::new_v4());
        let upload = Upload::begin(table, &path)?;
        let options =
            ArrowWriterOptions::new().with_properties(properties(first, filters)?).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(upload, Arc::clone(&layout.physical), options)
            .map_err(|cause| storage_error("a data file cannot be begun", cause))?;
        let stats = FileStatsAccumulator::new(&layout.stats_columns, &layout.physical_delta);
        Ok(Self { path, writer, stats, batches: 0, rows: 0 })
    }

    fn write(&mut self, batch: &RecordBatch, row_group_bytes: usize) -> Result<()> {
        self.writer.write(batch).map_err(unwritten)?;
        if self.writer.memory_size() >= row_group_bytes {
            self.writer.flush().map_err(unwritten)?;
        }
        self.batches += 1;
        self.rows += batch.num_rows() as u64;
        self.stats.merge(batch).map_err(|cause| kernel_error("statistics cannot be made", cause))
    }

    fn close(self, table: &DeltaTable) -> Result<StagedFile> {
        let Self { path, writer, stats, rows, .. } = self;
        let size = writer.into_inner().map_err(unwritten)?.finish(table)?;
        let stats = stats
            .finish()
            .map_err(|cause| kernel_error("statistics cannot be made", cause))?
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a data file without rows"))?;
        Ok(StagedFile { path, size, rows, modified: Utc::now().timestamp_millis(), stats })
    }
}

/// A failed upload is in the Parquet error; it speaks for itself.
fn unwritten(cause: ParquetError) -> Error {
    storage_error("a data file cannot be written", cause)
}
