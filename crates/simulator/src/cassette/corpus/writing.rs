//! The text of a corpus: a line for each key, and for each field of the record.

use crate::definition::{Json, write_json};

/// The text of a file.
pub(super) fn file(keys: &[(&str, Json)]) -> String {
    let lines = keys.iter().map(|(key, value)| match value {
        Json::Object(fields) if *key == "record" => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("    {}: {}", quoted(name), compact(value))).collect();
            format!("  \"record\": {{\n{}\n  }}", fields.join(",\n"))
        }
        value => format!("  {}: {}", quoted(key), compact(value)),
    });
    format!("{{\n{}\n}}\n", lines.collect::<Vec<_>>().join(",\n"))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn compact(json: &Json) -> String {
    let mut out = Vec::new();
    write_json(json, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}
