//! The plan: a pipeline spec held against what its connector knows.

mod table;

use std::time::Duration;

use arrow::datatypes::SchemaRef;
use futures::{StreamExt, stream};
use lakeflow_interface::records::BadValues;
use lakeflow_interface::{
    ColumnPath, Error, ErrorKind, IngestionType, LakeflowConnect, Result, TableOptions, unknown_name,
};

use crate::delta::Destination;
use crate::flow::FlowKind;
use crate::spec::{PipelineSpec, Problem, Problems, ScdType};

/// Tables of which the connector is asked at a time.
const CONCURRENT_LOOKUPS: usize = 8;

/// What a run will do: one flow for each table of the spec.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The connection to read from.
    pub connection_name: String,
    /// The flows, in the order of the spec.
    pub tables: Vec<PlannedTable>,
}

/// One table on its way to its destination.
#[derive(Clone, Debug)]
pub struct PlannedTable {
    /// The table's name in the source.
    pub source_table: String,
    /// The table to write to; its name is also the flow's.
    pub destination: Destination,
    /// How rows get into the destination.
    pub flow: FlowKind,
    /// How the table's rows change.
    pub ingestion_type: IngestionType,
    /// How history is kept.
    pub scd_type: ScdType,
    /// The rows as the source declares them.
    pub schema: SchemaRef,
    /// The columns that identify a row.
    pub primary_keys: Vec<ColumnPath>,
    /// The columns that order changes; several are compared one after the other.
    pub sequence_by: Vec<ColumnPath>,
    /// How long a delete keeps late updates from reviving its row.
    pub tombstone_retention: Duration,
    /// The columns by which the destination is clustered; none leaves it as it is.
    pub cluster_by: Vec<ColumnPath>,
    /// What becomes of values that do not fit their column.
    pub bad_values: BadValues,
    /// The options of the source.
    pub options: TableOptions,
    /// What the user should know before the run.
    pub warnings: Vec<String>,
}

impl Plan {
    /// Asks the connector about each table of the spec.
    ///
    /// # Errors
    /// All [`Problems`] of the spec at once as the cause; or the first error of the source itself, such as a refused
    /// token.
    pub async fn new(spec: &PipelineSpec, connector: &dyn LakeflowConnect) -> Result<Self> {
        let known = connector.list_tables().await?;
        let lookups: Vec<_> = spec.tables.iter().map(|table| table::plan(table, connector, &known)).collect();
        let planned: Vec<_> = stream::iter(lookups).buffered(CONCURRENT_LOOKUPS).collect().await;
        let mut tables = Vec::new();
        let mut findings = Vec::new();
        for outcome in planned {
            match outcome {
                Ok(table) => tables.push(table),
                Err(table::Refusal::Findings(found)) => findings.extend(found),
                Err(table::Refusal::Source(error)) => return Err(error),
            }
        }
        if findings.is_empty() {
            return Ok(Self { connection_name: spec.connection_name.clone(), tables });
        }
        Err(refuse(spec.origin(), findings))
    }

    /// The same plan for some of its tables, named by source table or destination.
    pub fn select(mut self, names: &[String]) -> Result<Self> {
        self.check_names(names)?;
        self.tables.retain(|table| names.iter().any(|name| table.is_called(name)));
        Ok(self)
    }

    /// Refuses names that no table of the plan has.
    pub(crate) fn check_names(&self, names: &[String]) -> Result<()> {
        match names.iter().find(|name| !self.tables.iter().any(|table| table.is_called(name))) {
            Some(name) => {
                let valid = self.tables.iter().map(|table| table.source_table.as_str());
                Err(unknown_name(ErrorKind::Configuration, "table of this pipeline", name, valid))
            }
            None => Ok(()),
        }
    }
}

impl PlannedTable {
    /// The flow's name: stable as long as the destination keeps its name.
    pub fn flow_name(&self) -> String {
        self.destination.to_string()
    }

    /// Whether the source is asked for deleted rows in a read of their own.
    pub fn applies_deletes(&self) -> bool {
        self.ingestion_type == IngestionType::CdcWithDeletes && self.flow != FlowKind::Append
    }

    /// Whether a name means this table: its source table, its destination, or the last part of that.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.source_table == name || self.destination.table() == name || self.flow_name() == name
    }
}

/// The error for all findings; its kind is theirs where they agree.
fn refuse(origin: &str, findings: Vec<(ErrorKind, Problem)>) -> Error {
    let mut kinds = findings.iter().map(|(kind, _)| *kind);
    let first = kinds.next().unwrap_or(ErrorKind::Configuration);
    let kind = if kinds.all(|kind| kind == first) { first } else { ErrorKind::Configuration };
    Problems::new(origin, findings.into_iter().map(|(_, problem)| problem).collect()).into_error(kind)
}
