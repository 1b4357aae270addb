//! Former versions: listed, restored, and forgotten.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use lakeflow_interface::ErrorKind;
use lakeflow_pipeline::delta::{
    Commit, DeletedRows, DeltaTable, NewTable, Operation, OptimizeSettings, RestoreTarget, TableState, VacuumSettings,
};

use crate::lake::{
    FLOW, Lake, append, checkpoint, commit, data_files, people, people_schema, reloaded_rows, rows, stage,
};

/// Version 1 has rows 1 to 3, version 2 lacks row 1, version 3 has row 4 too.
async fn three_versions(lake: &Lake) -> (DeltaTable, TableState) {
    let (table, state) = lake.people().await;
    let state = append(&table, &state, &people(&[(1, "a"), (2, "b"), (3, "c")])).await;
    let mut deleted = DeletedRows::default();
    deleted.insert(&state.files().await.unwrap()[0].path, 0);
    let deletion = Commit { operation: Operation::Upsert, deleted, ..commit(1, Vec::new()) };
    let state = table.commit(&state, deletion).await.unwrap();
    let state = append(&table, &state, &people(&[(4, "d")])).await;
    (table, state)
}

/// Makes every file of the table look a month old.
fn age(table: &DeltaTable) {
    let month_ago = SystemTime::now() - Duration::from_hours(30 * 24);
    let mut folders = vec![table.location().to_file_path().unwrap()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => File::options().append(true).open(entry.path()).unwrap().set_modified(month_ago).unwrap(),
            }
        }
    }
}

fn at_once() -> VacuumSettings {
    VacuumSettings { retention: Some(Duration::ZERO), allow_short: true, dry_run: false }
}

