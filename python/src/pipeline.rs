//! The pipeline spec for Python: parsed and planned as the program does it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow_pyarrow::FromPyArrow;
use async_trait::async_trait;
use lakeflow_interface::records::{BadValues, RESCUED_DATA};
use lakeflow_interface::{
    ColumnPath, CursorOrder, Error, ErrorKind, IngestionType, LakeflowConnect, Offset, ReadContext, ReadStream, Result,
    TableMetadata, TableOptions,
};
use lakeflow_pipeline::delta::Destination;
use lakeflow_pipeline::sink::SinkOptions;
use lakeflow_pipeline::{PipelineSpec, Plan, PlannedTable};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::errors::exception;
use crate::runtime::wait_here;

/// Reads a spec in YAML or JSON: its connection, and of each table what has to be asked about it.
#[pyfunction]
pub(crate) fn parse_spec<'py>(py: Python<'py>, text: &str, origin: &str) -> PyResult<Bound<'py, PyDict>> {
    let spec = PipelineSpec::parse(text, origin).map_err(|error| exception(py, &error))?;
    let tables = PyList::empty(py);
    for table in &spec.tables {
        let dict = PyDict::new(py);
        dict.set_item("source_table", &table.source_table)?;
        dict.set_item("options", options(&table.options))?;
        dict.set_item("bad_values", if table.bad_values == BadValues::Fail { "fail" } else { "rescue" })?;
        tables.append(dict)?;
    }
    let dict = PyDict::new(py);
    dict.set_item("connection_name", &spec.connection_name)?;
    dict.set_item("tables", tables)?;
    Ok(dict)
}

/// What is known of a table of a spec: its schema (`pyarrow.Schema`), keys, cursor field and ingestion type.
type Known<'py> = (Bound<'py, PyAny>, Vec<String>, Option<String>, String);

/// Plans a spec whose tables are known, in the spec's order: how each gets into its destination.
#[pyfunction]
pub(crate) fn plan_spec<'py>(
    py: Python<'py>,
    text: &str,
    origin: &str,
    known: Vec<Known<'py>>,
    lakehouse: &str,
) -> PyResult<Bound<'py, PyList>> {
    let described = known.into_iter().map(describe).collect::<PyResult<Vec<_>>>()?;
    let plan = wait_here(py, || async {
        let spec = PipelineSpec::parse(text, origin)?;
        let places = spec.tables.iter().map(|table| (table.source_table.clone(), table.options.clone()));
        let source = DescribedSource { tables: places.zip(described).collect() };
        Plan::new(&spec, &source).await
    })?;
    let tables = PyList::empty(py);
    for table in &plan.tables {
        tables.append(planned(py, table, lakehouse)?)?;
    }
    Ok(tables)
}

fn planned<'py>(py: Python<'py>, table: &PlannedTable, lakehouse: &str) -> PyResult<Bound<'py, PyDict>> {
    let names = |columns: &[ColumnPath]| columns.iter().map(ToString::to_string).collect::<Vec<_>>();
    let destination: &Destination = &table.destination;
    let dict = PyDict::new(py);
    dict.set_item("source_table", &table.source_table)?;
    dict.set_item("options", options(&table.options))?;
    dict.set_item("catalog", destination.catalog())?;
    dict.set_item("schema", destination.schema())?;
    dict.set_item("table", destination.table())?;
    dict.set_item("flow", table.flow.as_str())?;
    dict.set_item("keys", names(&table.primary_keys))?;
    dict.set_item("sequence_by", names(&table.sequence_by))?;
    dict.set_item("cluster_by", names(&table.cluster_by))?;
    dict.set_item("has_deletes", table.applies_deletes())?;
    dict.set_item("sink", SinkOptions::of_plan(table, lakehouse))?;
    Ok(dict)
}

fn options(options: &TableOptions) -> BTreeMap<&str, &str> {
    options.iter().collect()
}

fn describe((schema, primary_keys, cursor_field, ingestion_type): Known<'_>) -> PyResult<(SchemaRef, TableMetadata)> {
    let py = schema.py();
    let schema = Schema::from_pyarrow_bound(&schema)?;
    // It is added to every table, and nothing that a plan is about.
    let own = schema.fields().iter().filter(|field| field.name() != RESCUED_DATA).cloned();
    let schema = Arc::new(Schema::new(own.collect::<Vec<_>>()));
    let metadata = metadata(&primary_keys, cursor_field.as_deref(), &ingestion_type);
    Ok((schema, metadata.map_err(|error| exception(py, &error))?))
}

fn metadata(primary_keys: &[String], cursor_field: Option<&str>, ingestion_type: &str) -> Result<TableMetadata> {
    let known = IngestionType::ALL.into_iter().find(|kind| kind.as_str() == ingestion_type).ok_or_else(|| {
        let valid = IngestionType::ALL.map(|kind| format!("`{kind}`")).join(", ");
        Error::new(ErrorKind::Definition, format!("expected an ingestion type, found `{ingestion_type}`"))
            .with_hint(format!("a connector's `read_table_metadata` gives one of {valid}"))
    })?;
    Ok(TableMetadata {
        primary_keys: primary_keys.iter().map(|key| key.parse()).collect::<Result<_>>()?,
        cursor_field: cursor_field.map(str::parse).transpose()?,
        ingestion_type: known,
        order: CursorOrder::None,
    })
}

/// Tables of which everything is known and nothing is read.
struct DescribedSource {
    tables: Vec<((String, TableOptions), (SchemaRef, TableMetadata))>,
}

impl DescribedSource {
    fn find(&self, table: &str, options: &TableOptions) -> Result<&(SchemaRef, TableMetadata)> {
        let found = self.tables.iter().find(|((name, own), _)| name == table && own == options);
        found.map(|(_, known)| known).ok_or_else(|| Error::new(ErrorKind::Internal, "a table of the spec is not known"))
    }
}

#[async_trait]
impl LakeflowConnect for DescribedSource {
    async fn list_tables(&self) -> Result<Vec<String>> {
        Ok(self.tables.iter().map(|((name, _), _)| name.clone()).collect())
    }

    async fn get_table_schema(&self, table: &str, options: &TableOptions) -> Result<SchemaRef> {
        Ok(Arc::clone(&self.find(table, options)?.0))
    }

    async fn read_table_metadata(&self, table: &str, options: &TableOptions) -> Result<TableMetadata> {
        Ok(self.find(table, options)?.1.clone())
    }

    async fn read_table(
        &self,
        table: &str,
        _start: &Offset,
        _options: &TableOptions,
        _context: &ReadContext,
    ) -> Result<ReadStream> {
        Err(Error::new(ErrorKind::Internal, format!("table `{table}` is only described")))
    }
}
