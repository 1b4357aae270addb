//! `Sink`: batches that Spark has read, applied to Delta tables.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow_pyarrow::FromPyArrow;
use lakeflow_interface::{Error, ErrorKind, Result};
use lakeflow_pipeline::Event;
use lakeflow_pipeline::sink::{self, Applied, BatchId, OptionTexts, SinkOptions, TaskShare, WriteMode};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::exception;
use crate::logging;
use crate::runtime::{wait, wait_here};

/// A Delta table that batches are applied to. It is pickled as its options and opened where it is used.
#[pyclass(frozen, module = "databricks.labs.community_connector._native")]
pub(crate) struct Sink {
    texts: OptionTexts,
    options: SinkOptions,
}

#[pymethods]
impl Sink {
    #[new]
    fn new(py: Python<'_>, options: OptionTexts) -> PyResult<Self> {
        logging::start(py)?;
        let parsed = SinkOptions::parse(&options).map_err(|error| exception(py, &error))?;
        Ok(Self { texts: options, options: parsed })
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyAny>, (OptionTexts,)) {
        (py.get_type::<Self>().into_any(), (self.texts.clone(),))
    }

    fn __repr__(&self) -> String {
        format!("Sink(table='{}')", self.options.destination)
    }

    /// Stages the rows of one task of a batch of a query, and gives what the driver has to know of it.
    ///
    /// Without a number it is a batch write, which is its own query.
    #[pyo3(signature = (batches, query, number=None))]
    fn stage(&self, batches: &Bound<'_, PyAny>, query: &str, number: Option<u64>) -> PyResult<String> {
        let py = batches.py();
        let mut writer = wait(py, async { self.open()?.share(batch_id(query, number)?) })?;
        for batch in batches.try_iter()? {
            let batch = RecordBatch::from_pyarrow_bound(&batch?)?;
            wait(py, writer.write(&batch))?;
        }
        let share = wait(py, writer.finish())?;
        serde_json::to_string(&share).map_err(|cause| {
            exception(py, &Error::new(ErrorKind::Internal, "a task's share has no JSON form").with_cause(cause))
        })
    }

    /// Applies a batch whose rows have a schema, of what its tasks have staged; tells what it came to.
    #[pyo3(signature = (schema, shares, number=None, *, overwrite=false))]
    fn apply<'py>(
        &self,
        schema: &Bound<'py, PyAny>,
        shares: Vec<String>,
        number: Option<u64>,
        overwrite: bool,
    ) -> PyResult<Bound<'py, PyDict>> {
        let py = schema.py();
        let schema = Arc::new(Schema::from_pyarrow_bound(schema)?);
        let mode = if overwrite { WriteMode::Overwrite } else { WriteMode::Append };
        let applied = wait_here(py, || async {
            let (batch, shares) = parse(&shares, number)?;
            self.open()?.apply(schema, &batch, &shares, mode, Arc::new(tell)).await
        })?;
        let Applied { was_there, totals, warnings } = applied;
        let dict = PyDict::new(py);
        dict.set_item("was_there", was_there)?;
        dict.set_item("inserted", totals.rows.inserted)?;
        dict.set_item("updated", totals.rows.updated)?;
        dict.set_item("deleted", totals.rows.deleted)?;
        dict.set_item("commits", totals.commits)?;
        dict.set_item("warnings", warnings)?;
        Ok(dict)
    }

    /// Removes what the tasks of a batch have staged; no table ever names it.
    #[pyo3(signature = (shares, number=None))]
    fn clear(&self, py: Python<'_>, shares: Vec<String>, number: Option<u64>) -> PyResult<()> {
        wait(py, async {
            if shares.is_empty() {
                return Ok(());
            }
            let (batch, _) = parse(&shares, number)?;
            self.open()?.clear(&batch).await;
            Ok(())
        })
    }
}

impl Sink {
    fn open(&self) -> Result<sink::Sink> {
        sink::Sink::open(self.options.clone())
    }
}

fn batch_id(query: &str, number: Option<u64>) -> Result<BatchId> {
    match number {
        Some(number) => BatchId::of_stream(query, number),
        None => BatchId::of_write(query),
    }
}

/// The shares of a batch, and the name that they have for it.
fn parse(texts: &[String], number: Option<u64>) -> Result<(BatchId, Vec<TaskShare>)> {
    let unreadable = |cause| Error::new(ErrorKind::Internal, "this is no share of a task").with_cause(cause);
    let shares: Vec<TaskShare> =
        texts.iter().map(|text| serde_json::from_str(text).map_err(unreadable)).collect::<Result<_>>()?;
    let first = shares.first().ok_or_else(|| Error::new(ErrorKind::Internal, "the batch has no task"))?;
    Ok((BatchId { number, ..first.batch.clone() }, shares))
}

/// What is odd goes to the log.
fn tell(event: Event) {
    match event {
        Event::Warning { table, message, count } => tracing::warn!(table, count, "{message}"),
        Event::Committed { table, version, .. } => tracing::info!(table, version, "a batch was committed"),
        _ => {}
    }
}
