//! New columns in a table that has rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field, Fields, Schema};
use lakeflow_interface::ErrorKind;
use lakeflow_pipeline::delta::NewTable;

use crate::lake::{FLOW, Lake, append, checkpoint, people, reloaded_rows};

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
    assert_eq!((error.kind(), error.context("column")), (ErrorKind::Unsupported, Some("id")));
    assert!(error.hint().unwrap().contains("full refresh"));
    assert_eq!(table.load().await.unwrap().unwrap().version(), 0);
}
