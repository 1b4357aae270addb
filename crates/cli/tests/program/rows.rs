//! Whether destination rows are the source's records.

use std::collections::BTreeMap;

use serde_json::Value;

/// Columns that the connector adds to the records.
const ADDED: [&str; 5] =
    ["repository_owner", "repository_name", "organization_login", "pull_number", "pull_request_number"];

/// Fails unless the rows are exactly the records, in any order: none lost, none twice, all values the same.
pub(crate) fn assert_same(table: &str, rows: &[Value], records: &[Value]) {
    let (rows, records) = (keyed(table, rows), keyed(table, records));
    let lost: Vec<_> = records.keys().filter(|key| !rows.contains_key(*key)).collect();
    let invented: Vec<_> = rows.keys().filter(|key| !records.contains_key(*key)).collect();
    assert!(lost.is_empty() && invented.is_empty(), "{table}: lost {lost:?}, invented {invented:?}");
    for (key, row) in &rows {
        assert_eq!(row["_rescued_data"], Value::Null, "{table} {key}");
        for (column, value) in row.as_object().unwrap() {
            if column != "_rescued_data" && !ADDED.contains(&column.as_str()) {
                assert_value(&format!("{table} {key} {column}"), value, &records[key][column]);
            }
        }
    }
}

fn keyed<'v>(table: &str, rows: &'v [Value]) -> BTreeMap<String, &'v Value> {
    let key = match table {
        "commits" => "sha",
        "branches" => "name",
        _ => "id",
    };
    let by_key: BTreeMap<_, _> = rows.iter().map(|row| (row[key].to_string(), row)).collect();
    assert_eq!(by_key.len(), rows.len(), "{table}: rows are there twice");
    by_key
}

fn assert_value(place: &str, found: &Value, expected: &Value) {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            for (name, value) in found {
                assert_value(&format!("{place}.{name}"), value, expected.get(name).unwrap_or(&Value::Null));
            }
        }
        (Value::Array(found), Value::Array(expected)) => {
            assert_eq!(found.len(), expected.len(), "{place}");
            for (position, (found, expected)) in found.iter().zip(expected).enumerate() {
                assert_value(&format!("{place}[{position}]"), found, expected);
            }
        }
        (Value::String(found), other) if !other.is_string() && !other.is_null() => {
            assert_eq!(&serde_json::from_str::<Value>(found).unwrap(), other, "{place}");
        }
        _ => assert_eq!(found, expected, "{place}"),
    }
}
