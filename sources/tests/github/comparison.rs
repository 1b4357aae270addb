//! Rows as they were typed against records as the source has them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Asserts that a typed row is the record with the added columns, and nothing else.
pub(crate) fn assert_same(table: &str, row: &Value, record: &Value, added: &Map<String, Value>) {
    let mut expected = record.as_object().expect("a record is an object").clone();
    expected.extend(added.clone());
    let mut differences = Vec::new();
    let mut found = row.as_object().expect("a row is an object").clone();
    assert!(found.remove("_rescued_data").is_none_or(|rescued| rescued.is_null()), "{table}: {row}");
    compare("", &Value::Object(found), &Value::Object(expected), &mut differences);
    assert!(differences.is_empty(), "{table}:\n{}", differences.join("\n"));
}

fn compare(path: &str, found: &Value, expected: &Value, differences: &mut Vec<String>) {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            let names: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
            for name in names {
                let field = |object: &Map<String, Value>| object.get(name).cloned().unwrap_or_default();
                compare(&format!("{path}.{name}"), &field(found), &field(expected), differences);
            }
        }
        (Value::Array(found), Value::Array(expected)) if found.len() == expected.len() => {
            for (position, (found, expected)) in found.iter().zip(expected).enumerate() {
                compare(&format!("{path}[{position}]"), found, expected, differences);
            }
        }
        (Value::String(text), expected) if !expected.is_string() && !expected.is_null() => {
            if serde_json::from_str::<Value>(text).ok().as_ref() != Some(expected) {
                differences.push(format!("{path}: `{text}` is not the text of {expected}"));
            }
        }
        _ if found == expected => {}
        _ => differences.push(format!("{path}: found {found}, expected {expected}")),
    }
}
