//! One table of the plan.

use arrow::datatypes::{DataType, Fields, SchemaRef};
use lakeflow_interface::{
    ColumnPath, Error, ErrorKind, IngestionType, LakeflowConnect, TableMetadata, nearest, unknown_name,
};

use super::PlannedTable;
use crate::flow::{END_AT, FlowKind, START_AT};
use crate::spec::{Problem, RESERVED_KEYS, ScdType, TableSpec};

const SCD_TYPE: &str = "table_configuration.scd_type";
const PRIMARY_KEYS: &str = "table_configuration.primary_keys";
const SEQUENCE_BY: &str = "table_configuration.sequence_by";
const CLUSTER_BY: &str = "table_configuration.cluster_by";

/// Why a table cannot be planned.
pub(super) enum Refusal {
    /// The spec is wrong.
    Findings(Vec<(ErrorKind, Problem)>),
    /// The source does not answer as it should.
    Source(Error),
}

pub(super) async fn plan(
    spec: &TableSpec,
    connector: &dyn LakeflowConnect,
    known: &[String],
) -> Result<PlannedTable, Refusal> {
    if !known.contains(&spec.source_table) {
        let names = known.iter().map(String::as_str);
        let error = unknown_name(ErrorKind::Configuration, "source table", &spec.source_table, names);
        return Err(Refusal::finding(error.kind(), spec.problem_from("source_table", &error)));
    }
    let schema = connector.get_table_schema(&spec.source_table, &spec.options).await;
    let schema = schema.map_err(|error| classify(spec, error))?;
    let metadata = connector.read_table_metadata(&spec.source_table, &spec.options).await;
    let metadata = metadata.map_err(|error| classify(spec, error))?;
    Checks { spec, schema: &schema, metadata: &metadata, findings: Vec::new() }.into_plan()
}

/// What the connector says about the user's options is a finding at the option; anything else is the source's own error.
fn classify(spec: &TableSpec, error: Error) -> Refusal {
    match error.kind() {
        ErrorKind::Configuration | ErrorKind::Unsupported => {}
        _ => return Refusal::Source(error.with_context("table", &spec.source_table)),
    }
    let Some(option) = error.context("option") else {
        return Refusal::finding(error.kind(), spec.problem_from("table_configuration", &error));
    };
    let mut problem = spec.problem_from(&format!("table_configuration.{option}"), &error);
    if spec.options.get(option).is_some()
        && let Some(reserved) = nearest(option, RESERVED_KEYS)
    {
        problem = problem.with_hint(match error.hint() {
            Some(hint) => format!("did you mean `{reserved}`? options of the source: {hint}"),
            None => format!("did you mean `{reserved}`?"),
        });
    }
    Refusal::finding(error.kind(), problem)
}

impl Refusal {
    fn finding(kind: ErrorKind, problem: Problem) -> Self {
        Self::Findings(vec![(kind, problem)])
    }
}

struct Checks<'a> {
    spec: &'a TableSpec,
    schema: &'a SchemaRef,
    metadata: &'a TableMetadata,
    findings: Vec<(ErrorKind, Problem)>,
}

