//! Files rewritten: joined, purged, beside other writers.

use std::collections::HashSet;

use arrow::array::{AsArray, Int64Array, StringArray};
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use lakeflow_interface::{ErrorKind, Retry};
use lakeflow_pipeline::delta::{
    ColumnRange, ColumnValues, Commit, DeletedRows, DeltaTable, Operation, OptimizeSettings, Scan, TableState,
    WriterSettings,
};

use crate::lake::{FLOW, Lake, append, checkpoint, commit, log, people, reloaded_rows, rows, scanned, stage};

fn settings() -> OptimizeSettings {
    OptimizeSettings::default()
}

/// The first row of each file.
async fn first_rows(state: &TableState) -> DeletedRows {
    let mut deleted = DeletedRows::default();
    for file in state.files().await.unwrap() {
        deleted.insert(&file.path, 0);
    }
    deleted
}

#[tokio::test(flavor = "multi_thread")]
async fn small_files_are_joined_and_deleted_rows_are_gone() {
    let lake = Lake::new();
    let (table, mut state) = lake.people().await;
    for id in 0..5 {
        state = append(&table, &state, &people(&[(10 * id, "a"), (10 * id + 1, "b")])).await;
    }
    let deletion = Commit { deleted: first_rows(&state).await, ..commit(5, Vec::new()) };
    let state = table.commit(&state, deletion).await.unwrap();
    let before = rows(&table, &state).await;
    let (state, done) = table.optimize(state, &settings()).await.unwrap();
    assert_eq!((done.files_removed, done.files_added, done.rows_purged, done.commits), (5, 1, 5, 1));
    assert_eq!(rows(&table, &state).await, before);
    assert_eq!(reloaded_rows(&table).await, before);
    assert_eq!(state.checkpoint(FLOW), Some(&checkpoint(5)), "the flow stands where it stood");
    let actions = log(&table, done.version);
    let changes =
        actions.iter().filter_map(|action| action["add"].get("dataChange").or(action["remove"].get("dataChange")));
    assert_eq!(changes.map(|change| change.as_bool().unwrap()).collect::<HashSet<_>>(), HashSet::from([false]));
    let (state, again) = table.optimize(state, &settings()).await.unwrap();
    assert_eq!((again.commits, state.version()), (0, done.version), "there is nothing left to do");
}

