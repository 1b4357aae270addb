//! Two writers of one table.

use lakeflow_interface::{ErrorKind, Retry};
use lakeflow_pipeline::delta::{Checkpoint, Commit, DeletedRows};

use crate::lake::{FLOW, Lake, append, checkpoint, commit, people, reloaded_rows, stage};

#[tokio::test(flavor = "multi_thread")]
async fn second_run_of_a_flow_stops_and_says_what_moved() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let staged = stage(&table, &state, &people(&[(1, "a")])).await;
    let other = Checkpoint { run: "other".to_owned(), ..checkpoint(0) };
    let moved = Commit { checkpoint: other, ..commit(0, staged.clone()) };
    table.commit(&state, moved).await.unwrap();
    let error = table.commit(&state, commit(0, staged)).await.err().unwrap();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Conflict, Retry::Never));
    assert!(error.message().contains("`other`"), "{error}");
    assert_eq!(error.context("flow"), Some(FLOW));
    assert_eq!(reloaded_rows(&table).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_append_lets_the_commit_be_repeated() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let staged = stage(&table, &state, &people(&[(1, "a")])).await;
    let foreign = stage(&table, &state, &people(&[(2, "b")])).await;
    table.commit(&state, Commit { flow: "foreign".to_owned(), ..commit(0, foreign) }).await.unwrap();
    let error = table.commit(&state, commit(0, staged.clone())).await.err().unwrap();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Conflict, Retry::Now));
    let moved = table.moved(&state, FLOW).await.unwrap();
    assert!(moved.only_appended() && !moved.flow_moved);
    let state = table.commit(&moved.state, commit(0, staged)).await.unwrap();
    assert_eq!(state.checkpoints().len(), 2);
    assert_eq!(reloaded_rows(&table).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_delete_is_no_reason_to_repeat() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let state = append(&table, &state, &people(&[(1, "a"), (2, "b")])).await;
    let mut deleted = DeletedRows::default();
    deleted.insert(&state.files().await.unwrap()[0].path, 0);
    let deletion = Commit { flow: "foreign".to_owned(), deleted, ..commit(0, Vec::new()) };
    table.commit(&state, deletion).await.unwrap();
    let staged = stage(&table, &state, &people(&[(3, "c")])).await;
    let error = table.commit(&state, commit(1, staged)).await.err().unwrap();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Conflict, Retry::Never));
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_whose_answer_was_lost_is_recognised() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let staged = stage(&table, &state, &people(&[(1, "a")])).await;
    table.commit(&state, commit(0, staged.clone())).await.unwrap();
    let state = table.commit(&state, commit(0, staged)).await.unwrap();
    assert_eq!(state.version(), 1);
    assert_eq!(reloaded_rows(&table).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_is_not_committed_twice() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let state = append(&table, &state, &people(&[(1, "a")])).await;
    let staged = stage(&table, &state, &people(&[(1, "a")])).await;
    let error = table.commit(&state, commit(0, staged)).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(reloaded_rows(&table).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoint_alone_can_be_committed() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    table.commit(&state, commit(0, Vec::new())).await.unwrap();
    let state = table.load().await.unwrap().unwrap();
    assert_eq!(state.checkpoint(FLOW), Some(&checkpoint(0)));
}
