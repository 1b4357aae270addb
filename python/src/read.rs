//! `Read`: a read of a table that goes on in the background, as an iterator of Python.

use std::sync::{Arc, Mutex, PoisonError};

use arrow_pyarrow::ToPyArrow;
use futures::{StreamExt, TryStreamExt, stream};
use lakeflow_interface::{ErrorKind, Offset, Partition, ReadContext, ReadStream, Result, TableOptions};
use pyo3::prelude::*;

use crate::chunks::{Chunk, Chunks};
use crate::description::Opened;
use crate::runtime::wait;
use crate::table::{Changes, TypedTable};

/// What is read.
pub(crate) struct Request {
    pub(crate) table: TypedTable,
    pub(crate) options: TableOptions,
    pub(crate) changes: Changes,
    pub(crate) context: ReadContext,
    pub(crate) batch_rows: usize,
}

/// A read of a table. Iterating gives pairs: a `pyarrow.RecordBatch` or `None`, and the offset up to which everything has
/// been given with it, or `None`. Closing or dropping it stops its requests.
#[pyclass(frozen, module = "databricks.labs.community_connector._native")]
pub(crate) struct Read {
    chunks: Mutex<Option<Chunks>>,
}

type Item<'py> = (Option<Bound<'py, PyAny>>, Option<String>);

#[pymethods]
impl Read {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Item<'py>>> {
        let Some(mut chunks) = self.take() else { return Ok(None) };
        let next = wait(py, async { chunks.next().await.transpose() })?;
        let Some(Chunk { batch, checkpoint }) = next else { return Ok(None) };
        self.put(chunks);
        let batch = batch.map(|batch| batch.to_pyarrow(py)).transpose()?;
        Ok(Some((batch, checkpoint.map(|offset| offset.to_string()))))
    }

    /// Stops the read.
    fn close(&self) {
        drop(self.take());
    }
}

impl Read {
    /// A read from an offset on.
    pub(crate) async fn from(opened: &Arc<Opened>, request: Request, start: &Offset) -> Result<Self> {
        let items = items(opened, &request, start).await?;
        Self::start(items, request)
    }

    /// A read of partitions, one after the other.
    pub(crate) fn of_partitions(opened: Arc<Opened>, request: Request, partitions: Vec<Partition>) -> Result<Self> {
        let (table, options) = (request.table.name.clone(), request.options.clone());
        let context = request.context.clone();
        let items = stream::iter(partitions).then(move |partition| {
            let (opened, table, options, context) = (opened.clone(), table.clone(), options.clone(), context.clone());
            async move {
                let ability = crate::connection::ability(&*opened.connector, &table)?;
                ability.read_partition(&table, &partition, &options, &context).await
            }
        });
        Self::start(items.try_flatten().boxed(), request)
    }

    fn start(items: ReadStream, request: Request) -> Result<Self> {
        let chunks = Chunks::start(items, request)?;
        Ok(Self { chunks: Mutex::new(Some(chunks)) })
    }

    fn take(&self) -> Option<Chunks> {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, chunks: Chunks) {
        *self.chunks.lock().unwrap_or_else(PoisonError::into_inner) = Some(chunks);
    }
}

/// The items of the read that tells of the rows that are wanted. Deleted rows have a read of their own, or come with the
/// others.
async fn items(opened: &Arc<Opened>, request: &Request, start: &Offset) -> Result<ReadStream> {
    let Request { table, options, changes, context, .. } = request;
    if *changes == Changes::Deleted {
        match opened.connector.read_table_deletes(&table.name, start, options, context).await {
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            outcome => return outcome,
        }
    }
    opened.connector.read_table(&table.name, start, options, context).await
}
