//! Another Delta writer commits to a table while a run fills it: its commits are made by hand, file by file, as by a
//! program that knows nothing of pipelines. Nothing is lost, of neither; where the run must stop, it says so once.

use std::fs::{self, File};
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::json::ReaderBuilder;
use lakeflow_interface::{ErrorKind, IngestionType};
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};

use crate::connector::{ScriptedConnector, ScriptedTable, Step};
use crate::crash::model::sorted;
use crate::workbench::{Workbench, patient, silent, spec};

const TABLE: &str = "issues";
const SCHEMA: &str = "id BIGINT, at BIGINT, text STRING";
const HISTORY: &str = r#"{"scd_type": "SCD_TYPE_2"}"#;
const FLOWS: [(IngestionType, &str); 4] = [
    (IngestionType::Append, "{}"),
    (IngestionType::Cdc, "{}"),
    (IngestionType::Cdc, HISTORY),
    (IngestionType::Snapshot, "{}"),
];

fn row(id: u64, at: u64) -> Value {
    json!({"id": id, "at": at, "text": at.to_string()})
}

/// A version of a row in a history.
fn version(id: u64, start: u64, end: Option<u64>) -> Value {
    let mut version = row(id, start);
    version["__START_AT"] = start.into();
    if let Some(end) = end {
        version["__END_AT"] = end.into();
    }
    version
}

/// The other writer.
struct Writer {
    table: PathBuf,
    schema: SchemaRef,
}

impl Writer {
    async fn new(workbench: &Workbench) -> Self {
        let schema = Arc::clone(workbench.state(TABLE).await.unwrap().schema());
        Self { table: workbench.folder().join("default").join(TABLE), schema }
    }

    fn log(&self, version: usize) -> PathBuf {
        self.table.join(format!("_delta_log/{version:020}.json"))
    }

    fn versions(&self) -> usize {
        (0..).take_while(|version| self.log(*version).exists()).count()
    }

    /// The newest action of a kind in the log.
    fn newest(&self, kind: &str) -> Value {
        let texts = (0..self.versions()).rev().map(|version| fs::read_to_string(self.log(version)).unwrap());
        let actions = texts
            .flat_map(|text| text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>());
        actions.filter_map(|action| action.get(kind).cloned()).next().unwrap()
    }

    fn commit(&self, actions: &[Value]) {
        let info = json!({"commitInfo": {"timestamp": 0, "operation": "WRITE", "engineInfo": "another writer"}});
        let lines: Vec<String> = [&info].into_iter().chain(actions).map(Value::to_string).collect();
        fs::write(self.log(self.versions()), lines.join("\n")).unwrap();
    }

    /// Writes a data file, and gives the action that adds it.
    fn add(&self, row: &Value) -> Value {
        let reader = ReaderBuilder::new(Arc::clone(&self.schema)).build(Cursor::new(row.to_string())).unwrap();
        let path = self.table.join("foreign.parquet");
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), Arc::clone(&self.schema), None).unwrap();
        reader.for_each(|batch: Result<RecordBatch, _>| writer.write(&batch.unwrap()).unwrap());
        writer.close().unwrap();
        let size = fs::metadata(path).unwrap().len();
        json!({"add": {"path": "foreign.parquet", "partitionValues": {}, "size": size, "modificationTime": 0,
                       "dataChange": true}})
    }

    /// The action that removes the newest file.
    fn remove(&self, data_change: bool) -> Value {
        let path = self.newest("add")["path"].clone();
        json!({"remove": {"path": path, "deletionTimestamp": 0, "dataChange": data_change}})
    }

    /// The actions that put the newest file's rows into another file.
    fn rearrange(&self) -> [Value; 2] {
        let mut add = self.newest("add");
        fs::copy(self.table.join(add["path"].as_str().unwrap()), self.table.join("rearranged.parquet")).unwrap();
        add["path"] = "rearranged.parquet".into();
        add["dataChange"] = false.into();
        [self.remove(false), json!({"add": add})]
    }

    /// The action that describes the table anew.
    fn describe(&self) -> Value {
        let mut metadata = self.newest("metaData");
        metadata["description"] = "described by another writer".into();
        json!({"metaData": metadata})
    }
}

