//! `Connection`: a connection to a source, for Python. It is pickled as its description and opened where it is used.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::Schema;
use arrow_pyarrow::ToPyArrow;
use community_connector::{Lookup, ResolvedConnection};
use lakeflow_interface::{
    Error, ErrorKind, LakeflowConnect, Partition, ReadContext, Result, Secret, SupportsPartition, TableOptions, ddl,
};
use lakeflow_manifest::Setting;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::description::{Description, Opened};
use crate::errors::{exception, misuse};
use crate::logging;
use crate::read::{Read, Request};
use crate::runtime::{runtime, wait};
use crate::table::{Changes, TypedTable, horizon, offset};

type Options = BTreeMap<String, String>;

/// A connection to a source.
#[pyclass(frozen, module = "databricks.labs.community_connector._native")]
pub(crate) struct Connection {
    description: Description,
}

/// The names of all sources, sorted.
#[pyfunction]
pub(crate) fn sources(py: Python<'_>) -> PyResult<Vec<String>> {
    py.detach(|| Lookup::default().sources()).map_err(|error| exception(py, &error))
}

#[pymethods]
impl Connection {
    /// The connection of this name; else one to `source`, with the parameters that are among the options.
    ///
    /// Parameters among the options win: a platform that knows the connection has put them there.
    #[staticmethod]
    #[pyo3(signature = (options, *, name=None, source=None, upstream=None))]
    fn resolve(
        py: Python<'_>,
        options: Options,
        name: Option<&str>,
        source: Option<&str>,
        upstream: Option<&str>,
    ) -> PyResult<Self> {
        logging::start(py)?;
        let resolved = wait(py, resolve(&options, name, source))?;
        let description = Description::new(resolved, upstream).map_err(|error| exception(py, &error))?;
        Ok(Self { description })
    }

    /// The connection that was pickled.
    #[staticmethod]
    fn restore(py: Python<'_>, description: &str) -> PyResult<Self> {
        logging::start(py)?;
        let description = serde_json::from_str(description)
            .map_err(|cause| exception(py, &misuse("this is no pickled connection").with_cause(cause)))?;
        Ok(Self { description })
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        let text = serde_json::to_string(&self.description).map_err(|cause| {
            exception(py, &Error::new(ErrorKind::Internal, "the connection cannot be pickled").with_cause(cause))
        })?;
        Ok((py.get_type::<Self>().getattr("restore")?, (text,)))
    }

    fn __repr__(&self) -> String {
        format!("Connection(source='{}')", self.description.source)
    }

    /// The source's name.
    #[getter]
    fn source(&self) -> &str {
        &self.description.source
    }

    /// The options that are a table's own, in the case that the source gives them, whatever case they came in.
    fn table_options(&self, py: Python<'_>, table: &str, options: Options) -> PyResult<Options> {
        self.with(py, |opened| {
            let Some(definition) = &opened.definition else { return Ok(options) };
            let parameters = definition.parameters();
            let settings = definition.table_options(table).unwrap_or_default();
            let own = options.into_iter().filter_map(|(name, value)| match known(settings, &name) {
                Some(setting) => Some((setting.name.clone(), value)),
                None => known(parameters, &name).is_none().then_some((name, value)),
            });
            Ok(own.collect())
        })
    }

    /// The names of the tables.
    fn list_tables(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let opened = self.open(py)?;
        wait(py, opened.connector.list_tables())
    }

    /// The full paths of the namespaces directly below one; nothing where the source has no namespaces.
    fn list_namespaces(&self, py: Python<'_>, prefix: Vec<String>) -> PyResult<Option<Vec<Vec<String>>>> {
        let opened = self.open(py)?;
        match opened.connector.namespaces() {
            Some(namespaces) => wait(py, namespaces.list_namespaces(&prefix)).map(Some),
            None => Ok(None),
        }
    }

    /// The tables directly in a namespace; nothing where the source has no namespaces.
    fn list_tables_in_namespace(&self, py: Python<'_>, namespace: Vec<String>) -> PyResult<Option<Vec<String>>> {
        let opened = self.open(py)?;
        match opened.connector.namespaces() {
            Some(namespaces) => wait(py, namespaces.list_tables_in_namespace(&namespace)).map(Some),
            None => Ok(None),
        }
    }

