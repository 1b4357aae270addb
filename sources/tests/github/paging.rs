//! Pages and batches: none twice, none lost, no standstill.

use std::collections::BTreeSet;

use lakeflow_interface::Offset;
use lakeflow_simulator::AdvanceAfter;
use serde_json::Value;

use crate::account::{Account, TABLES, options};
use crate::changes::changed;
use crate::reading::read_until;
use crate::tables::assert_rows;

#[tokio::test]
async fn batch_cap_does_not_stall() {
    for table in ["issues", "pull_requests", "comments", "commits", "reviews"] {
        let account = Account::new().await;
        let cap = [("max_records_per_batch", "3"), ("per_page", "20"), ("lookback_seconds", "7776000")];
        let options = options(table, &cap);
        let mut offset = Offset::beginning();
        let mut rows = Vec::new();
        loop {
            let reading = read_until(&account.connector, table, &offset, &options, account.horizon(), 1).await.unwrap();
            if reading.rows.is_empty() && reading.end() == &offset {
                break;
            }
            assert_ne!(reading.end(), &offset, "{table}: {} rows and no progress", reading.rows.len());
            offset = reading.end().clone();
            rows.extend(reading.rows);
        }
        assert_rows(table, &rows, &account.records(table));
    }
}

#[tokio::test]
async fn no_page_is_downloaded_twice_in_one_read() {
    for table in TABLES {
        let account = Account::new().await;
        account.read_with(table, &Offset::beginning(), &[("per_page", "20")]).await;
        let requests = account.requests("");
        assert!(!requests.is_empty(), "{table}");
        // The newest pull requests are looked at once more when all are read: one may have moved to the front.
        let looked_at_again: Vec<String> = if table == "reviews" { requests[..1].to_vec() } else { Vec::new() };
        assert_eq!(repeated(&requests), looked_at_again, "{table}");
    }
}

/// What is there a second time.
fn repeated(requests: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    requests.iter().filter(|request| !seen.insert(*request)).cloned().collect()
}

#[tokio::test]
async fn batch_cap_does_not_download_pages_again() {
    for table in ["issues", "comments"] {
        let account = Account::new().await;
        account.read_with(table, &Offset::beginning(), &[("per_page", "50")]).await;
        let without = account.requests("").len();
        account.read_with(table, &Offset::beginning(), &[("per_page", "50"), ("max_records_per_batch", "10")]).await;
        assert_eq!(account.requests("").len(), 2 * without, "{table}");
    }
}

#[tokio::test]
async fn row_updated_while_paging_is_not_skipped() {
    let advance =
        |path: &str, table: &str| AdvanceAfter { path: path.to_owned(), request: 2, advance: changed(table, 0, 12, 0) };
    for (table, path) in
        [("issues", "/repos/*/issues"), ("comments", "/repos/*/issues/comments"), ("pull_requests", "/repos/*/pulls")]
    {
        let account = Account::with(|settings| settings.advances = vec![advance(path, table)]).await;
        let before = account.records(table);
        let small = [("per_page", "20")];
        let first = account.read_with(table, &Offset::beginning(), &small).await;
        let mut account = account;
        account.advance(changed(table, 0, 0, 0));
        let second = account.read_with(table, first.end(), &small).await;
        let latest = latest_of_each(&[first.rows, second.rows].concat());
        assert_eq!(latest.len(), before.len(), "{table}");
        assert_rows(table, &latest, &account.records(table));
    }
}

#[tokio::test]
async fn pull_request_deleted_before_its_reviews_are_read_is_skipped_and_counted() {
    let account = Account::with(|settings| {
        settings.advances = vec![AdvanceAfter {
            path: "/repos/*/pulls".to_owned(),
            request: 1,
            advance: changed("pull_requests", 0, 0, 5),
        }];
    })
    .await;
    let reading = account.read("reviews", &Offset::beginning()).await;
    assert!(!reading.rows.is_empty());
    let skipped: u64 = reading.warnings.values().sum();
    assert!((1..=5).contains(&skipped), "{:?}", reading.warnings);
}

/// The last row with each id.
fn latest_of_each(rows: &[Value]) -> Vec<Value> {
    let mut latest = std::collections::BTreeMap::new();
    for row in rows {
        latest.insert(row["id"].to_string(), row.clone());
    }
    latest.into_values().collect()
}