impl Checks<'_> {
    fn into_plan(mut self) -> Result<PlannedTable, Refusal> {
        let scd_type = self.spec.scd_type.unwrap_or(match self.metadata.ingestion_type {
            IngestionType::Append => ScdType::AppendOnly,
            _ => ScdType::ScdType1,
        });
        let flow = self.flow(scd_type);
        let primary_keys = self.primary_keys(flow);
        let sequence_by = self.sequence_by(flow);
        self.history_columns(flow);
        self.cluster_by();
        let Some(flow) = flow.filter(|_| self.findings.is_empty()) else {
            return Err(Refusal::Findings(self.findings));
        };
        Ok(PlannedTable {
            source_table: self.spec.source_table.clone(),
            destination: self.spec.destination.clone(),
            flow,
            ingestion_type: self.metadata.ingestion_type,
            scd_type,
            schema: self.schema.clone(),
            primary_keys,
            sequence_by,
            tombstone_retention: self.spec.tombstone_retention,
            bad_values: self.spec.bad_values,
            cluster_by: self.spec.cluster_by.clone(),
            options: self.spec.options.clone(),
            warnings: Vec::new(),
        })
    }

    /// How rows of an ingestion type get into a table of an SCD type.
    fn flow(&mut self, scd_type: ScdType) -> Option<FlowKind> {
        Some(match (scd_type, self.metadata.ingestion_type) {
            (ScdType::AppendOnly, _) | (ScdType::ScdType1, IngestionType::Append) => FlowKind::Append,
            (ScdType::ScdType1, IngestionType::Cdc | IngestionType::CdcWithDeletes) => FlowKind::Upsert,
            (ScdType::ScdType1, IngestionType::Snapshot) => FlowKind::Snapshot,
            (ScdType::ScdType2, IngestionType::Snapshot) => FlowKind::SnapshotHistory,
            (ScdType::ScdType2, IngestionType::Append) if self.spec.primary_keys.is_none() => {
                let message =
                    "rows of an `append` table have no history: nothing says which of them are versions of one";
                self.refuse(
                    ErrorKind::Configuration,
                    SCD_TYPE,
                    message,
                    "set `primary_keys`, or `scd_type: APPEND_ONLY`",
                );
                return None;
            }
            (ScdType::ScdType2, _) => FlowKind::History,
        })
    }

    fn primary_keys(&mut self, flow: Option<FlowKind>) -> Vec<ColumnPath> {
        let keys = match &self.spec.primary_keys {
            Some(keys) => keys.clone(),
            None => self.metadata.primary_keys.clone(),
        };
        if keys.is_empty() && flow.is_some_and(|flow| flow != FlowKind::Append) {
            let needing = if flow.is_some_and(FlowKind::keeps_history) { "SCD_TYPE_2" } else { "SCD_TYPE_1" };
            let message = format!("the table has no primary keys, which `{needing}` needs");
            let hint = "set `primary_keys`, or `scd_type: APPEND_ONLY`";
            self.refuse(ErrorKind::Configuration, "table_configuration", message, hint);
        }
        for key in &keys {
            self.column(PRIMARY_KEYS, key);
        }
        keys
    }

    fn sequence_by(&mut self, flow: Option<FlowKind>) -> Vec<ColumnPath> {
        let columns = match &self.spec.sequence_by {
            Some(columns) => columns.clone(),
            None => self.metadata.cursor_field.iter().cloned().collect(),
        };
        for path in &columns {
            let has_order = |kind: &DataType| matches!(kind, DataType::Struct(_)) || !kind.is_nested();
            if self.column(SEQUENCE_BY, path).is_some_and(|kind| !has_order(&kind)) {
                let message = format!("expected a column whose values have an order, found the nested column `{path}`");
                self.findings.push((ErrorKind::Configuration, self.spec.problem(SEQUENCE_BY, message)));
            }
        }
        if columns.is_empty() && matches!(flow, Some(FlowKind::Upsert | FlowKind::History)) {
            let message = "the table has no cursor field, so nothing tells which of two changes is the later one";
            let hint = "set `sequence_by`, or `scd_type: APPEND_ONLY`";
            self.refuse(ErrorKind::Configuration, "table_configuration", message, hint);
        }
        columns
    }

    /// Refuses a history of rows that bring its columns themselves.
    fn history_columns(&mut self, flow: Option<FlowKind>) {
        let taken = self
            .schema
            .fields()
            .iter()
            .find(|field| [START_AT, END_AT].iter().any(|name| field.name().eq_ignore_ascii_case(name)));
        if let Some(field) = taken.filter(|_| flow.is_some_and(FlowKind::keeps_history)) {
            let message = format!("the source has a column `{}`, which `SCD_TYPE_2` adds itself", field.name());
            self.refuse(ErrorKind::Configuration, SCD_TYPE, message, "use `SCD_TYPE_1` or `APPEND_ONLY`");
        }
    }

    fn cluster_by(&mut self) {
        for column in &self.spec.cluster_by {
            self.column(CLUSTER_BY, column);
        }
    }

    /// The type of a column; a finding where there is no such column.
    fn column(&mut self, key: &str, path: &ColumnPath) -> Option<DataType> {
        let leaf = Fields::empty();
        let mut fields: &Fields = self.schema.fields();
        let mut found = None;
        for part in path.parts() {
            let Some(field) = fields.iter().find(|field| field.name() == part) else {
                let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
                let error = unknown_name(ErrorKind::Configuration, "column", part, names);
                let mut problem = self.spec.problem_from(key, &error);
                if path.parts().len() > 1 {
                    problem.message = format!("{} in `{path}`", problem.message);
                }
                self.findings.push((ErrorKind::Configuration, problem));
                return None;
            };
            fields = match field.data_type() {
                DataType::Struct(inner) => inner,
                _ => &leaf,
            };
            found = Some(field.data_type().clone());
        }
        found
    }

    fn refuse(&mut self, kind: ErrorKind, key: &str, message: impl Into<String>, hint: &str) {
        self.findings.push((kind, self.spec.problem(key, message).with_hint(hint)));
    }
}