    /// Primary keys, cursor field and ingestion type of a table.
    fn metadata<'py>(&self, py: Python<'py>, table: &str, options: Options) -> PyResult<Bound<'py, PyDict>> {
        let opened = self.open(py)?;
        let options = table_options(options);
        let metadata = wait(py, opened.connector.read_table_metadata(table, &options))?;
        let keys: Vec<String> = metadata.primary_keys.iter().map(ToString::to_string).collect();
        let dict = PyDict::new(py);
        dict.set_item("primary_keys", keys)?;
        dict.set_item("cursor_field", metadata.cursor_field.map(|field| field.to_string()))?;
        dict.set_item("ingestion_type", metadata.ingestion_type.as_str())?;
        Ok(dict)
    }

    /// The schema of the rows of a table: as Spark SQL DDL, and as `pyarrow.Schema`.
    #[pyo3(signature = (table, options, *, deletes=false, bad_values="rescue"))]
    fn schema<'py>(
        &self,
        py: Python<'py>,
        table: &str,
        options: Options,
        deletes: bool,
        bad_values: &str,
    ) -> PyResult<(String, Bound<'py, PyAny>)> {
        let opened = self.open(py)?;
        let options = table_options(options);
        let changes = Changes::of(deletes);
        let schema = wait(py, async {
            Ok(TypedTable::of(&*opened.connector, table, &options, changes, bad_values).await?.schema())
        })?;
        // Comments are for people: they are in the DDL.
        let bare = Schema::new(schema.fields().clone());
        Ok((ddl::to_ddl(&schema), bare.to_pyarrow(py)?))
    }

    /// The rows of a table from an offset on: an iterator of batches and checkpoints.
    #[pyo3(signature = (table, options, *, start="{}", until=None, deletes=false, bad_values="rescue", batch_rows=10_000, keeps_all=false))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn read(
        &self,
        py: Python<'_>,
        table: &str,
        options: Options,
        start: &str,
        until: Option<&str>,
        deletes: bool,
        bad_values: &str,
        batch_rows: usize,
        keeps_all: bool,
    ) -> PyResult<Read> {
        let opened = self.open(py)?;
        let options = table_options(options);
        let changes = Changes::of(deletes);
        wait(py, async {
            let table = TypedTable::of(&*opened.connector, table, &options, changes, bad_values).await?;
            let context = ReadContext { keeps_all, ..ReadContext::new(horizon(until)?) };
            let request = Request { table, options, changes, context, batch_rows };
            Read::from(&opened, request, &offset(start)?).await
        })
    }

    /// The rows of some partitions of a table, one partition after the other.
    #[pyo3(signature = (table, options, partitions, *, until=None, deletes=false, bad_values="rescue", batch_rows=10_000))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn read_partitions(
        &self,
        py: Python<'_>,
        table: &str,
        options: Options,
        partitions: &str,
        until: Option<&str>,
        deletes: bool,
        bad_values: &str,
        batch_rows: usize,
    ) -> PyResult<Read> {
        let opened = self.open(py)?;
        let options = table_options(options);
        let changes = Changes::of(deletes);
        wait(py, async {
            let table = TypedTable::of(&*opened.connector, table, &options, changes, bad_values).await?;
            let request = Request { table, options, changes, context: ReadContext::new(horizon(until)?), batch_rows };
            let partitions: Vec<Partition> = serde_json::from_str(partitions)
                .map_err(|cause| misuse("expected a JSON list of partitions").with_cause(cause))?;
            Read::of_partitions(opened, request, partitions)
        })
    }

    /// Whether the table can be read by several workers.
    fn is_partitioned(&self, py: Python<'_>, table: &str, options: Options) -> PyResult<bool> {
        let options = table_options(options);
        self.with(py, |opened| {
            Ok(opened.connector.partitions().is_some_and(|ability| ability.is_partitioned(table, &options)))
        })
    }

    /// How far a partitioned table can be read now: an offset, not later than `until`.
    #[pyo3(signature = (table, options, *, start="{}", until=None))]
    fn latest_offset(
        &self,
        py: Python<'_>,
        table: &str,
        options: Options,
        start: &str,
        until: Option<&str>,
    ) -> PyResult<String> {
        let opened = self.open(py)?;
        let options = table_options(options);
        wait(py, async {
            let context = ReadContext::new(horizon(until)?);
            let start = offset(start)?;
            let ability = ability(&*opened.connector, table)?;
            Ok(ability.latest_offset(table, &start, &options, &context).await?.to_string())
        })
    }

    /// How many processes may read at a time: `most`; or `at_once`, those that surely do, where the source's definition
    /// declares limits, of which each keeps its share.
    fn most_readers(&self, py: Python<'_>, most: usize, at_once: usize) -> PyResult<usize> {
        self.with(py, |opened| {
            Ok(opened.definition.as_ref().map_or(most, |definition| definition.most_readers(most, at_once)))
        })
    }

    /// This connection for one of so many processes that read at a time.
    fn shared_by(&self, readers: usize) -> Self {
        Self { description: self.description.shared_by(readers) }
    }

    /// The partitions of a range, start-exclusive and end-inclusive: each a JSON object.
    fn partitions(
        &self,
        py: Python<'_>,
        table: &str,
        options: Options,
        start: &str,
        end: &str,
    ) -> PyResult<Vec<String>> {
        let opened = self.open(py)?;
        let options = table_options(options);
        wait(py, async {
            let ability = ability(&*opened.connector, table)?;
            let partitions = ability.get_partitions(table, &offset(start)?, &offset(end)?, &options).await?;
            Ok(partitions.into_iter().map(|partition| serde_json::Value::from(partition.0).to_string()).collect())
        })
    }
}