#[tokio::test(flavor = "multi_thread")]
async fn append_is_repeated_after_an_optimize() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let state = append(&table, &state, &people(&[(1, "a")])).await;
    let state = append(&table, &state, &people(&[(2, "b")])).await;
    let staged = stage(&table, &state, &people(&[(3, "c")])).await;
    table.optimize(state.clone(), &settings()).await.unwrap();
    let error = table.commit(&state, commit(2, staged.clone())).await.err().unwrap();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Conflict, Retry::Now));
    let moved = table.moved(&state, FLOW).await.unwrap();
    assert!(!moved.only_appended() && !moved.flow_moved);
    table.commit(&moved.state, commit(2, staged)).await.unwrap();
    assert_eq!(reloaded_rows(&table).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_an_optimize_moved_cannot_be_deleted_by_their_old_places() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let state = append(&table, &state, &people(&[(1, "a"), (2, "b")])).await;
    let state = append(&table, &state, &people(&[(3, "c")])).await;
    let deletion = Commit { operation: Operation::Upsert, deleted: first_rows(&state).await, ..commit(2, Vec::new()) };
    table.optimize(state.clone(), &settings()).await.unwrap();
    let error = table.commit(&state, deletion).await.err().unwrap();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Conflict, Retry::Never));
    assert_eq!(reloaded_rows(&table).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn optimize_does_its_work_again_on_files_that_changed() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let state = append(&table, &state, &people(&[(1, "a"), (2, "b")])).await;
    let stale = append(&table, &state, &people(&[(3, "c")])).await;
    let mut deleted = DeletedRows::default();
    let longer = stale.files().await.unwrap().iter().find(|file| file.rows == Some(2)).unwrap();
    deleted.insert(&longer.path, 0);
    table.commit(&stale, Commit { deleted, ..commit(2, Vec::new()) }).await.unwrap();
    let before = reloaded_rows(&table).await;
    let (state, done) = table.optimize(stale, &settings()).await.unwrap();
    assert_eq!((done.files_added, done.commits), (1, 1));
    assert_eq!(rows(&table, &state).await, before);
    assert_eq!(before.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_a_flow_and_an_optimize_run_side_by_side() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let flow = {
        let table = table.clone();
        tokio::spawn(async move {
            let mut state = state;
            for batch in 0..25 {
                let staged = stage(&table, &state, &people(&[(batch, "x")])).await;
                state = committed(&table, state, commit(batch, staged)).await;
            }
        })
    };
    while !flow.is_finished() {
        let state = table.load().await.unwrap().unwrap();
        table.optimize(state, &settings()).await.unwrap();
    }
    flow.await.unwrap();
    let ids: Vec<String> = (0..25).map(|id| format!(r#"{{"id":{id},"name":"x"}}"#)).collect();
    assert_eq!(reloaded_rows(&table).await.into_iter().collect::<HashSet<_>>(), ids.into_iter().collect());
    assert_eq!(table.load().await.unwrap().unwrap().rows().await.unwrap(), Some(25));
}

/// Commits as a flow does: again, as long as that is right.
async fn committed(table: &DeltaTable, mut state: TableState, commit: Commit) -> TableState {
    loop {
        match table.commit(&state, commit.clone()).await {
            Ok(state) => return state,
            Err(error) => assert_eq!(error.retry(), Retry::Now, "{error}"),
        }
        state = table.moved(&state, FLOW).await.unwrap().state;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_groups_without_the_keys_are_not_read_and_places_stay_right() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let settings = WriterSettings { encoders: 1, row_group_bytes: 1, ..WriterSettings::default() };
    let mut writer = table.writer(&state, settings).with_filters(&["name".parse().unwrap()]).unwrap();
    // Names are spread so that ranges say nothing of them.
    for group in 0..4 {
        let names: Vec<(i64, String)> = (0..100).map(|n| (100 * group + n, format!("{n:02}-{group}"))).collect();
        let names: Vec<(i64, &str)> = names.iter().map(|(id, name)| (*id, name.as_str())).collect();
        writer.write(&people(&names)).await.unwrap();
    }
    let state = table.commit(&state, commit(0, writer.finish().await.unwrap())).await.unwrap();
    assert_eq!(state.files().await.unwrap().len(), 1);

    let range = ColumnRange::of("id".parse().unwrap(), &Int64Array::from(vec![250])).unwrap();
    let scan = Scan::columns(["id".parse().unwrap()]).with_ranges([range]);
    assert_eq!(places(&table, &state, scan).await, (200..300).collect::<Vec<u64>>());

    let wanted = |name: &str| {
        ColumnValues::of("name".parse().unwrap(), [&(std::sync::Arc::new(StringArray::from(vec![name])) as _)])
    };
    let scan = Scan::columns(["id".parse().unwrap()]).with_values(wanted("07-3"));
    assert_eq!(places(&table, &state, scan).await, (300..400).collect::<Vec<u64>>());
    let scan = Scan::columns(["id".parse().unwrap()]).with_values(wanted("nobody"));
    assert!(places(&table, &state, scan).await.is_empty());

    let state = append(&table, &state, &people(&[(1000, "z")])).await;
    let (state, _) = table.optimize(state, &OptimizeSettings::default()).await.unwrap();
    let scan = Scan::columns(["id".parse().unwrap()]).with_values(wanted("nobody"));
    assert!(scanned(&table, &state, scan).await.is_empty(), "a rewritten file has its filters again");
}

/// The places of the rows that a scan reads; ids are places here.
async fn places(table: &DeltaTable, state: &TableState, scan: Scan) -> Vec<u64> {
    let batches: Vec<_> = table.scan(state, scan).await.unwrap().try_collect().await.unwrap();
    let mut places = Vec::new();
    for placed in &batches {
        let ids = placed.batch.column(0).as_primitive::<Int64Type>();
        assert!((0..ids.len()).all(|row| placed.position(row) == ids.value(row).unsigned_abs()));
        places.extend((0..ids.len()).map(|row| placed.position(row)));
    }
    places
}

#[tokio::test(flavor = "multi_thread")]
async fn log_is_summed_up_and_the_state_still_knows_its_files() {
    let lake = Lake::new();
    let (table, mut state) = lake.people().await;
    for id in 0..25 {
        assert_eq!(state.files().await.unwrap().len(), id);
        state = append(&table, &state, &people(&[(id as i64, "a")])).await;
    }
    let deletion = Commit { deleted: first_rows(&state).await, ..commit(25, Vec::new()) };
    let state = table.commit(&state, deletion).await.unwrap();
    assert!(state.files().await.unwrap().is_empty());
    assert!(reloaded_rows(&table).await.is_empty());
}
