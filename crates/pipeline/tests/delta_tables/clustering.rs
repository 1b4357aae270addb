//! Clustered tables: what the log says of them, and how their rows lie.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use lakeflow_pipeline::delta::{
    Commit, DeltaTable, NewTable, Operation, OptimizeSettings, Scan, TableState, WriterSettings,
};
use serde_json::Value;

use crate::lake::{Lake, append, commit, log, people, people_schema, reloaded_rows, rows, stage};

fn by(columns: &[&str]) -> NewTable {
    NewTable::new(people_schema()).with_clustering(columns.iter().map(|column| column.parse().unwrap()))
}

/// The clustering columns that a commit sets, as the log writes them.
fn clustering(table: &DeltaTable, version: u64) -> Option<(String, bool)> {
    let actions = log(table, version);
    let domain = actions.iter().find_map(|action| action.get("domainMetadata"))?;
    assert_eq!(domain["domain"], "delta.clustering");
    Some((domain["configuration"].as_str()?.to_owned(), domain["removed"].as_bool()?))
}

fn writer_features(table: &DeltaTable, version: u64) -> Vec<Value> {
    let protocol = log(table, version).into_iter().find_map(|action| action.get("protocol").cloned());
    protocol.map(|protocol| protocol["writerFeatures"].as_array().unwrap().clone()).unwrap_or_default()
}

/// The ids file by file, in the order in which they lie there.
async fn ids(table: &DeltaTable, state: &TableState) -> Vec<Vec<i64>> {
    let batches: Vec<_> = table.scan(state, Scan::all()).await.unwrap().try_collect().await.unwrap();
    let mut files: Vec<(String, Vec<i64>)> = Vec::new();
    for placed in &batches {
        let found = placed.batch.column(0).as_primitive::<Int64Type>().values();
        match files.iter_mut().find(|(file, _)| **file == *placed.file) {
            Some((_, ids)) => ids.extend(found),
            None => files.push((placed.file.to_string(), found.to_vec())),
        }
    }
    files.into_iter().map(|(_, ids)| ids).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn optimize_sorts_a_clustered_table() {
    let lake = Lake::new();
    let table = lake.table("clustered");
    let mut state = table.create(&by(&["id"])).await.unwrap();
    assert_eq!(clustering(&table, 0), Some((r#"{"clusteringColumns":[["id"]]}"#.to_owned(), false)));
    assert!(writer_features(&table, 0).contains(&"clustering".into()));
    for part in 0..3_i64 {
        let names: Vec<(i64, &str)> = (0..2000).map(|n| ((n * 7919 + part * 31) % 100_003, "x")).collect();
        state = append(&table, &state, &people(&names)).await;
    }
    let before = rows(&table, &state).await;
    let (state, done) = table.optimize(state, &OptimizeSettings::default()).await.unwrap();
    assert_eq!((done.files_removed, done.files_added), (3, 1));
    let ids = ids(&table, &state).await;
    assert!(ids[0].is_sorted() && ids[0].len() == 6000);
    assert_eq!(rows(&table, &state).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_sorted_table_hold_ranges_of_both_columns() {
    let lake = Lake::new();
    let table = lake.table("clustered");
    let state = table.create(&by(&["id", "name"])).await.unwrap();
    let names: Vec<(i64, String)> = (0..40_000_i64).map(|n| (n % 200, format!("{:03}", n * 7919 % 200))).collect();
    let names: Vec<(i64, &str)> = names.iter().map(|(id, name)| (*id, name.as_str())).collect();
    let state = append(&table, &state, &people(&names)).await;
    let writer = WriterSettings { file_bytes: 1, ..WriterSettings::default() };
    let settings = OptimizeSettings { full: true, writer, ..OptimizeSettings::default() };
    let (state, _) = table.optimize(state, &settings).await.unwrap();
    let files = ids(&table, &state).await;
    assert!(files.len() > 1);
    assert_eq!(files.iter().map(Vec::len).sum::<usize>(), 40_000);
    let width = |ids: &Vec<i64>| ids.iter().max().unwrap() - ids.iter().min().unwrap();
    assert!(files.iter().any(|ids| width(ids) < 150), "a file holds a part of the range");
}

#[tokio::test(flavor = "multi_thread")]
async fn table_is_clustered_later_and_otherwise() {
    let lake = Lake::new();
    let (table, state) = lake.people().await;
    let state = append(&table, &state, &people(&[(2, "a"), (1, "b")])).await;
    let state = table.cluster_by(&state, &["id".parse().unwrap()]).await.unwrap();
    assert_eq!(clustering(&table, 2), Some((r#"{"clusteringColumns":[["id"]]}"#.to_owned(), false)));
    assert!(writer_features(&table, 2).contains(&"clustering".into()));
    let same = table.cluster_by(&state, &["id".parse().unwrap()]).await.unwrap();
    assert_eq!(same.version(), 2);
    let state = table.cluster_by(&state, &["name".parse().unwrap(), "id".parse().unwrap()]).await.unwrap();
    assert_eq!(clustering(&table, 3).unwrap().0, r#"{"clusteringColumns":[["name"],["id"]]}"#);
    let state = append(&table, &state, &people(&[(0, "c")])).await;
    let (state, _) = table.optimize(state, &OptimizeSettings::default()).await.unwrap();
    // On the curve the row with the highest name and the lowest id comes before the one in the middle of both.
    assert_eq!(ids(&table, &state).await, [[2, 0, 1]]);
    let refreshed = table.replacement(&state, &NewTable::new(people_schema())).await.unwrap();
    let staged = stage(&table, &refreshed, &people(&[(5, "e")])).await;
    let refresh = Commit { operation: Operation::Refresh, ..commit(2, staged) };
    let state = table.commit(&refreshed, refresh).await.unwrap();
    let (_, is_removed) = clustering(&table, state.version() - 1).unwrap();
    assert!(is_removed, "a refresh without clustering ends it");
    assert_eq!(reloaded_rows(&table).await.len(), 1);
}