impl Connection {
    fn open(&self, py: Python<'_>) -> PyResult<Arc<Opened>> {
        self.with(py, |opened| Ok(opened.clone()))
    }

    fn with<T: Send>(&self, py: Python<'_>, act: impl FnOnce(&Arc<Opened>) -> Result<T> + Send) -> PyResult<T> {
        let python: PathBuf = py.import("sys")?.getattr("executable")?.extract()?;
        let done = py.detach(|| {
            let opened = self.description.open(&python)?;
            let _in_runtime = runtime()?.enter();
            act(&opened)
        });
        done.map_err(|error| exception(py, &error))
    }
}

async fn resolve(options: &Options, name: Option<&str>, source: Option<&str>) -> Result<ResolvedConnection> {
    let lookup = Lookup::default();
    if let Some(source) = source {
        let resolved = lookup.source(source)?;
        let parameters = given_parameters(&resolved, options)?;
        if name.is_none() || !parameters.is_empty() {
            return Ok(ResolvedConnection { parameters, ..resolved });
        }
    }
    match name {
        Some(name) => lookup.connection(name).await,
        None => Err(misuse("neither a connection nor a source is named").with_hint(
            "set the option `databricks.connection` to the name of a connection, or register a source: \
             `register(spark, \"github\")`",
        )),
    }
}

/// The connection parameters that are among the options. A connector written in Python is given all options anyway.
fn given_parameters(resolved: &ResolvedConnection, options: &Options) -> Result<BTreeMap<String, Secret>> {
    if resolved.python().is_some() {
        return Ok(BTreeMap::new());
    }
    let definition = resolved.load()?;
    let given = options.iter().filter_map(|(name, value)| {
        known(definition.parameters(), name).map(|setting| (setting.name.clone(), Secret::new(value)))
    });
    Ok(given.collect())
}

/// The setting that a name means, whatever its case.
fn known<'s>(settings: &'s [Setting], name: &str) -> Option<&'s Setting> {
    let exact = settings.iter().find(|setting| setting.name == name);
    exact.or_else(|| settings.iter().find(|setting| setting.name.eq_ignore_ascii_case(name)))
}

fn table_options(options: Options) -> TableOptions {
    options.into_iter().collect()
}

pub(crate) fn ability<'c>(connector: &'c dyn LakeflowConnect, table: &str) -> Result<&'c dyn SupportsPartition> {
    let missing = || Error::new(ErrorKind::Unsupported, format!("table `{table}` cannot be split"));
    connector.partitions().ok_or_else(missing)
}
