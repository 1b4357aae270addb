//! Full refresh: the same table with new columns and none of its old rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use lakeflow_pipeline::delta::{Commit, NewTable, Operation};

use crate::lake::{FLOW, Lake, append, checkpoint, commit, log, people, people_schema, reloaded_rows, rows, stage};

fn places_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Utf8, true),
        Field::new("opened at", DataType::Timestamp(TimeUnit::Microsecond, None), true),
    ]))
}

fn places() -> RecordBatch {
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
    let opened: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1_000_000]));
    RecordBatch::try_new(places_schema(), vec![ids, opened]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_replaces_rows_and_columns_in_one_commit() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let id = log(&table, 0).iter().find_map(|action| action["metaData"]["id"].as_str().map(str::to_owned));
    let old = append(&table, &state, &people(&[(1, "a"), (2, "b")])).await;
    let state = table.replacement(&old, &NewTable::new(places_schema())).await.unwrap();
    assert_eq!(state.schema(), &places_schema());
    assert!(!state.has_files().await.unwrap());
    assert!(rows(&table, &state).await.is_empty());
    let staged = stage(&table, &state, &places()).await;
    assert_eq!(reloaded_rows(&table).await.len(), 2, "nothing has changed before the commit");
    let refresh = Commit { operation: Operation::Refresh, ..commit(1, staged) };
    let state = table.commit(&state, refresh).await.unwrap();
    let expected = [r#"{"id":"x","opened at":"1970-01-01T00:00:01"}"#];
    assert_eq!(rows(&table, &state).await, expected);
    assert_eq!(reloaded_rows(&table).await, expected);
    assert_eq!(state.version(), 2);
    let metadata = log(&table, 2).into_iter().find_map(|action| action.get("metaData").cloned()).unwrap();
    assert_eq!(metadata["id"].as_str(), id.as_deref());
    let state = append(&table, &state, &places()).await;
    assert_eq!(rows(&table, &state).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_to_no_rows_empties_the_table() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let state = append(&table, &state, &people(&[(1, "a")])).await;
    let state = table.replacement(&state, &NewTable::new(people_schema())).await.unwrap();
    let state = table.commit(&state, Commit { operation: Operation::Refresh, ..commit(1, Vec::new()) }).await.unwrap();
    assert_eq!(state.rows().await.unwrap(), Some(0));
    assert_eq!(state.checkpoint(FLOW), Some(&checkpoint(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_conflicts_with_commits_in_between() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let fresh = table.replacement(&state, &NewTable::new(places_schema())).await.unwrap();
    append(&table, &state, &people(&[(1, "a")])).await;
    append(&table, &table.load().await.unwrap().unwrap(), &people(&[])).await;
    let staged = stage(&table, &fresh, &places()).await;
    let refresh = Commit { operation: Operation::Refresh, ..commit(0, staged) };
    assert!(table.commit(&fresh, refresh).await.is_err());
    assert_eq!(reloaded_rows(&table).await, [r#"{"id":1,"name":"a"}"#]);
}
