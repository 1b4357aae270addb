//! Writing data files: several encoders at a time, bounded memory, nothing visible before the commit.

mod dictionary;
mod encoder;
mod upload;

use std::mem;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use arrow::array::{RecordBatch, StructArray};
use lakeflow_interface::{ColumnPath, Error, ErrorKind, Result};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

use self::encoder::Encoder;
use super::scan::physical_path;
use super::schema::{conform, relabel};
use super::state::Layout;
use super::storage::internal_error;
use super::table::DeltaTable;

/// How data files are written.
#[derive(Clone, Copy, Debug)]
pub struct WriterSettings {
    /// The greatest number of files that are encoded at a time, each on a thread.
    pub encoders: usize,
    /// The input, in bytes of Arrow memory, that one more encoder must have to itself; less makes fewer files.
    pub bytes_per_encoder: usize,
    /// The size at which a file is closed and another begun.
    pub file_bytes: usize,
    /// The memory that one encoder fills before it closes a row group.
    pub row_group_bytes: usize,
}

impl Default for WriterSettings {
    fn default() -> Self {
        Self {
            encoders: thread::available_parallelism().map_or(1, NonZeroUsize::get),
            bytes_per_encoder: 32 << 20,
            file_bytes: 256 << 20,
            row_group_bytes: 32 << 20,
        }
    }
}

/// A data file that is written and not yet part of the table.
#[derive(Clone, Debug)]
pub struct StagedFile {
    /// The file's path, relative to the table.
    pub path: String,
    /// The size in bytes.
    pub size: u64,
    /// The number of rows.
    pub rows: u64,
    /// When it was written, in milliseconds since the epoch.
    pub(crate) modified: i64,
    /// One row: `numRecords`, `nullCount`, `minValues`, `maxValues`, `tightBounds`.
    pub(crate) stats: StructArray,
}

/// Writes batches into data files of a table, which only a commit makes visible.
///
/// Batches are shared out among encoders, so rows keep no order across batches. Dropped before [`DataWriter::finish`], it
/// leaves nothing behind.
pub struct DataWriter {
    table: DeltaTable,
    layout: Arc<Layout>,
    settings: WriterSettings,
    /// The columns, as data files name them, that get Bloom filters.
    filters: Arc<[Vec<String>]>,
    queue: mpsc::Sender<RecordBatch>,
    waiting: Arc<Mutex<mpsc::Receiver<RecordBatch>>>,
    /// Whether the files are wanted once the queue is closed.
    keep: Arc<AtomicBool>,
    encoders: Vec<JoinHandle<Result<Vec<StagedFile>>>>,
    bytes: usize,
}

impl DataWriter {
    pub(crate) fn new(table: DeltaTable, layout: Arc<Layout>, settings: WriterSettings) -> Self {
        let (queue, waiting) = mpsc::channel(settings.encoders.max(1));
        Self {
            table,
            layout,
            settings,
            filters: Arc::default(),
            queue,
            waiting: Arc::new(Mutex::new(waiting)),
            keep: Arc::default(),
            encoders: Vec::new(),
            bytes: 0,
        }
    }

    /// Writes Bloom filters of these columns, where their types have any: a key that is looked for later is then missed
    /// without reading the column.
    pub fn with_filters<'a>(mut self, columns: impl IntoIterator<Item = &'a ColumnPath>) -> Result<Self> {
        let paths = columns.into_iter().map(|column| physical_path(&self.layout, column));
        self.filters = paths.collect::<Result<Vec<_>>>()?.into();
        Ok(self)
    }

    /// The same, by the names that the columns have in data files.
    pub(crate) fn with_physical_filters(mut self, columns: Vec<Vec<String>>) -> Self {
        self.filters = columns.into();
        self
    }

    /// Adds rows; waits while the encoders are behind.
    ///
    /// Columns are found by name, at every depth; nullable columns that are missing are null. Rows that do not fit the
    /// table are an [`ErrorKind::BadValue`] error. After an error the writer is of no more use.
    pub async fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let located = |error| self.table.located(error);
        let batch = conform(batch, &self.layout.logical).map_err(located)?;
        let batch = relabel(&batch, &self.layout.physical).map_err(located)?;
        self.bytes += batch.get_array_memory_size();
        if self.wants_encoder() {
            self.add_encoder();
        }
        match self.queue.send(batch).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.failure().await),
        }
    }

    /// Ends the files and gives them; without rows there are none.
    pub async fn finish(self) -> Result<Vec<StagedFile>> {
        let Self { table, queue, keep, encoders, .. } = self;
        keep.store(true, Ordering::Release);
        // The encoders end when nobody can send any more.
        drop(queue);
        let (staged, failure) = join_all(encoders).await;
        match failure {
            None => Ok(staged),
            Some(error) => {
                table.discard(staged).await;
                Err(table.located(error))
            }
        }
    }

    /// Whether the encoders are behind, and there is enough input for one more file.
    fn wants_encoder(&self) -> bool {
        let running = self.encoders.len();
        running == 0
            || (running < self.settings.encoders
                && self.queue.capacity() == 0
                && self.bytes > running.saturating_mul(self.settings.bytes_per_encoder))
    }

    fn add_encoder(&mut self) {
        let (table, layout, filters) = (self.table.clone(), Arc::clone(&self.layout), Arc::clone(&self.filters));
        let encoder = Encoder::new(table, layout, self.settings, filters);
        let (queue, keep) = (Arc::clone(&self.waiting), Arc::clone(&self.keep));
        self.encoders.push(self.table.runtime().spawn_blocking(move || encoder.run(&queue, &keep)));
    }

    /// The error of the encoder that closed the queue; the others have ended with it.
    async fn failure(&mut self) -> Error {
        let (_, failure) = join_all(mem::take(&mut self.encoders)).await;
        let error = failure.unwrap_or_else(|| Error::new(ErrorKind::Internal, "an encoder ended before its input did"));
        self.table.located(error)
    }
}

/// Waits for all encoders; gives their files and their first error.
async fn join_all(encoders: Vec<JoinHandle<Result<Vec<StagedFile>>>>) -> (Vec<StagedFile>, Option<Error>) {
    let (mut staged, mut failure) = (Vec::new(), None);
    for encoder in encoders {
        let result = encoder.await.map_err(|cause| internal_error("an encoder was cut off", cause));
        match result.and_then(|files| files) {
            Ok(files) => staged.extend(files),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    (staged, failure)
}
