//! Redaction: what may be shown of an address or a text.

use std::fmt;
use std::sync::{PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lakeflow_interface::{Secret, names_secret};
use url::{Url, form_urlencoded};

const MASK: &str = "***";

/// Shorter values are not searched for in texts: they occur everywhere by chance.
const SHORTEST_SEARCHED: usize = 4;

/// An address as it may be shown: no user and password, and no values of parameters whose name says secret.
#[derive(Clone, PartialEq, Eq)]
pub struct RedactedUrl(String);

impl RedactedUrl {
    /// Redacts an address.
    pub fn new(url: &Url) -> Self {
        let mut shown = url.clone();
        shown.set_fragment(None);
        if !url.username().is_empty() || url.password().is_some() {
            // Neither fails for an address that has user or password.
            let _ = shown.set_password(None);
            let _ = shown.set_username(MASK);
        }
        if let Some(query) = url.query() {
            shown.set_query(Some(&redacted_query(query, None)));
        }
        Self(shown.into())
    }
}

impl fmt::Display for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A path or address as it may be shown, also where it cannot be parsed.
pub(crate) fn redacted_text_of_target(target: &str) -> String {
    match Url::parse(target) {
        Ok(url) => RedactedUrl::new(&url).to_string(),
        Err(_) => target.split(['?', '#']).next().unwrap_or_default().to_owned(),
    }
}

/// Masks the secrets that one connection knows.
#[derive(Default)]
pub(crate) struct Redactor {
    key_parameter: Option<String>,
    values: RwLock<Vec<String>>,
}

impl Redactor {
    /// A redactor that also hides the value of one query parameter, whatever its name.
    pub(crate) fn new(key_parameter: Option<String>) -> Self {
        Self { key_parameter, values: RwLock::default() }
    }

    /// Hides a value from now on, also in the encodings in which a server may give it back.
    pub(crate) fn learn(&self, secret: &Secret) {
        let plain = secret.expose();
        if plain.len() < SHORTEST_SEARCHED {
            return;
        }
        let json = serde_json::Value::from(plain).to_string();
        let forms = [
            plain.to_owned(),
            form_urlencoded::byte_serialize(plain.as_bytes()).collect(),
            STANDARD.encode(plain),
            json.trim_matches('"').to_owned(),
        ];
        let mut values = self.values.write().unwrap_or_else(PoisonError::into_inner);
        values.extend(forms);
        values.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        values.dedup();
    }

    /// The text with every known secret masked.
    pub(crate) fn text(&self, text: &str) -> String {
        let values = self.values.read().unwrap_or_else(PoisonError::into_inner);
        values.iter().fold(text.to_owned(), |shown, value| {
            if shown.contains(value.as_str()) { shown.replace(value.as_str(), MASK) } else { shown }
        })
    }

    /// The text unless it may hold a part of a secret: for excerpts that were cut before they could be masked.
    pub(crate) fn excerpt<'t>(&self, text: &'t str) -> &'t str {
        let values = self.values.read().unwrap_or_else(PoisonError::into_inner);
        let mut parts = values.iter().flat_map(|value| value.as_bytes().windows(SHORTEST_SEARCHED));
        let is_suspect = parts.any(|part| text.as_bytes().windows(SHORTEST_SEARCHED).any(|window| window == part));
        if is_suspect { MASK } else { text }
    }

    /// The address as it may be shown.
    pub(crate) fn url(&self, url: &Url) -> RedactedUrl {
        let mut shown = url.clone();
        if let (Some(query), Some(name)) = (url.query(), self.key_parameter.as_deref()) {
            shown.set_query(Some(&redacted_query(query, Some(name))));
        }
        RedactedUrl(self.text(&RedactedUrl::new(&shown).0))
    }
}

fn redacted_query(query: &str, key_parameter: Option<&str>) -> String {
    let redacted = query.split('&').map(|pair| {
        let name = form_urlencoded::parse(pair.as_bytes()).next().map(|(name, _)| name).unwrap_or_default();
        if key_parameter == Some(name.as_ref()) || names_secret(&name) {
            format!("{}={MASK}", pair.split('=').next().unwrap_or_default())
        } else {
            pair.to_owned()
        }
    });
    redacted.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str) -> String {
        RedactedUrl::new(&Url::parse(text).unwrap()).to_string()
    }

    #[test]
    fn credentials_and_secret_parameters_are_masked() {
        assert_eq!(redacted("https://u:p@h.example/a?b=c"), "https://***@h.example/a?b=c");
        for name in ["token", "access_token", "apiKey", "api-key", "X-Amz-Signature", "sig", "client_secret", "code"] {
            assert_eq!(
                redacted(&format!("https://h.example/?a=1&{name}=x&b=2")),
                format!("https://h.example/?a=1&{name}=***&b=2")
            );
        }
        assert_eq!(redacted("https://h.example/?keyword=x&monkey=y"), "https://h.example/?keyword=x&monkey=y");
    }

    #[test]
    fn known_values_are_masked_in_every_encoding() {
        let redactor = Redactor::new(Some("k".into()));
        redactor.learn(&Secret::new("pa\"ss w/rd"));
        let text = r#"plain pa"ss w/rd, url pa%22ss+w%2Frd, base64 cGEic3Mgdy9yZA==, json pa\"ss w/rd"#;
        assert_eq!(redactor.text(text), "plain ***, url ***, base64 ***, json ***");
        assert_eq!(redactor.excerpt("{\"echo\":\"harmless"), "{\"echo\":\"harmless");
        assert_eq!(redactor.excerpt("it is ss w"), "***");
        let url = Url::parse("https://h.example/pa%22ss+w%2Frd/x?k=1&page=2").unwrap();
        assert_eq!(redactor.url(&url).to_string(), "https://h.example/***/x?k=***&page=2");
    }
}
