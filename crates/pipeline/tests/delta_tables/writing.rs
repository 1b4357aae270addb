//! Data files: how many, how large, and what is left when they are not wanted.

use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use lakeflow_interface::ErrorKind;
use lakeflow_pipeline::delta::{NewTable, WriterSettings};

use crate::lake::{Lake, commit, data_files, log, people, people_schema, reloaded_rows, stage};

#[tokio::test(flavor = "multi_thread")]
async fn small_input_makes_one_file() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let mut writer = table.writer(&state, WriterSettings { encoders: 4, ..WriterSettings::default() });
    for id in 0..50 {
        writer.write(&people(&[(id, "x")])).await.unwrap();
    }
    let staged = writer.finish().await.unwrap();
    assert_eq!(staged.iter().map(|file| file.rows).collect::<Vec<_>>(), [50]);
    let size = fs::metadata(table.location().to_file_path().unwrap().join(&staged[0].path)).unwrap().len();
    assert_eq!(staged[0].size, size);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_input_makes_files_of_the_wanted_size_side_by_side() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let settings = WriterSettings { encoders: 2, bytes_per_encoder: 1, file_bytes: 200_000, row_group_bytes: 100_000 };
    let mut writer = table.writer(&state, settings);
    let names: Vec<String> = (0..2000).map(|id| format!("{:x}", u128::MAX / (id + 1))).collect();
    let batch: Vec<(i64, &str)> = (0..).zip(names.iter().map(String::as_str)).collect();
    for _ in 0..50 {
        writer.write(&people(&batch)).await.unwrap();
    }
    let staged = writer.finish().await.unwrap();
    assert!(staged.len() > 2, "{}", staged.len());
    table.commit(&state, commit(0, staged)).await.unwrap();
    assert_eq!(reloaded_rows(&table).await.len(), 100_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_rows_make_no_file() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    assert!(stage(&table, &state, &people(&[])).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn discarded_files_are_gone() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let staged = stage(&table, &state, &people(&[(1, "a")])).await;
    assert_eq!(data_files(&table).len(), 1);
    table.discard(staged).await;
    assert!(data_files(&table).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn uncommitted_files_are_no_rows() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    stage(&table, &state, &people(&[(1, "a")])).await;
    assert!(reloaded_rows(&table).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_cover_keys_wherever_they_stand() {
    let lake = Lake::new();
    let table = lake.table("wide");
    let columns: Vec<(String, ArrayRef)> =
        (0..40).map(|n| (format!("c{n}"), Arc::new(Int64Array::from(vec![n, n + 100])) as ArrayRef)).collect();
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let new = NewTable::new(batch.schema()).with_statistics(["c39".parse().unwrap(), "c3".parse().unwrap()]);
    let state = table.create(&new).await.unwrap();
    let staged = stage(&table, &state, &batch).await;
    table.commit(&state, commit(0, staged)).await.unwrap();
    let stats = log(&table, 1).iter().find_map(|a| a["add"]["stats"].as_str().map(str::to_owned)).unwrap();
    let stats: serde_json::Value = serde_json::from_str(&stats).unwrap();
    assert_eq!(stats["numRecords"], 2);
    assert_eq!((&stats["minValues"]["c39"], &stats["maxValues"]["c39"]), (&39.into(), &139.into()));
    assert_eq!(stats["nullCount"]["c3"], 0);
    assert!(stats["minValues"].get("c35").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_do_not_fit_are_refused_by_column() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let text: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
    let mut writer = table.writer(&state, WriterSettings::default());
    let error = writer.write(&RecordBatch::try_from_iter([("id", text)]).unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.context("column")), (ErrorKind::BadValue, Some("id")));
    let name: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let error = writer.write(&RecordBatch::try_from_iter([("name", name)]).unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.context("column")), (ErrorKind::BadValue, Some("id")));
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_that_vanishes_while_writing_is_a_storage_error_and_the_writer_ends() {
    let lake = Lake::new();
    let table = lake.table("blocked");
    let state = table.create(&NewTable::new(people_schema())).await.unwrap();
    let folder = lake.folder.path().join("default/blocked");
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "a file in the way").unwrap();
    let mut writer = table.writer(&state, WriterSettings { file_bytes: 1, ..WriterSettings::default() });
    let mut failure = None;
    for id in 0..100 {
        if let Err(error) = writer.write(&people(&[(id, "x")])).await {
            failure = Some(error);
            break;
        }
    }
    let error = match failure {
        Some(error) => error,
        None => writer.finish().await.unwrap_err(),
    };
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert_eq!(error.context("table"), Some("default.blocked"));
}
