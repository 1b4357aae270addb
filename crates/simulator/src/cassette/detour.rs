//! `Detour`: the links of an answer lead through the recorder.

use axum::body::Bytes;
use http::{HeaderMap, HeaderValue};
use serde::de::IgnoredAny;

/// The links of an answer lead through the recorder instead of to the source.
pub(super) struct Detour {
    /// The source's origin: `https://host:port`.
    pub(super) target: String,
    /// The recorder's origin, as the client knows it.
    pub(super) own: String,
}

impl Detour {
    /// The headers of an answer.
    pub(super) fn headers(&self, mut headers: HeaderMap) -> HeaderMap {
        let Some(links) = headers.get("link").and_then(|links| links.to_str().ok()) else { return headers };
        let links = links.split('<').map(|part| self.led(part).unwrap_or_else(|| part.to_owned())).collect::<Vec<_>>();
        if let Ok(links) = HeaderValue::try_from(links.join("<")) {
            headers.insert("link", links);
        }
        headers
    }

    /// The body of an answer. Of JSON, every text that is an address at the source; all else stays as it was written.
    pub(super) fn body(&self, body: Bytes) -> Bytes {
        let Ok(text) = std::str::from_utf8(&body) else { return body };
        if serde_json::from_str::<IgnoredAny>(text).is_err() {
            return body;
        }
        Bytes::from(self.texts(text))
    }

    /// JSON with other texts where they are addresses at the source.
    fn texts(&self, json: &str) -> String {
        let mut out = String::with_capacity(json.len());
        let mut rest = json;
        while let Some((before, behind)) = rest.split_once('"') {
            let end = end_of_text(behind);
            let (inner, after) = behind.split_at(end);
            out.push_str(before);
            out.push('"');
            // Some servers write `/` as `\/`.
            let led = serde_json::from_str::<String>(&format!("\"{inner}\"")).ok().and_then(|text| self.led(&text));
            match led.map(|led| serde_json::Value::from(led).to_string()) {
                Some(led) => out.push_str(led.trim_start_matches('"')),
                None => {
                    out.push_str(inner);
                    out.push('"');
                }
            }
            rest = after.get(1..).unwrap_or_default();
        }
        out.push_str(rest);
        out
    }

    /// A text that begins with the source's origin, with the recorder's instead.
    fn led(&self, text: &str) -> Option<String> {
        let behind = text.strip_prefix(self.target.as_str())?;
        let is_whole = behind.is_empty() || behind.starts_with(['/', '?', '#', '>']);
        is_whole.then(|| format!("{}{behind}", self.own))
    }
}

/// The length of a text in JSON up to its closing quote, of what stands behind the opening one.
fn end_of_text(json: &str) -> usize {
    let mut is_escaped = false;
    for (place, byte) in json.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return place,
            _ => {}
        }
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_at_the_source_lead_back_and_all_else_is_as_it_was() {
        let detour = Detour { target: "https://a.example".to_owned(), own: "http://127.0.0.1:9".to_owned() };
        let body = r#"{"next": "https:\/\/a.example\/x?page=2&q=\"1\"", "n": 1.50,
            "other": ["https://a.example.org/x", "see https://a.example/x", "a\\", "https://a.example"], "e": "\u00e9"}"#;
        let expected = r#"{"next": "http://127.0.0.1:9/x?page=2&q=\"1\"", "n": 1.50,
            "other": ["https://a.example.org/x", "see https://a.example/x", "a\\", "http://127.0.0.1:9"], "e": "\u00e9"}"#;
        assert_eq!(detour.body(Bytes::from(body)), expected);
        let text = "the page \"https://a.example/x\" is not JSON";
        assert_eq!(detour.body(Bytes::from(text)), text);
    }
}