/// A table with a first row, and a source that has more once its gate is open: a new row, and a change of the first.
async fn workbench(kind: IngestionType, configuration: &str) -> Workbench {
    let first = vec![Step::Page(vec![row(1, 1)]), Step::Checkpoint(1)];
    let table = ScriptedTable::new(kind, SCHEMA).with_script(first.clone());
    let workbench = Workbench::new(ScriptedConnector::default().with_table(TABLE, table));
    assert!(workbench.run(&spec(&[(TABLE, configuration)]), patient()).await.0.is_complete());
    let next = vec![Step::Gate, Step::Page(vec![row(2, 2), row(1, 3)]), Step::Checkpoint(2)];
    let script = if kind == IngestionType::Snapshot { next } else { [first, next].concat() };
    workbench.connector.set_script(TABLE, script);
    workbench
}

/// What the table has in the end, where the first row stayed and where another writer took it away.
fn expected(kind: IngestionType, configuration: &str, first_stays: bool) -> Vec<Value> {
    let mut rows = match (kind, configuration) {
        (_, HISTORY) => vec![version(2, 2, None), version(1, 3, None)],
        _ => vec![row(2, 2), row(1, 3)],
    };
    match (kind, configuration) {
        (_, HISTORY) if first_stays => rows.push(version(1, 1, Some(3))),
        (IngestionType::Append, _) if first_stays => rows.push(row(1, 1)),
        _ => {}
    }
    rows
}

/// Runs into the other writer's commit; where that stops the run, it runs again. Gives the rows, and whether it stopped.
async fn meet(workbench: &Workbench, configuration: &str, commit: impl FnOnce(&Writer)) -> (Vec<Value>, bool) {
    let spec = spec(&[(TABLE, configuration)]);
    let writer = Writer::new(workbench).await;
    let run = workbench.run_observed(&spec, patient(), silent());
    let foreign = async {
        workbench.connector.gate_reached().await;
        commit(&writer);
        workbench.connector.open_gate();
    };
    let (report, ()) = tokio::join!(run, foreign);
    let mut failures = report.failures();
    let Some((_, error)) = failures.next() else { return (sorted(workbench.rows(TABLE).await), false) };
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    assert!(error.message().starts_with("another writer changed the table from version"), "{error:?}");
    assert!(failures.next().is_none());
    workbench.connector.open_gate();
    let (again, _) = workbench.run(&spec, patient()).await;
    assert!(again.is_complete(), "{again:?}");
    (sorted(workbench.rows(TABLE).await), true)
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_that_changes_no_row_is_passed_over() {
    for (kind, configuration) in FLOWS {
        let workbench = workbench(kind, configuration).await;
        let (rows, stopped) = meet(&workbench, configuration, |writer| writer.commit(&[])).await;
        assert_eq!((rows, stopped), (sorted(expected(kind, configuration, true)), false), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_an_added_file_stay() {
    for (kind, configuration) in FLOWS {
        let workbench = workbench(kind, configuration).await;
        let foreign = if configuration == HISTORY { version(9, 9, None) } else { row(9, 9) };
        let (rows, stopped) = meet(&workbench, configuration, |writer| writer.commit(&[writer.add(&foreign)])).await;
        let all = expected(kind, configuration, true).into_iter().chain([foreign]);
        assert_eq!((rows, stopped), (sorted(all), false), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn removed_file_stops_the_run_and_the_next_one_goes_on() {
    for (kind, configuration) in FLOWS {
        let workbench = workbench(kind, configuration).await;
        let (rows, stopped) = meet(&workbench, configuration, |writer| writer.commit(&[writer.remove(true)])).await;
        assert_eq!((rows, stopped), (sorted(expected(kind, configuration, false)), true), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rearranged_file_stops_the_run_only_where_it_changes_rows_in_it() {
    for (kind, configuration) in FLOWS {
        let workbench = workbench(kind, configuration).await;
        let (rows, stopped) = meet(&workbench, configuration, |writer| writer.commit(&writer.rearrange())).await;
        let changes_it = kind != IngestionType::Append;
        assert_eq!((rows, stopped), (sorted(expected(kind, configuration, true)), changes_it), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_metadata_stops_the_run_and_the_next_one_goes_on() {
    for (kind, configuration) in FLOWS {
        let workbench = workbench(kind, configuration).await;
        let (rows, stopped) = meet(&workbench, configuration, |writer| writer.commit(&[writer.describe()])).await;
        assert_eq!((rows, stopped), (sorted(expected(kind, configuration, true)), true), "{kind:?}");
    }
}
