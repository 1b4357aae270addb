//! What one task stages of a batch: a Parquet file beside the tables, which only the batch's commit gives a meaning.

use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use lakeflow_interface::{Error, ErrorKind, Result};
use object_store::buffered::{BufReader, BufWriter};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::AsyncArrowWriter;
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{BatchId, Sink};
use crate::delta::storage_error;

/// The folder of the lakehouse for staged rows; a leading underscore is in no schema's folder name.
const FOLDER: &str = "_staged";

/// The memory that a task fills before it closes a row group.
const ROW_GROUP_BYTES: usize = 16 << 20;

/// What a task tells its driver: where its rows are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskShare {
    /// The batch that the rows belong to.
    pub batch: BatchId,
    /// The file; none for a task without rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<ShareFile>,
}

/// A file of staged rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ShareFile {
    name: String,
    rows: u64,
}

impl TaskShare {
    /// The number of rows.
    pub fn rows(&self) -> u64 {
        self.file.as_ref().map_or(0, |file| file.rows)
    }
}

/// Stages one task's rows of a batch. Dropped before [`ShareWriter::finish`], it leaves nothing behind, or a file that is
/// removed with the batch.
pub struct ShareWriter {
    batch: BatchId,
    store: Arc<dyn ObjectStore>,
    folder: Path,
    open: Option<OpenFile>,
}

struct OpenFile {
    file: ShareFile,
    writer: AsyncArrowWriter<BufWriter>,
}

impl ShareWriter {
    pub(super) fn new(sink: &Sink, batch: BatchId) -> Result<Self> {
        Ok(Self { batch, store: Arc::clone(sink.lakehouse.store()), folder: folder(sink)?, open: None })
    }

    /// Adds rows.
    pub async fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                let name = format!("{}{}.parquet", prefix(&self.batch), Uuid::new_v4());
                let upload = BufWriter::new(Arc::clone(&self.store), self.folder.clone().join(name.as_str()));
                let writer = AsyncArrowWriter::try_new(upload, rows.schema(), Some(properties())).map_err(unwritten)?;
                none.insert(OpenFile { file: ShareFile { name, rows: 0 }, writer })
            }
        };
        open.file.rows += rows.num_rows() as u64;
        open.writer.write(rows).await.map_err(unwritten)?;
        if open.writer.in_progress_size() >= ROW_GROUP_BYTES {
            open.writer.flush().await.map_err(unwritten)?;
        }
        Ok(())
    }

    /// Ends the file; without rows there is none.
    pub async fn finish(self) -> Result<TaskShare> {
        let file = match self.open {
            Some(OpenFile { file, writer }) => {
                writer.close().await.map_err(unwritten)?;
                Some(file)
            }
            None => None,
        };
        Ok(TaskShare { batch: self.batch, file })
    }
}

/// The rows of a share, as they were handed over.
pub(super) async fn read(sink: &Sink, file: &ShareFile) -> Result<BoxStream<'static, Result<RecordBatch>>> {
    let store = sink.lakehouse.store();
    let path = folder(sink)?.join(file.name.as_str());
    let shown = path.to_string();
    let unreadable =
        move |cause| storage_error("staged rows cannot be read", cause).with_context("file", shown.clone());
    let found = store.head(&path).await.map_err(|cause| {
        storage_error("staged rows are gone", cause)
            .with_context("file", path.to_string())
            .with_hint("tasks and driver must reach the same lakehouse; restart the query, which stages them again")
    })?;
    let builder = ParquetRecordBatchStreamBuilder::new(BufReader::new(Arc::clone(store), &found)).await;
    let rows = builder.and_then(ParquetRecordBatchStreamBuilder::build).map_err(&unreadable)?;
    Ok(rows.map_err(unreadable).boxed())
}

/// Removes what was staged for a batch, and for those before it of the same query: tasks that failed leave files behind.
pub(super) async fn clear(sink: &Sink, batch: &BatchId) {
    if let Err(error) = try_clear(sink, batch).await {
        tracing::warn!(table = %sink.options.destination, %error, "staged rows stay, which does no harm");
    }
}

async fn try_clear(sink: &Sink, batch: &BatchId) -> Result<()> {
    let store = sink.lakehouse.store();
    let doing = |cause| storage_error("staged rows cannot be removed", cause);
    let last = prefix(batch);
    let mut files = store.list(Some(&folder(sink)?));
    while let Some(file) = files.try_next().await.map_err(doing)? {
        let name = file.location.filename().unwrap_or_default();
        let is_of_query = name.starts_with(&batch.query.to_string());
        if is_of_query && name.get(..last.len()).is_some_and(|start| start <= last.as_str()) {
            match store.delete(&file.location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(cause) => return Err(doing(cause)),
            }
        }
    }
    Ok(())
}

/// What the names of a batch's files begin with; later batches of a query have greater ones.
fn prefix(batch: &BatchId) -> String {
    match batch.number {
        Some(number) => format!("{}-{number:020}-", batch.query),
        None => format!("{}-", batch.query),
    }
}

fn folder(sink: &Sink) -> Result<Path> {
    let place = format!("{FOLDER}/{}", sink.options.destination.folder());
    let located = |cause: String| Error::new(ErrorKind::Internal, "the lakehouse's URL has no path").with_cause(cause);
    let root = Path::from_url_path(sink.lakehouse.url().path()).map_err(|cause| located(cause.to_string()))?;
    Ok(place.split('/').fold(root, |path, part| path.join(part)))
}

/// Staged rows are read once, and soon: quickly written counts.
fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .build()
}

fn unwritten(cause: parquet::errors::ParquetError) -> Error {
    storage_error("rows cannot be staged", cause)
}
