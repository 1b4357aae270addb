//! New columns in a table that has rows.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};
use lakeflow_interface::ErrorKind;
use lakeflow_pipeline::delta::{ColumnRange, ColumnValues, NewTable, OptimizeSettings, Scan};

use crate::lake::{FLOW, Lake, append, checkpoint, people, reloaded_rows, rows, scanned};

#[tokio::test(flavor = "multi_thread")]
async fn added_column_is_null_in_older_rows() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let state = append(&table, &state, &people(&[(1, "a")])).await;
    let wider = Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("name", DataType::Utf8, true),
        Field::new("age", DataType::Int64, false),
    ]);
    let state = table.evolve(&state, &wider).await.unwrap();
    assert_eq!(state.checkpoint(FLOW), Some(&checkpoint(0)));
    assert!(state.schema().fields().iter().all(|field| field.is_nullable()));
    let age: ArrayRef = Arc::new(Int64Array::from(vec![7]));
    let id: ArrayRef = Arc::new(Int64Array::from(vec![2]));
    append(&table, &state, &RecordBatch::try_from_iter([("age", age), ("id", id)]).unwrap()).await;
    assert_eq!(reloaded_rows(&table).await, [r#"{"id":1,"name":"a"}"#, r#"{"id":2,"age":7}"#]);
}

#[tokio::test(flavor = "multi_thread")]
async fn added_nested_column_is_null_in_older_rows() {
    let lake = Lake::new();
    let table = lake.table("nested");
    let inner =
        |names: &[&str]| -> Fields { names.iter().map(|name| Field::new(*name, DataType::Int64, true)).collect() };
    let schema = |names: &[&str]| Schema::new(vec![Field::new("s", DataType::Struct(inner(names)), true)]);
    let row = |names: &[&str]| {
        let columns = names.iter().map(|_| Arc::new(Int64Array::from(vec![5])) as ArrayRef).collect();
        let s: ArrayRef = Arc::new(StructArray::new(inner(names), columns, None));
        RecordBatch::try_from_iter([("s", s)]).unwrap()
    };
    let state = table.create(&NewTable::new(Arc::new(schema(&["a"])))).await.unwrap();
    let state = append(&table, &state, &row(&["a"])).await;
    let state = table.evolve(&state, &schema(&["a", "b"])).await.unwrap();
    append(&table, &state, &row(&["b", "a"])).await;
    assert_eq!(reloaded_rows(&table).await, [r#"{"s":{"a":5,"b":5}}"#, r#"{"s":{"a":5}}"#]);
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_without_news_commits_nothing() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let narrower = Schema::new(vec![Field::new("name", DataType::Utf8, true)]);
    assert_eq!(table.evolve(&state, &narrower).await.unwrap().version(), 0);
    assert_eq!(table.load().await.unwrap().unwrap().version(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn column_of_another_type_is_refused_before_anything_changes() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let other = Schema::new(vec![Field::new("new", DataType::Int64, true), Field::new("id", DataType::Utf8, true)]);
    let error = table.evolve(&state, &other).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().ends_with("`id` was BIGINT, is STRING"), "{error}");
    assert!(error.hint().unwrap().contains("full refresh"));
    assert_eq!(table.load().await.unwrap().unwrap().version(), 0);
}

fn columns(columns: &[(&str, DataType)]) -> Schema {
    let fields = columns.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true));
    Schema::new(fields.collect::<Vec<_>>())
}

fn row(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn widened_columns_hold_old_and_new_values() {
    let lake = Lake::new();
    let table = lake.table("wide");
    let narrow = columns(&[
        ("n", DataType::Int32),
        ("f", DataType::Float32),
        ("d", DataType::Date32),
        ("p", DataType::Decimal128(5, 2)),
    ]);
    let local = DataType::Timestamp(TimeUnit::Microsecond, None);
    let wide =
        columns(&[("n", DataType::Int64), ("f", DataType::Float64), ("d", local), ("p", DataType::Decimal128(12, 4))]);
    let old = row(vec![
        ("n", Arc::new(Int32Array::from(vec![Some(7), None]))),
        ("f", Arc::new(Float32Array::from(vec![Some(0.5), None]))),
        ("d", Arc::new(Date32Array::from(vec![Some(31), None]))),
        ("p", Arc::new(Decimal128Array::from(vec![Some(12345), None]).with_precision_and_scale(5, 2).unwrap())),
    ]);
    let new = row(vec![
        ("n", Arc::new(Int64Array::from(vec![1_i64 << 40]))),
        ("f", Arc::new(Float64Array::from(vec![0.1]))),
        ("d", Arc::new(TimestampMicrosecondArray::from(vec![1_000_001]))),
        ("p", Arc::new(Decimal128Array::from(vec![12_345_678]).with_precision_and_scale(12, 4).unwrap())),
    ]);
    let state = table.create(&NewTable::new(Arc::new(narrow.clone()))).await.unwrap();
    let state = append(&table, &state, &old).await;
    let state = table.evolve(&state, &wide).await.unwrap();
    assert_eq!(state.schema().as_ref(), &wide);
    let state = append(&table, &state, &new).await;
    let state = append(&table, &state, &old).await;
    let seven = r#"{"n":7,"f":0.5,"d":"1970-02-01T00:00:00","p":123.4500}"#;
    let expected =
        [r#"{"n":1099511627776,"f":0.1,"d":"1970-01-01T00:00:01.000001","p":1234.5678}"#, seven, seven, "{}", "{}"];
    assert_eq!(reloaded_rows(&table).await, expected);
    let range = ColumnRange::of("n".parse().unwrap(), &Int64Array::from(vec![7])).unwrap();
    let values = ColumnValues::of("n".parse().unwrap(), [&(Arc::new(Int64Array::from(vec![7])) as ArrayRef)]);
    let scan = Scan::columns(["n".parse().unwrap()]).with_ranges([range]).with_values(values);
    assert!(scanned(&table, &state, scan).await.iter().filter(|row| row.contains('7')).count() >= 2);
    assert_eq!(table.evolve(&state, &narrow).await.unwrap().version(), state.version(), "wider is good enough");
    let (state, _) = table.optimize(state, &OptimizeSettings::default()).await.unwrap();
    assert_eq!(rows(&table, &state).await, expected);
    assert_eq!(state.files().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_column_may_have_any_name_and_any_type() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let state = append(&table, &state, &people(&[(1, "a")])).await;
    let local = DataType::Timestamp(TimeUnit::Microsecond, None);
    let wider =
        columns(&[("id", DataType::Int64), ("opened at (UTC), {x}=;", local), ("naïve.\"name\"", DataType::Utf8)]);
    let state = table.evolve(&state, &wider).await.unwrap();
    let new = row(vec![
        ("id", Arc::new(Int64Array::from(vec![2]))),
        ("opened at (UTC), {x}=;", Arc::new(TimestampMicrosecondArray::from(vec![1_000_000]))),
        ("naïve.\"name\"", Arc::new(StringArray::from(vec!["b"]))),
    ]);
    let state = append(&table, &state, &new).await;
    let expected =
        [r#"{"id":1,"name":"a"}"#, r#"{"id":2,"opened at (UTC), {x}=;":"1970-01-01T00:00:01","naïve.\"name\"":"b"}"#];
    assert_eq!(reloaded_rows(&table).await, expected);
    let (state, _) = table.optimize(state, &OptimizeSettings::default()).await.unwrap();
    assert_eq!(rows(&table, &state).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_added_beside_another_writer() {
    let lake = Lake::new();
    let (table, stale) = lake.people().await;
    append(&table, &stale, &people(&[(1, "a")])).await;
    let wider = columns(&[("id", DataType::Int64), ("age", DataType::Int64)]);
    let state = table.evolve(&stale, &wider).await.unwrap();
    assert_eq!((state.version(), state.checkpoint(FLOW)), (2, Some(&checkpoint(0))));
    assert_eq!(reloaded_rows(&table).await.len(), 1);
}
