//! The server's own words in an error response, as one short line.

use serde_json::Value;

/// The longest that a server's message is shown, in characters.
const LONGEST: usize = 300;

/// How much of a body is looked at.
const LOOKED_AT: usize = 64 << 10;

/// What the body says about the error: the usual fields of a JSON object, else its text without tags. `mask` hides
/// secrets before the text is shortened, so that none is cut in two and missed.
pub(crate) fn server_message(body: &[u8], mask: impl Fn(&str) -> String) -> Option<String> {
    let message = match serde_json::from_slice::<Value>(body) {
        Ok(value) => message_of(&value)?,
        Err(_) => plain_text(&String::from_utf8_lossy(&body[..body.len().min(LOOKED_AT)])),
    };
    let line = shortened(&mask(&one_line(&message)));
    (!line.is_empty()).then_some(line)
}

/// The beginning of a text without tags, scripts and styles, as one line.
pub(crate) fn beginning(body: &[u8], mask: impl Fn(&str) -> String) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(LOOKED_AT)]);
    shortened(&mask(&one_line(&plain_text(&text))))
}

fn message_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => joined(items.iter().filter_map(message_of)),
        Value::Object(fields) => {
            let field = |name: &str| fields.get(name).and_then(message_of);
            let main = ["message", "error_description", "detail", "description", "msg", "title", "reason"];
            let main = main.iter().find_map(|name| field(name));
            let code = field("error").or_else(|| located_code(fields));
            joined([code, main, field("errors")].into_iter().flatten())
        }
        _ => None,
    }
}

/// `title missing_field`, from an element of GitHub's `errors`.
fn located_code(fields: &serde_json::Map<String, Value>) -> Option<String> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let code = text("code").filter(|_| !fields.contains_key("message"))?;
    Some(text("field").map_or_else(|| code.to_owned(), |field| format!("{field} {code}")))
}

fn joined(parts: impl Iterator<Item = String>) -> Option<String> {
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| parts.join(": "))
}

fn plain_text(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        plain.push_str(&rest[..open]);
        plain.push(' ');
        let tag = &rest[open..];
        let closing = ["script", "style"]
            .iter()
            .find(|name| tag.get(1..=name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)));
        let skipped = match closing {
            Some(name) => find_ignoring_case(tag, &format!("</{name}")).unwrap_or(tag.len()),
            None => 0,
        };
        rest = match tag[skipped..].find('>') {
            Some(end) => &tag[skipped + end + 1..],
            None => "",
        };
    }
    plain.push_str(rest);
    plain
}

fn find_ignoring_case(text: &str, wanted: &str) -> Option<usize> {
    text.to_ascii_lowercase().find(wanted)
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split(|letter: char| letter.is_whitespace() || letter.is_control()).collect();
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str) -> Option<String> {
        server_message(body.as_bytes(), str::to_owned)
    }

    #[test]
    fn usual_fields_are_found() {
        let cases = [
            (r#"{"message":"Not Found","documentation_url":"https://d"}"#, "Not Found"),
            (r#"{"error":"invalid_client","error_description":"unknown client"}"#, "invalid_client: unknown client"),
            (r#"{"error":{"message":"No such customer","type":"invalid"}}"#, "No such customer"),
            (
                r#"{"message":"Validation Failed","errors":[{"resource":"Issue","field":"title","code":"missing_field"}]}"#,
                "Validation Failed: title missing_field",
            ),
            (r#"{"errors":["a","b\nc"]}"#, "a: b c"),
            (r#"["first"]"#, "first"),
            ("<html><head><style>p {}</style><title>Bad\nGateway</title></head>", "Bad Gateway"),
            ("upstream connect error", "upstream connect error"),
        ];
        for (body, expected) in cases {
            assert_eq!(message(body).as_deref(), Some(expected), "{body}");
        }
        assert_eq!(message("{}"), None);
        assert_eq!(message(""), None);
    }

    #[test]
    fn long_text_is_masked_before_it_is_cut() {
        let body = format!("{}geheim{}", "x".repeat(LONGEST - 3), "y".repeat(100));
        let shown = server_message(body.as_bytes(), |text| text.replace("geheim", "***")).unwrap();
        assert_eq!(shown, format!("{}***…", "x".repeat(LONGEST - 3)));
    }
}