#[tokio::test(flavor = "multi_thread")]
async fn history_tells_what_each_commit_did() {
    let lake = Lake::new();
    let (table, state) = three_versions(&lake).await;
    let history = table.history(&state, 10).await.unwrap();
    let told: Vec<_> = history.iter().map(|entry| (entry.version, entry.operation.as_str())).collect();
    assert_eq!(told, [(3, "WRITE"), (2, "MERGE"), (1, "WRITE"), (0, "CREATE TABLE")]);
    assert_eq!(history[1].parameters["flow"], FLOW);
    assert_eq!(history[1].metrics["numDeletedRows"], "1");
    assert!(history.is_sorted_by_key(|entry| std::cmp::Reverse(entry.at)));
    assert_eq!(table.history(&state, 2).await.unwrap(), history[..2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn restore_brings_back_rows_and_the_place_of_the_flow() {
    let lake = Lake::new();
    let (table, _) = three_versions(&lake).await;
    for (version, expected) in [(1, vec![1, 2, 3]), (2, vec![2, 3]), (3, vec![2, 3, 4])] {
        let now = table.load().await.unwrap().unwrap();
        let restored = table.restore(&now, RestoreTarget::Version(version)).await.unwrap();
        assert_eq!(restored.restored_version, version);
        let after = table.load().await.unwrap().unwrap();
        assert_eq!(after.version(), restored.version);
        assert_eq!(after.checkpoint(FLOW), Some(&checkpoint(i64::try_from(version).unwrap() - 1)));
        let ids: Vec<String> = expected.iter().map(|id| format!(r#"{{"id":{id}"#)).collect();
        let rows = rows(&table, &after).await;
        assert_eq!(rows.len(), ids.len());
        assert!(rows.iter().zip(&ids).all(|(row, id)| row.starts_with(id)), "{rows:?}");
    }
    let now = table.load().await.unwrap().unwrap();
    let first = table.restore(&now, RestoreTarget::Version(0)).await.unwrap();
    let empty = table.load().await.unwrap().unwrap();
    assert_eq!((first.files_added, empty.checkpoint(FLOW)), (0, None), "as if nothing had ever run");
    assert!(reloaded_rows(&table).await.is_empty());
    let state = append(&table, &empty, &people(&[(9, "z")])).await;
    assert_eq!(state.rows().await.unwrap(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn restore_undoes_a_full_refresh_with_other_columns() {
    let lake = Lake::new();
    let (table, state) = three_versions(&lake).await;
    let before = rows(&table, &state).await;
    let other = std::sync::Arc::new(arrow::datatypes::Schema::new(vec![arrow::datatypes::Field::new(
        "other",
        arrow::datatypes::DataType::Utf8,
        true,
    )]));
    let replacement = table.replacement(&state, &NewTable::new(other)).await.unwrap();
    let refresh = Commit { operation: Operation::Refresh, ..commit(3, Vec::new()) };
    let state = table.commit(&replacement, refresh).await.unwrap();
    table.restore(&state, RestoreTarget::Version(3)).await.unwrap();
    let state = table.load().await.unwrap().unwrap();
    assert_eq!(state.schema(), &people_schema());
    assert_eq!(rows(&table, &state).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn version_that_is_not_there_cannot_be_restored() {
    let lake = Lake::new();
    let (table, state) = three_versions(&lake).await;
    let error = table.restore(&state, RestoreTarget::Version(7)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = table.restore(&state, RestoreTarget::At(chrono::DateTime::UNIX_EPOCH)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let later = RestoreTarget::At(chrono::Utc::now() + Duration::from_hours(1));
    assert_eq!(table.restore(&state, later).await.unwrap().restored_version, 3);
    let (state, _) = table.optimize(table.load().await.unwrap().unwrap(), &OptimizeSettings::default()).await.unwrap();
    table.vacuum(&state, &at_once()).await.unwrap();
    let error = table.restore(&state, RestoreTarget::Version(1)).await.unwrap_err();
    assert!(error.message().contains("1 of its files are gone"), "{error}");
    assert_eq!(reloaded_rows(&table).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn vacuum_keeps_what_the_retention_needs_and_deletes_the_rest() {
    let lake = Lake::new();
    let (table, state) = three_versions(&lake).await;
    stage(&table, &state, &people(&[(5, "never committed")])).await;
    let (state, _) = table.optimize(state, &OptimizeSettings::default()).await.unwrap();
    let before = rows(&table, &state).await;
    assert_eq!(data_files(&table).len(), 4);
    let usual = table.vacuum(&state, &VacuumSettings::default()).await.unwrap();
    assert!(usual.files.is_empty(), "nothing is old enough");
    age(&table);
    let usual = table.vacuum(&state, &VacuumSettings::default()).await.unwrap();
    assert_eq!(usual.files.len(), 1, "the file that no version ever had");
    assert_eq!(rows(&table, &state).await, before);
    let dry = table.vacuum(&state, &VacuumSettings { dry_run: true, ..at_once() }).await.unwrap();
    assert_eq!((dry.files.len(), data_files(&table).len()), (3, 3), "two data files and the deletion vectors");
    let done = table.vacuum(&state, &at_once()).await.unwrap();
    assert_eq!((done.files, done.bytes), (dry.files, dry.bytes));
    assert_eq!(data_files(&table).len(), 1);
    assert_eq!(reloaded_rows(&table).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn vacuum_leaves_alone_what_is_not_this_tables() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let state = append(&table, &state, &people(&[(1, "a")])).await;
    let folder = table.location().to_file_path().unwrap();
    let write = |name: &str| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    };
    for name in
        ["inner/_delta_log/00000000000000000000.json", "inner/part-1.parquet", "_index/x", ".hidden", "_lakeflow/gone"]
    {
        write(name);
    }
    write("_lakeflow/needed");
    let named = Commit {
        checkpoint: lakeflow_pipeline::delta::Checkpoint {
            offset: lakeflow_interface::Offset::beginning().with("file", "_lakeflow/needed"),
            ..checkpoint(1)
        },
        ..commit(1, Vec::new())
    };
    let state = table.commit(&state, named).await.unwrap();
    age(&table);
    let done = table.vacuum(&state, &at_once()).await.unwrap();
    assert_eq!(done.files, ["_lakeflow/gone"]);
    assert!(folder.join("inner/part-1.parquet").exists() && folder.join("_lakeflow/needed").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn short_retention_must_be_meant() {
    let lake = Lake::new();
    let (table, state) = three_versions(&lake).await;
    let short = VacuumSettings { retention: Some(Duration::from_hours(1)), ..VacuumSettings::default() };
    let error = table.vacuum(&state, &short).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.message().contains("shorter than the table's 168"), "{error}");
}
