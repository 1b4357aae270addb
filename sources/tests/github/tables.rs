//! What holds for each of the twelve tables.

use std::collections::BTreeMap;

use lakeflow_interface::{IngestionType, Offset};
use serde_json::Value;

use crate::account::{Account, TABLES, added_columns, identity, options};
use crate::comparison::assert_same;
use crate::reading::read;

/// Rows or records by what identifies them; twice the same is an error.
pub(crate) fn by_identity(table: &str, rows: &[Value]) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for row in rows {
        let twice = found.insert(row[identity(table)].to_string(), row.clone());
        assert!(twice.is_none(), "{table}: {} came twice", row[identity(table)]);
    }
    found
}

/// Asserts that rows are these records, each once, in any order.
pub(crate) fn assert_rows(table: &str, rows: &[Value], records: &[Value]) {
    let rows = by_identity(table, rows);
    let records = by_identity(table, records);
    assert_eq!(rows.keys().collect::<Vec<_>>(), records.keys().collect::<Vec<_>>(), "{table}");
    for (key, record) in &records {
        assert_same(table, &rows[key], record, &added_columns(table, record));
    }
}

#[tokio::test]
async fn every_record_arrives_once_and_typed() {
    let account = Account::new().await;
    for table in TABLES {
        let reading = account.read(table, &Offset::beginning()).await;
        assert_rows(table, &reading.rows, &account.records(table));
        assert_eq!(reading.rescued_rows, 0, "{table}");
        assert_eq!(reading.undeclared, [].into(), "{table}");
        assert!(reading.warnings.is_empty(), "{table}: {:?}", reading.warnings);
    }
}

#[tokio::test]
async fn second_read_without_changes_gives_nothing_and_the_same_offset() {
    let mut account = Account::new().await;
    for table in TABLES {
        let first = account.read(table, &Offset::beginning()).await;
        account.reconnect();
        let second = account.read(table, first.end()).await;
        assert_eq!(second.end(), first.end(), "{table}");
        if ingestion_type(&account, table).await != IngestionType::Snapshot {
            assert_eq!(second.rows, Vec::<Value>::new(), "{table}");
        }
    }
}

#[tokio::test]
async fn read_goes_on_from_every_checkpoint() {
    let mut account = Account::new().await;
    for table in TABLES {
        if ingestion_type(&account, table).await == IngestionType::Snapshot {
            continue;
        }
        let small = [("per_page", "30"), ("max_records_per_batch", "25")];
        let whole = account.read_with(table, &Offset::beginning(), &small).await;
        for (rows, checkpoint) in &whole.checkpoints {
            account.reconnect();
            let rest = account.read_with(table, checkpoint, &small).await;
            let both: Vec<Value> = whole.rows[..*rows].iter().chain(&rest.rows).cloned().collect();
            assert_rows(table, &both, &account.records(table));
        }
    }
}

#[tokio::test]
async fn checkpoints_come_on_the_way_where_the_order_allows_them() {
    let account = Account::new().await;
    for table in ["issues", "comments", "commits"] {
        let small = [("per_page", "30"), ("max_records_per_batch", "25")];
        let reading = account.read_with(table, &Offset::beginning(), &small).await;
        assert!(reading.checkpoints.len() >= 5, "{table}: {} checkpoints", reading.checkpoints.len());
    }
}

#[tokio::test]
async fn deleted_rows_are_missing_from_the_next_snapshot() {
    let mut account = Account::new().await;
    for table in TABLES {
        if ingestion_type(&account, table).await != IngestionType::Snapshot {
            continue;
        }
        let before = account.read(table, &Offset::beginning()).await;
        account.advance(crate::changes::changed(table, 1, 1, 1));
        let after = read(&account.connector, table, before.end(), &options(table, &[]), account.horizon()).await;
        let after = after.unwrap();
        assert_rows(table, &after.rows, &account.records(table));
        assert_ne!(by_identity(table, &before.rows), by_identity(table, &after.rows), "{table}");
    }
}

/// How a table's rows change.
pub(crate) async fn ingestion_type(account: &Account, table: &str) -> IngestionType {
    account.connector.read_table_metadata(table, &options(table, &[])).await.unwrap().ingestion_type
}
