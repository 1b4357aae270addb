//! GitHub's simulated records, written by hand, against the schemas of its tables: what the one has, the other declares.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{filter, is_not_null};
use arrow::datatypes::DataType;
use chrono::DateTime;
use lakeflow_interface::records::{BadValues, JsonRecords, Page, TypedBatch, Typer};
use lakeflow_simulator::{Simulator, SimulatorDefinition, SimulatorSettings};
use lakeflow_sources::Source;

/// The simulator of a source, at a fixed instant.
async fn simulator(source: &Source) -> Simulator {
    let files = source.files_under("simulator/").map(|(path, bytes)| (path, std::str::from_utf8(bytes).unwrap()));
    let definition =
        SimulatorDefinition::parse_with_schemas(files, &source.definition().unwrap().record_schemas()).unwrap();
    let now = DateTime::parse_from_rfc3339("2026-03-02T08:30:00Z").unwrap().to_utc();
    let settings = SimulatorSettings { now: Some(now), ..SimulatorSettings::default() };
    Simulator::start(&definition, settings).await.unwrap()
}

/// All rows of a table that the simulator has, typed.
fn typed(source: &Source, simulator: &Simulator, table: &str) -> TypedBatch {
    let schema = source.definition().unwrap().table_schema(table).unwrap();
    let mut typer = Typer::new(table, schema, BadValues::Rescue).unwrap();
    let rows: Vec<_> = simulator.rows(table).unwrap().collect();
    let page = Arc::new(Page::parse(serde_json::to_vec(&rows).unwrap()).unwrap());
    let records = page.root().items().map(|row| row.index()).collect();
    typer.push(&JsonRecords::new(Arc::clone(&page), records)).unwrap();
    typer.finish().unwrap()
}

#[tokio::test]
async fn simulated_records_fit_the_schemas_and_nothing_is_undeclared() {
    let source = lakeflow_sources::find("github").unwrap();
    let simulator = simulator(source).await;
    for table in source.definition().unwrap().tables() {
        let typed = typed(source, &simulator, table);
        assert!(typed.batch.num_rows() > 0, "{table} has no rows");
        assert_eq!(typed.undeclared, [].into(), "{table}");
        let added = added_columns(source, table);
        let rescued = unexpected_rescues(&typed.batch, &added);
        assert_eq!(rescued, Vec::<String>::new(), "{table}");
    }
}

#[tokio::test]
async fn every_column_has_a_value_in_some_simulated_record() {
    let source = lakeflow_sources::find("github").unwrap();
    let simulator = simulator(source).await;
    for table in source.definition().unwrap().tables() {
        let batch = typed(source, &simulator, table).batch;
        let added = added_columns(source, table);
        let mut empty = Vec::new();
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            if field.name() != "_rescued_data" && !added.contains(field.name()) {
                find_empty(field.name(), column, &mut empty);
            }
        }
        assert_eq!(empty, Vec::<String>::new(), "{table}");
    }
}

/// The columns that do not come from a record.
fn added_columns(source: &Source, table: &str) -> Vec<String> {
    let definition = source.definition().unwrap();
    definition.manifest().tables[table].add_columns.keys().cloned().collect()
}

/// What was rescued, other than that added columns are missing from plain records.
fn unexpected_rescues(batch: &RecordBatch, added: &[String]) -> Vec<String> {
    let rescued = batch.column_by_name("_rescued_data").unwrap().as_string::<i32>();
    let mut unexpected = Vec::new();
    for text in rescued.iter().flatten() {
        let values: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap();
        unexpected.extend(
            values.iter().filter(|(name, _)| !added.contains(name)).map(|(name, value)| format!("{name}: {value}")),
        );
    }
    unexpected
}

/// The names of leaves below a column that are null, or in no list element, in all rows.
fn find_empty(path: &str, column: &ArrayRef, empty: &mut Vec<String>) {
    match column.data_type() {
        DataType::Struct(fields) => {
            let present = filter(column, &is_not_null(column).unwrap()).unwrap();
            for (field, child) in fields.iter().zip(present.as_struct().columns()) {
                find_empty(&format!("{path}.{}", field.name()), child, empty);
            }
        }
        DataType::List(_) => find_empty(&format!("{path}[]"), column.as_list::<i32>().values(), empty),
        _ if column.null_count() == column.len() => empty.push(path.to_owned()),
        _ => {}
    }
}
