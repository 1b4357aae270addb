//! Where tables are, and what may be in their place.

use std::fs;

use lakeflow_interface::ErrorKind;
use lakeflow_pipeline::delta::{Destination, Lakehouse, NewTable};

use crate::lake::{Lake, append, people, people_schema, rows};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_at_the_place_is_no_table() {
    let lake = Lake::new();
    assert!(lake.table("people").load().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn created_table_is_empty_and_has_no_checkpoint() {
    let lake = Lake::new();
    let (table, created) = lake.people().await;
    let loaded = table.load().await.unwrap().unwrap();
    for state in [created, loaded] {
        assert_eq!(state.version(), 0);
        assert_eq!(state.schema(), &people_schema());
        assert!(state.checkpoints().is_empty());
        assert!(!state.has_files().await.unwrap());
        assert_eq!(state.rows().await.unwrap(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn table_that_exists_is_not_created_again() {
    let lake = Lake::new();
    let (table, _) = lake.people().await;
    let error = table.create(&NewTable::new(people_schema())).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn lakehouse_that_is_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    for location in [file.clone(), file.join("below")] {
        let error = Lakehouse::open(location.to_str().unwrap()).err().unwrap();
        assert!(error.context("lakehouse").unwrap().contains("file"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_scheme_is_refused_without_its_credentials() {
    for location in ["ftp://user:secret@host/x", "https://host/x?sig=secret", "s3://bucket/x?token=secret"] {
        let error = Lakehouse::open(location).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(!format!("{error:?}").contains("user:"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_that_is_no_delta_table_is_refused() {
    let lake = Lake::new();
    let table = lake.table("people");
    let folder = table.location().to_file_path().unwrap();
    fs::create_dir_all(&folder).unwrap();
    assert!(table.load().await.unwrap().is_none(), "an empty folder is as good as none");
    fs::write(folder.join("data.csv"), "1,2").unwrap();
    let error = table.load().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(error.context("table"), Some("default.people"));
}

#[tokio::test(flavor = "multi_thread")]
async fn file_at_the_place_of_a_table_is_refused() {
    let lake = Lake::new();
    fs::create_dir_all(lake.folder.path().join("default")).unwrap();
    fs::write(lake.folder.path().join("default/people"), "x").unwrap();
    let error = lake.table("people").load().await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

#[tokio::test(flavor = "multi_thread")]
async fn log_without_a_commit_is_no_table_yet() {
    let lake = Lake::new();
    let table = lake.table("people");
    let log = table.location().to_file_path().unwrap().join("_delta_log");
    fs::create_dir_all(&log).unwrap();
    fs::write(log.join("00000000000000000000.json#1"), "{").unwrap();
    assert!(table.load().await.unwrap().is_none());
    table.create(&NewTable::new(people_schema())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn names_with_any_characters_find_their_place_again() {
    let lake = Lake::new();
    for name in ["Größe 100%", "a/../b", "#1?x=y", "日本語", "_hidden", "..", "a%20b", "~"] {
        let destination = Destination::new(Some("cat:1"), Some("s p"), name).unwrap();
        let table = lake.lakehouse.table(&destination).unwrap();
        let state = table.create(&NewTable::new(people_schema())).await.unwrap();
        append(&table, &state, &people(&[(1, name)])).await;
        let again = lake.lakehouse.table(&destination).unwrap();
        let state = again.load().await.unwrap().unwrap();
        assert_eq!(rows(&again, &state).await.len(), 1, "{name}");
        let folder = table.location().to_file_path().unwrap();
        assert!(folder.parent().unwrap().ends_with("cat~3A1/s~20p"), "{}", folder.display());
    }
}
