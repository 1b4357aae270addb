//! Rows that disappear: marked in deletion vectors, found by their places.

use std::collections::HashSet;

use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use lakeflow_pipeline::delta::{
    ColumnRange, Commit, DeletedRows, DeltaTable, Operation, PlacedBatch, Scan, TableState,
};

use crate::lake::{FLOW, Lake, append, checkpoint, commit, log, people, reloaded_rows, rows, scanned, stage};

/// The places of the rows with these ids.
async fn places(table: &DeltaTable, state: &TableState, ids: &[i64]) -> DeletedRows {
    let scan = Scan::columns(["id".parse().unwrap()]);
    let batches: Vec<PlacedBatch> = table.scan(state, scan).await.unwrap().try_collect().await.unwrap();
    let mut deleted = DeletedRows::default();
    for placed in &batches {
        let found = placed.batch.column(0).as_primitive::<Int64Type>();
        let wanted = (0..found.len()).filter(|row| ids.contains(&found.value(*row)));
        deleted.extend(&placed.file, wanted.map(|row| placed.position(row)));
    }
    deleted
}

async fn upsert(table: &DeltaTable, state: &TableState, changed: &[(i64, &str)]) -> TableState {
    let ids: Vec<i64> = changed.iter().map(|(id, _)| *id).collect();
    let commit = Commit {
        operation: Operation::Upsert,
        deleted: places(table, state, &ids).await,
        ..commit(state.checkpoint(FLOW).unwrap().batch + 1, stage(table, state, &people(changed)).await)
    };
    table.commit(state, commit).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_rows_take_the_place_of_their_former_versions() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let state = append(&table, &state, &people(&[(1, "a"), (2, "b"), (3, "c")])).await;
    let state = upsert(&table, &state, &[(2, "B"), (4, "d")]).await;
    let state = upsert(&table, &state, &[(1, "A"), (2, "BB")]).await;
    let expected =
        [r#"{"id":1,"name":"A"}"#, r#"{"id":2,"name":"BB"}"#, r#"{"id":3,"name":"c"}"#, r#"{"id":4,"name":"d"}"#];
    assert_eq!(rows(&table, &state).await, expected);
    assert_eq!(reloaded_rows(&table).await, expected);
    assert_eq!(state.rows().await.unwrap(), Some(4));
    assert_eq!(state.checkpoint(FLOW), Some(&checkpoint(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_and_checkpoint_are_in_one_commit() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let state = append(&table, &state, &people(&[(1, "a"), (2, "b")])).await;
    let state = upsert(&table, &state, &[(2, "B")]).await;
    let actions = log(&table, state.version());
    let names: HashSet<&str> = actions.iter().flat_map(|a| a.as_object().unwrap().keys()).map(String::as_str).collect();
    assert_eq!(names, HashSet::from(["commitInfo", "add", "remove", "domainMetadata", "txn"]));
    let txn = actions.iter().find_map(|action| action.get("txn")).unwrap();
    assert_eq!((txn["appId"].as_str(), txn["version"].as_i64()), (Some(FLOW), Some(1)));
    let vectors = actions.iter().filter(|action| action["add"]["deletionVector"]["cardinality"] == 1);
    assert_eq!(vectors.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn file_whose_rows_are_all_dead_is_removed() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let state = append(&table, &state, &people(&[(1, "a"), (2, "b")])).await;
    let state = append(&table, &state, &people(&[(3, "c")])).await;
    let state = upsert(&table, &state, &[(1, "A")]).await;
    let state = upsert(&table, &state, &[(2, "B")]).await;
    assert_eq!(state.files().await.unwrap().len(), 3);
    assert!(state.files().await.unwrap().iter().all(|file| file.deleted == 0));
    assert_eq!(reloaded_rows(&table).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_stay_those_of_the_file_when_rows_before_are_dead() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let many: Vec<(i64, String)> = (0..100_000).map(|id| (id, id.to_string())).collect();
    let many: Vec<(i64, &str)> = many.iter().map(|(id, name)| (*id, name.as_str())).collect();
    let state = append(&table, &state, &people(&many)).await;
    let dead: Vec<i64> = (0..70_000).chain([99_999]).collect();
    let deletion = Commit { deleted: places(&table, &state, &dead).await, ..commit(1, Vec::new()) };
    let state = table.commit(&state, deletion).await.unwrap();
    let deletion = Commit { deleted: places(&table, &state, &[70_001, 99_998]).await, ..commit(2, Vec::new()) };
    let state = table.commit(&state, deletion).await.unwrap();
    assert_eq!(state.rows().await.unwrap(), Some(100_000 - 70_001 - 2));
    let left: Vec<_> = table.scan(&state, Scan::all()).await.unwrap().try_collect().await.unwrap();
    for placed in left {
        let ids = placed.batch.column(0).as_primitive::<Int64Type>();
        assert!((0..ids.len()).all(|row| placed.position(row) == ids.value(row).unsigned_abs()));
        assert!(ids.values().iter().all(|id| *id >= 70_000 && ![70_001, 99_998, 99_999].contains(id)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_beyond_the_range_of_keys_are_not_read() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let state = append(&table, &state, &people(&[(1, "a"), (9, "i")])).await;
    let state = append(&table, &state, &people(&[(10, "j"), (19, "s")])).await;
    let range = ColumnRange::of("id".parse().unwrap(), &Int64Array::from(vec![10, 12])).unwrap();
    let scan = Scan::columns(["id".parse().unwrap()]).with_ranges([range]);
    assert_eq!(scanned(&table, &state, scan).await, [r#"{"id":10}"#, r#"{"id":19}"#]);
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_ends_the_scan() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let state = append(&table, &state, &people(&[(1, "a"), (2, "b"), (3, "c")])).await;
    assert_eq!(scanned(&table, &state, Scan::all().with_limit(2)).await.len(), 2);
    assert_eq!(scanned(&table, &state, Scan::all().with_limit(0)).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_log_is_summed_up_and_still_right() {
    let lake = Lake::new();
    let (table, mut state) = lake.people().await;
    for id in 0..25 {
        state = append(&table, &state, &people(&[(id, "x"), (id + 1000, "y")])).await;
        if id > 0 {
            state = upsert(&table, &state, &[(id - 1, "z")]).await;
        }
    }
    assert_eq!(rows(&table, &state).await, reloaded_rows(&table).await);
    assert_eq!(state.rows().await.unwrap(), Some(50));
    let logs = std::fs::read_dir(table.location().to_file_path().unwrap().join("_delta_log")).unwrap();
    let checkpoints = logs.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|e| e == "parquet"));
    assert!(checkpoints.count() >= 3);
    let loaded = table.load().await.unwrap().unwrap();
    assert_eq!(loaded.checkpoint(FLOW), state.checkpoint(FLOW));
}
