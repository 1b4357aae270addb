//! The sink: batches that somebody else has read give the tables that the engine gives, whatever happens on the way.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::json::ReaderBuilder;
use lakeflow_interface::{Error, ErrorKind, IngestionType, ddl};
use lakeflow_pipeline::FlowKind;
use lakeflow_pipeline::delta::RestoreTarget;
use lakeflow_pipeline::plan::Plan;
use lakeflow_pipeline::sink::{Applied, BatchId, Sink, SinkOptions, TaskShare, WriteMode};
use serde_json::{Value, json};

use crate::connector::{ScriptedConnector, ScriptedTable, Step};
use crate::workbench::{Workbench, destination, patient, silent, spec};

const SCHEMA: &str = "id BIGINT NOT NULL, at BIGINT, text STRING NOT NULL";
const QUERY: &str = "0c5d7f3e-50f4-4b07-8a6d-3a2a5b1c9d01";
const OTHER_QUERY: &str = "0c5d7f3e-50f4-4b07-8a6d-3a2a5b1c9d02";

fn row(id: u64, at: u64, text: &str) -> Value {
    json!({"id": id, "at": at, "text": text})
}

/// The rows of a task.
type Rows = Vec<Value>;

fn schema(columns: &str) -> SchemaRef {
    let rescued = Field::new("_rescued_data", DataType::Utf8, true);
    let fields: Vec<_> = ddl::parse(columns).unwrap().fields().iter().cloned().chain([Arc::new(rescued)]).collect();
    Arc::new(Schema::new(fields))
}

fn batch(schema: &SchemaRef, rows: &[Value]) -> RecordBatch {
    let mut decoder = ReaderBuilder::new(Arc::clone(schema)).build_decoder().unwrap();
    decoder.serialize(rows).unwrap();
    decoder.flush().unwrap().unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(schema)))
}

/// A query of another engine that writes into one table.
struct Query<'w> {
    workbench: &'w Workbench,
    options: BTreeMap<String, String>,
    schema: SchemaRef,
    id: String,
}

impl<'w> Query<'w> {
    fn new(workbench: &'w Workbench, columns: &str, options: &[(&str, &str)]) -> Self {
        let lakehouse = workbench.folder().to_str().unwrap();
        let own = [("lakehouse", lakehouse), ("table", "default.t")];
        let options = own.iter().chain(options).map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Self { workbench, options: options.collect(), schema: schema(columns), id: QUERY.to_owned() }
    }

    fn with(mut self, name: &str, text: &str) -> Self {
        self.options.insert(name.to_owned(), text.to_owned());
        self
    }

    fn sink(&self) -> Sink {
        Sink::open(SinkOptions::parse(&self.options).unwrap()).unwrap()
    }

    fn batch(&self, number: u64) -> BatchId {
        BatchId::of_stream(&self.id, number).unwrap()
    }

    /// What the tasks of a batch do: each stages its rows and tells where.
    async fn stage(&self, batch: &BatchId, tasks: &[Rows]) -> Vec<TaskShare> {
        let mut shares = Vec::new();
        for rows in tasks {
            let mut writer = self.sink().share(batch.clone()).unwrap();
            for part in rows.chunks(2) {
                writer.write(&self::batch(&self.schema, part)).await.unwrap();
            }
            let share = writer.finish().await.unwrap();
            assert_eq!(share.rows(), rows.len() as u64);
            // It travels as text.
            shares.push(serde_json::from_str(&serde_json::to_string(&share).unwrap()).unwrap());
        }
        shares
    }

    async fn apply(&self, batch: &BatchId, shares: &[TaskShare], mode: WriteMode) -> Result<Applied, Error> {
        self.sink().apply(Arc::clone(&self.schema), batch, shares, mode, silent()).await
    }

    async fn run(&self, number: u64, tasks: &[Rows]) -> Result<Applied, Error> {
        let batch = self.batch(number);
        let shares = self.stage(&batch, tasks).await;
        self.apply(&batch, &shares, WriteMode::Append).await
    }

    async fn write(&self, query: &str, rows: Rows, mode: WriteMode) -> Applied {
        let batch = BatchId::of_write(query).unwrap();
        let shares = self.stage(&batch, &[rows]).await;
        self.apply(&batch, &shares, mode).await.unwrap()
    }

    fn staged_files(&self) -> usize {
        let folder = self.workbench.folder().join("_staged/default/t");
        std::fs::read_dir(folder).map_or(0, Iterator::count)
    }
}

