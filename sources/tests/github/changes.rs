//! Runs one after another: what a later run gives when the account has moved on.

use std::collections::BTreeSet;

use lakeflow_interface::{IngestionType, Offset};
use lakeflow_simulator::Advance;
use serde_json::Value;

use crate::account::{Account, TABLES, added_columns, identity};
use crate::comparison::assert_same;
use crate::tables::{assert_rows, by_identity, ingestion_type};

/// A step in which rows of one table are added, changed and deleted.
pub(crate) fn changed(table: &str, added: u64, changed: u64, deleted: u64) -> Advance {
    Advance::new().table(table, added, changed, deleted)
}

/// The records that are new or differ from before.
fn difference(table: &str, before: &[Value], after: &[Value]) -> Vec<Value> {
    let before = by_identity(table, before);
    after.iter().filter(|record| before.get(&record[identity(table)].to_string()) != Some(record)).cloned().collect()
}

#[tokio::test]
async fn exactly_the_changes_arrive() {
    let mut account = Account::new().await;
    for table in TABLES {
        let first = account.read(table, &Offset::beginning()).await;
        let before = account.records(table);
        let kind = ingestion_type(&account, table).await;
        let updated = if kind == IngestionType::Append { 0 } else { (before.len() as u64 / 2).min(7) };
        account.advance(changed(table, 4, updated, 0));
        account.reconnect();
        let after = account.records(table);
        let expected = difference(table, &before, &after);
        let second = account.read(table, first.end()).await;
        if kind == IngestionType::Snapshot {
            assert_rows(table, &second.rows, &after);
        } else {
            assert_eq!(expected.len() as u64, 4 + updated, "{table}");
            assert_rows(table, &second.rows, &expected);
        }
    }
}

#[tokio::test]
async fn reviews_arrive_on_every_run() {
    let mut account = Account::new().await;
    let mut offset = Offset::beginning();
    let mut seen = BTreeSet::new();
    for run in 0..4 {
        let reading = account.read("reviews", &offset).await;
        let records = account.records("reviews");
        for row in &reading.rows {
            assert!(seen.insert(row["id"].to_string()), "run {run}: review {} came twice", row["id"]);
            let record = records.iter().find(|record| record["id"] == row["id"]).unwrap();
            assert_same("reviews", row, record, &added_columns("reviews", record));
        }
        assert_eq!(seen.len(), records.len(), "run {run}");
        offset = reading.end().clone();
        account.advance(changed("reviews", 3, 0, 0));
        account.reconnect();
    }
}

#[tokio::test]
async fn reviews_of_unchanged_pull_requests_are_not_asked_for() {
    let mut account = Account::new().await;
    let first = account.read("reviews", &Offset::beginning()).await;
    account.advance(changed("reviews", 1, 0, 0));
    let before = account.requests("/reviews").len();
    let second = account.read("reviews", first.end()).await;
    assert_eq!(second.rows.len(), 1);
    let asked = account.requests("/reviews").len() - before;
    assert!(asked <= 3, "{asked} pull requests were asked for their reviews");
}

#[tokio::test]
async fn pull_requests_without_since_read_only_what_changed() {
    let mut account = Account::new().await;
    let first = account.read("pull_requests", &Offset::beginning()).await;
    account.advance(changed("pull_requests", 0, 3, 0));
    account.reconnect();
    let before = account.requests("/pulls").len();
    let small = [("per_page", "20")];
    let second = account.read_with("pull_requests", first.end(), &small).await;
    assert_eq!(second.rows.len(), 3);
    assert_eq!(account.requests("/pulls").len() - before, 1, "one page holds all changes");
}

#[tokio::test]
async fn comments_of_last_run_are_not_given_again_by_the_lookback() {
    let mut account = Account::new().await;
    let long = [("lookback_seconds", "31536000")];
    let first = account.read_with("comments", &Offset::beginning(), &long).await;
    account.advance(changed("comments", 2, 1, 0));
    account.reconnect();
    let second = account.read_with("comments", first.end(), &long).await;
    assert_eq!(second.rows.len(), 3);
}
