//! Bodies from templates: JSON whose strings hold names in braces.

use crate::definition::Json;

/// The names that a body may use, with their values.
pub(crate) type Names<'a> = Vec<(&'a str, serde_json::Value)>;

/// The body with its names filled in; a string that is one name alone takes the type of the value.
pub(crate) fn fill(template: &Json, names: &Names<'_>) -> Json {
    match template {
        Json::Text(text) => match alone(text, names) {
            Some(value) => from_value(value),
            None => Json::Text(fill_text(text, names)),
        },
        Json::List(items) => Json::List(items.iter().map(|item| fill(item, names)).collect()),
        Json::Object(fields) => {
            Json::Object(fields.iter().map(|(key, value)| (key.clone(), fill(value, names))).collect())
        }
        other => other.clone(),
    }
}

/// The text with its names filled in; braces around anything else stay.
pub(crate) fn fill_text(text: &str, names: &Names<'_>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let known = after.split_once('}').and_then(|(name, behind)| {
            names.iter().find(|(known, _)| *known == name).map(|(_, value)| (value, behind))
        });
        match known {
            Some((value, behind)) => {
                match value {
                    serde_json::Value::String(text) => filled.push_str(text),
                    serde_json::Value::Null => {}
                    other => filled.push_str(&other.to_string()),
                }
                rest = behind;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// Writes JSON with its keys in their order.
pub(crate) fn write_json(json: &Json, out: &mut Vec<u8>) {
    match json {
        Json::List(items) => {
            out.push(b'[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                write_json(item, out);
            }
            out.push(b']');
        }
        Json::Object(fields) => {
            out.push(b'{');
            for (position, (key, value)) in fields.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(serde_json::Value::from(key.as_str()).to_string().as_bytes());
                out.push(b':');
                write_json(value, out);
            }
            out.push(b'}');
        }
        scalar => out.extend_from_slice(scalar.to_value().to_string().as_bytes()),
    }
}

fn alone<'n>(text: &str, names: &'n Names<'_>) -> Option<&'n serde_json::Value> {
    let name = text.strip_prefix('{')?.strip_suffix('}')?;
    names.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}

fn from_value(value: &serde_json::Value) -> Json {
    match value {
        serde_json::Value::Null => Json::Null,
        serde_json::Value::Bool(value) => Json::Bool(*value),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(integer) => Json::Integer(integer),
            None => Json::Float(number.as_f64().unwrap_or_default()),
        },
        serde_json::Value::String(text) => Json::Text(text.clone()),
        serde_json::Value::Array(items) => Json::List(items.iter().map(from_value).collect()),
        serde_json::Value::Object(fields) => {
            Json::Object(fields.iter().map(|(key, value)| (key.clone(), from_value(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_alone_keeps_its_type_and_others_become_text() {
        let names: Names<'_> = vec![("total", 7.into()), ("next_page", serde_json::Value::Null)];
        let template: Json =
            serde_json::from_str(r#"{"z": "{total}", "a": ["{total} rows"], "next": "{next_page}", "x": "{other}"}"#)
                .unwrap();
        let mut out = Vec::new();
        write_json(&fill(&template, &names), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"z":7,"a":["7 rows"],"next":null,"x":"{other}"}"#);
    }
}