fn workbench() -> Workbench {
    Workbench::new(ScriptedConnector::default())
}

/// Micro-batches of changes, each followed by one of deletes: late ones, double ones, and deletes before their rows.
fn micro_batches() -> Vec<(Rows, Rows)> {
    vec![
        (vec![row(1, 1, "a"), row(2, 1, "b"), row(3, 5, "c")], vec![row(3, 4, ""), row(9, 9, "")]),
        (vec![row(2, 2, "b2"), row(1, 3, "a3"), row(9, 8, "late"), row(4, 1, "d")], vec![row(1, 4, "")]),
        (vec![row(1, 2, "late"), row(4, 1, "same instant"), row(9, 10, "again")], vec![]),
    ]
}

fn without_instants(mut rows: Rows, kind: FlowKind) -> Rows {
    if kind == FlowKind::SnapshotHistory {
        for row in &mut rows {
            let row = row.as_object_mut().unwrap();
            row.remove("__START_AT").unwrap();
            let is_closed = row.remove("__END_AT").is_some();
            row.insert("closed".to_owned(), is_closed.into());
        }
        rows.sort_by_key(Value::to_string);
    }
    rows
}

/// The rows of a table that the engine fills in one run per micro-batch, and the options of a sink that does the same.
async fn embedded(
    kind: IngestionType,
    configuration: &str,
    batches: &[(Rows, Rows)],
) -> (Rows, FlowKind, BTreeMap<String, String>) {
    let table = ScriptedTable::new(kind, SCHEMA);
    let workbench = Workbench::new(ScriptedConnector::default().with_table("t", table));
    let spec = spec(&[("t", configuration)]);
    let mut script = Vec::new();
    for (number, (changes, deletes)) in batches.iter().enumerate() {
        if kind == IngestionType::Snapshot {
            script.clear();
        }
        script.push(Step::Page(changes.clone()));
        if kind == IngestionType::CdcWithDeletes && !deletes.is_empty() {
            script.push(Step::Deleted(deletes.clone()));
        }
        script.push(Step::Checkpoint(number as u64 + 1));
        workbench.connector.set_script("t", script.clone());
        let (report, _) = workbench.run(&spec, patient()).await;
        assert!(report.is_complete(), "{:?}", report.failures().next());
    }
    let plan = Plan::new(&spec, workbench.connector.as_ref()).await.unwrap();
    let options = SinkOptions::of_plan(&plan.tables[0], "unused");
    (workbench.rows("t").await, plan.tables[0].flow, options)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_flow_gives_the_table_that_the_engine_gives() {
    use IngestionType::{Append, Cdc, CdcWithDeletes, Snapshot};
    let mut kinds = Vec::new();
    for (kind, configuration) in [
        (Append, "{}"),
        (Append, r#"{"scd_type": "SCD_TYPE_2", "primary_keys": ["id"], "sequence_by": "at"}"#),
        (Cdc, "{}"),
        (Cdc, r#"{"scd_type": "APPEND_ONLY"}"#),
        (CdcWithDeletes, "{}"),
        (CdcWithDeletes, r#"{"scd_type": "SCD_TYPE_2"}"#),
        (Snapshot, "{}"),
        (Snapshot, r#"{"scd_type": "SCD_TYPE_2"}"#),
        (Snapshot, r#"{"scd_type": "APPEND_ONLY"}"#),
    ] {
        let mut batches = micro_batches();
        if kind == Snapshot {
            batches.iter_mut().for_each(|(changes, _)| changes.dedup_by_key(|row| row["id"].clone()));
        }
        let (expected, flow, options) = embedded(kind, configuration, &batches).await;
        let workbench = workbench();
        let options: Vec<_> = options.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let own = [("lakehouse", workbench.folder().to_str().unwrap()), ("table", "default.t")];
        let changes = Query::new(&workbench, SCHEMA, &[&options[..], &own].concat()).with("flow_name", "changes");
        let mut deletes = Query::new(&workbench, SCHEMA, &[&options[..], &own].concat())
            .with("flow_name", "deletes")
            .with("apply_as_deletes", "true");
        deletes.id = OTHER_QUERY.to_owned();
        for (number, (changed, deleted)) in batches.iter().enumerate() {
            let (first, second) = changed.split_at(changed.len() / 2);
            let applied = changes.run(number as u64, &[first.to_vec(), Vec::new(), second.to_vec()]).await.unwrap();
            assert!(!applied.was_there);
            if kind == CdcWithDeletes {
                deletes.run(number as u64, std::slice::from_ref(deleted)).await.unwrap();
            }
        }
        let found = workbench.rows("t").await;
        let message = format!("{kind} {configuration}");
        assert_eq!(without_instants(found, flow), without_instants(expected, flow), "{message}");
        assert_eq!(changes.staged_files(), 0, "{message}");
        kinds.push(flow);
    }
    let all = [FlowKind::Append, FlowKind::Upsert, FlowKind::History, FlowKind::Snapshot, FlowKind::SnapshotHistory];
    assert!(all.iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_that_comes_again_after_its_commit_is_passed_over() {
    let appended_snapshot = [("snapshot", "true"), ("keys", "id"), ("scd_type", "APPEND_ONLY")];
    for options in [&[][..], &[("keys", "id"), ("sequence_by", "at")], &appended_snapshot] {
        let workbench = workbench();
        let query = Query::new(&workbench, SCHEMA, options);
        query.run(0, &[vec![row(1, 1, "a")]]).await.unwrap();
        query.run(1, &[vec![row(2, 1, "b")]]).await.unwrap();
        let version = workbench.version("t").await;
        // The driver died before it could note the batch, and reads it again.
        let applied = query.run(1, &[vec![row(2, 1, "b")]]).await.unwrap();
        assert!(applied.was_there);
        assert_eq!((workbench.version("t").await, query.staged_files()), (version, 0));
        assert!(!query.run(2, &[vec![row(3, 1, "c")]]).await.unwrap().was_there);
        assert_eq!(workbench.rows("t").await, [row(1, 1, "a"), row(2, 1, "b"), row(3, 1, "c")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_that_died_before_its_commit_is_applied_once_and_leaves_nothing() {
    let workbench = workbench();
    let query = Query::new(&workbench, SCHEMA, &[]);
    // A first attempt of the tasks, of which one came to its end and one did not.
    query.stage(&query.batch(0), &[vec![row(1, 1, "a")]]).await;
    let mut cut_off = query.sink().share(query.batch(0)).unwrap();
    cut_off.write(&batch(&query.schema, &[row(2, 1, "b")])).await.unwrap();
    drop(cut_off);
    assert_eq!(query.staged_files(), 1);
    query.run(0, &[vec![row(1, 1, "a")], vec![row(2, 1, "b")]]).await.unwrap();
    assert_eq!(workbench.rows("t").await, [row(1, 1, "a"), row(2, 1, "b")]);
    assert_eq!(query.staged_files(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn clearing_a_batch_leaves_the_table_and_later_batches_alone() {
    let workbench = workbench();
    let query = Query::new(&workbench, SCHEMA, &[]);
    query.run(0, &[vec![row(1, 1, "a")]]).await.unwrap();
    query.stage(&query.batch(0), &[vec![row(1, 1, "a")]]).await;
    let later = query.stage(&query.batch(1), &[vec![row(2, 1, "b")]]).await;
    // What Spark calls when a commit fails, also when it has landed.
    query.sink().clear(&query.batch(0)).await;
    assert_eq!(query.staged_files(), 1);
    query.apply(&query.batch(1), &later, WriteMode::Append).await.unwrap();
    assert_eq!(workbench.rows("t").await, [row(1, 1, "a"), row(2, 1, "b")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_checkpoint_is_told_and_can_be_taken_over() {
    let workbench = workbench();
    let query = Query::new(&workbench, SCHEMA, &[("keys", "id"), ("sequence_by", "at")]);
    query.run(0, &[vec![row(1, 1, "a")]]).await.unwrap();
    query.run(1, &[vec![row(1, 2, "b")]]).await.unwrap();
    let mut fresh = Query::new(&workbench, SCHEMA, &[("keys", "id"), ("sequence_by", "at")]);
    fresh.id = OTHER_QUERY.to_owned();
    let version = workbench.version("t").await;
    let error = fresh.run(0, &[vec![row(1, 1, "a"), row(2, 2, "c")]]).await.unwrap_err();
    assert_eq!((error.kind(), workbench.version("t").await), (ErrorKind::Conflict, version));
    assert!(error.hint().unwrap().contains(&format!("`take_over` to `{QUERY}`")), "{error:?}");
    let fresh = fresh.with("take_over", QUERY);
    fresh.run(0, &[vec![row(1, 1, "a"), row(2, 2, "c")]]).await.unwrap();
    assert_eq!(workbench.rows("t").await, [row(1, 2, "b"), row(2, 2, "c")]);
    // The option is spent: the next loss is told again.
    let mut third = Query::new(&workbench, SCHEMA, &[("keys", "id"), ("sequence_by", "at")]).with("take_over", QUERY);
    third.id = QUERY.replace("01", "03");
    assert_eq!(third.run(0, &[vec![row(1, 9, "x")]]).await.unwrap_err().kind(), ErrorKind::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn driver_that_outlives_its_successor_commits_nothing_twice() {
    let workbench = workbench();
    let (old, new) = (Query::new(&workbench, SCHEMA, &[]), Query::new(&workbench, SCHEMA, &[]));
    old.run(0, &[vec![row(1, 1, "a")]]).await.unwrap();
    let late = old.stage(&old.batch(1), &[vec![row(2, 1, "b")]]).await;
    let shares = new.stage(&new.batch(1), &[vec![row(2, 1, "b")]]).await;
    // Both commit at once: either may be first, and the other may find its rows cleared away.
    let (batch, mode) = (new.batch(1), WriteMode::Append);
    let outcomes = tokio::join!(old.apply(&batch, &late, mode), new.apply(&batch, &shares, mode));
    assert!(outcomes.0.is_ok() || outcomes.1.is_ok(), "{outcomes:?}");
    assert_eq!(workbench.rows("t").await, [row(1, 1, "a"), row(2, 1, "b")]);
    new.run(1, &[vec![row(2, 1, "b")]]).await.unwrap();
    new.run(2, &[vec![row(3, 1, "c")]]).await.unwrap();
    let late = old.stage(&old.batch(1), &[vec![row(2, 1, "b")]]).await;
    let error = old.apply(&batch, &late, mode).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(workbench.rows("t").await, [row(1, 1, "a"), row(2, 1, "b"), row(3, 1, "c")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn table_that_was_restored_or_recreated_under_a_query_is_told() {
    let workbench = workbench();
    let query = Query::new(&workbench, SCHEMA, &[]);
    query.run(0, &[vec![row(1, 1, "a")]]).await.unwrap();
    let version = workbench.version("t").await;
    // A batch without rows counts too.
    query.run(1, &[vec![]]).await.unwrap();
    query.run(2, &[vec![row(2, 1, "b")]]).await.unwrap();
    let table = workbench.lakehouse().table(&destination("t")).unwrap();
    let state = table.load().await.unwrap().unwrap();
    table.restore(&state, RestoreTarget::Version(version.unwrap())).await.unwrap();
    let error = query.run(3, &[vec![row(3, 1, "c")]]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.message().contains("restored") && error.hint().unwrap().contains("`take_over`"), "{error:?}");
    assert_eq!((workbench.rows("t").await, query.staged_files()), (vec![row(1, 1, "a")], 1));
    std::fs::remove_dir_all(workbench.folder().join("default/t")).unwrap();
    let error = query.run(3, &[vec![row(3, 1, "c")]]).await.unwrap_err();
    assert!(error.message().contains("found none"), "{error:?}");
    query.with("take_over", QUERY).run(3, &[vec![row(3, 1, "c")]]).await.unwrap();
    assert_eq!(workbench.rows("t").await, [row(3, 1, "c")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn engine_and_streams_do_not_take_each_others_place_silently() {
    let table = ScriptedTable::new(IngestionType::Cdc, SCHEMA);
    let workbench = Workbench::new(ScriptedConnector::default().with_table("t", table));
    workbench.connector.set_script("t", vec![Step::Page(vec![row(1, 1, "a")]), Step::Checkpoint(1)]);
    workbench.run_table("t", patient()).await;
    let query = Query::new(&workbench, SCHEMA, &[("keys", "id"), ("sequence_by", "at")]);
    let error = query.run(0, &[vec![row(1, 2, "b")]]).await.unwrap_err();
    assert!(error.hint().unwrap().contains("`take_over` to `embedded`"), "{error:?}");
    query.with("take_over", "embedded").run(0, &[vec![row(1, 2, "b")]]).await.unwrap();
    assert_eq!(workbench.rows("t").await, [row(1, 2, "b")]);
    let (report, _) = workbench.run(&spec(&[("t", "{}")]), patient()).await;
    let (_, error) = report.failures().next().unwrap();
    assert!(error.hint().unwrap().contains("full refresh"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshot_table_is_filled_by_either_engine() {
    let table = ScriptedTable::new(IngestionType::Snapshot, SCHEMA);
    let workbench = Workbench::new(ScriptedConnector::default().with_table("t", table));
    workbench.connector.set_script("t", vec![Step::Page(vec![row(1, 1, "a"), row(2, 1, "b")]), Step::Checkpoint(0)]);
    workbench.run_table("t", patient()).await;
    let query = Query::new(&workbench, SCHEMA, &[("keys", "id"), ("snapshot", "true")]);
    let version = workbench.version("t").await;
    query.run(0, &[vec![row(2, 1, "b")], vec![row(1, 1, "a")]]).await.unwrap();
    assert_eq!(workbench.version("t").await, version, "an unchanged snapshot writes nothing");
    query.run(1, &[vec![row(2, 2, "b2")]]).await.unwrap();
    assert_eq!(workbench.rows("t").await, [row(2, 2, "b2")]);
    workbench.run_table("t", patient()).await;
    assert_eq!(workbench.rows("t").await, [row(1, 1, "a"), row(2, 1, "b")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_side_by_side_into_one_table_lose_nothing() {
    let workbench = workbench();
    let streams: Vec<_> = (0..4_u64)
        .map(|number| {
            let mut query = Query::new(&workbench, SCHEMA, &[]).with("flow_name", &number.to_string());
            query.id = format!("0c5d7f3e-50f4-4b07-8a6d-3a2a5b1c9d1{number}");
            (number, query)
        })
        .collect();
    let runs = streams.iter().map(|(number, query)| async move {
        for batch in 0..3 {
            query.run(batch, &[vec![row(number * 10 + batch, 1, "x")]]).await.unwrap();
        }
    });
    futures::future::join_all(runs).await;
    let found: Vec<_> = workbench.rows("t").await.iter().map(|row| row["id"].as_u64().unwrap()).collect();
    assert_eq!(found.len(), 12, "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_writes_append_or_replace() {
    let workbench = workbench();
    let query = Query::new(&workbench, SCHEMA, &[]);
    query.write(QUERY, vec![row(1, 1, "a")], WriteMode::Append).await;
    query.write(OTHER_QUERY, vec![row(1, 1, "a")], WriteMode::Append).await;
    assert_eq!(workbench.rows("t").await, [row(1, 1, "a"), row(1, 1, "a")]);
    query.write(QUERY, vec![row(2, 1, "b")], WriteMode::Overwrite).await;
    assert_eq!(workbench.rows("t").await, [row(2, 1, "b")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn column_that_marks_deletes_is_applied_and_not_written() {
    let workbench = workbench();
    let columns = "id BIGINT NOT NULL, at BIGINT, text STRING, gone BOOLEAN";
    let options = [("keys", "id"), ("sequence_by", "at"), ("apply_as_deletes", "gone")];
    let query = Query::new(&workbench, columns, &options);
    query.run(0, &[vec![row(1, 1, "a"), row(2, 1, "b")]]).await.unwrap();
    let gone = json!({"id": 1, "at": 2, "gone": true});
    let stays = json!({"id": 2, "at": 2, "text": "b2", "gone": false});
    query.run(1, &[vec![gone, stays]]).await.unwrap();
    assert_eq!(workbench.rows("t").await, [row(2, 2, "b2")]);
    let error = query.with("apply_as_deletes", "text").run(2, &[vec![row(2, 3, "c")]]).await.unwrap_err();
    assert!(error.message().contains("boolean column `text`"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_that_come_later_are_added_and_misfits_are_refused() {
    let workbench = workbench();
    Query::new(&workbench, SCHEMA, &[]).run(0, &[vec![row(1, 1, "a")]]).await.unwrap();
    let wider = Query::new(&workbench, "id BIGINT NOT NULL, at BIGINT, text STRING NOT NULL, more STRING", &[]);
    let more = json!({"id": 2, "at": 1, "text": "b", "more": "m"});
    wider.run(1, &[vec![more.clone()]]).await.unwrap();
    assert_eq!(workbench.rows("t").await, [row(1, 1, "a"), more]);
    let other = Query::new(&workbench, "id BIGINT NOT NULL, at STRING, text STRING NOT NULL", &[]);
    let error = other.run(2, &[vec![json!({"id": 3, "at": "x", "text": "c"})]]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_no_columns_are_named() {
    let workbench = workbench();
    let query = Query::new(&workbench, SCHEMA, &[("keys", "idd"), ("sequence_by", "at")]);
    let error = query.run(0, &[vec![row(1, 1, "a")]]).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("unknown column `idd`") && cause.contains("did you mean `id`"), "{cause}");
}
