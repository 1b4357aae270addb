//! Bodies from templates: JSON whose strings hold names in braces.

use crate::definition::Json;

/// The names that a body may use, with their values.
pub(crate) type Names<'a> = Vec<(&'a str, serde_json::Value)>;

/// The body with its names filled in; a string that is one name alone takes the type of the value, and one that is
/// `{name:text}` is that value as text.
pub(crate) fn fill(template: &Json, names: &Names<'_>) -> Json {
    match template {
        Json::Text(text) => match alone(text, names) {
            Some(value) => Json::from(value),
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
            let name = name.strip_suffix(":text").unwrap_or(name);
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

fn alone<'n>(text: &str, names: &'n Names<'_>) -> Option<&'n serde_json::Value> {
    let name = text.strip_prefix('{')?.strip_suffix('}')?;
    let name = name.strip_suffix(":text").filter(|name| is_null(name, names)).unwrap_or(name);
    names.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}

fn is_null(name: &str, names: &Names<'_>) -> bool {
    names.iter().any(|(known, value)| *known == name && value.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::write_json;

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
