//! Removes secrets and personal data from recordings: from paths, queries, headers and bodies, asked and answered.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lakeflow_interface::{Secret, names_secret};
use regex::{Captures, Regex};
use url::form_urlencoded;

use super::words::{is_free_text, is_personal, is_personal_in_person, replace_word, shows_person};
use super::{Cassette, Exchange, RecordedBody};
use crate::definition::Json;

/// What stands in the place of a secret.
const MASK: &str = "***";

/// Shorter values are not searched for in texts: they occur everywhere by chance.
const SHORTEST_SEARCHED: usize = 4;

/// Headers that are kept, beside those that speak of limits and pages.
const HEADERS: [&str; 5] = ["content-type", "link", "retry-after", "etag", "location"];

/// Words in the names of other headers that are kept.
const HEADER_WORDS: [&str; 7] = ["ratelimit", "rate-limit", "call-limit", "page", "total", "cursor", "continuation"];

/// An e-mail address, also as it stands in an address.
static EMAIL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)[a-z0-9._+\-]+(?:@|%40)[a-z0-9\-]+(?:\.[a-z0-9\-]+)+").ok());

/// What looks like a credential wherever it stands.
static CREDENTIAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let shapes = [
        r"eyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]*",
        r"(?i:bearer|basic) [A-Za-z0-9._~+/=\-]{8,}",
        r"\b(?:gh[pousr]_|github_pat_|sk_live_|sk_test_|rk_live_|whsec_|xox[abprs]-|shpat_|pat-|AKIA|ya29\.)[A-Za-z0-9_\-]{6,}",
        r"(?s)-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----",
    ];
    Regex::new(&shapes.join("|")).ok()
});

/// The query of an address within a text.
static QUERY: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"(https?://[^\s"'<>?]*)\?([^\s"'<>#]*)"#).ok());

/// An address with user and password.
static USER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"(https?://)[^/\s"'<>@]+@"#).ok());

/// Cleans the exchanges of one recording; the same value becomes the same everywhere.
#[derive(Debug, Default)]
pub(super) struct Cleaner {
    secrets: Vec<String>,
    /// From what is personal to what stands in its place.
    people: BTreeMap<String, String>,
}

impl Cleaner {
    /// A cleaner that knows some secrets, also in the encodings in which they may come.
    pub(super) fn new(secrets: &[Secret]) -> Self {
        let mut cleaner = Self::default();
        secrets.iter().for_each(|secret| cleaner.learn_secret(secret.expose()));
        cleaner
    }

    /// Cleans a recording.
    pub(super) fn clean(mut self, mut cassette: Cassette) -> Cassette {
        cassette.exchanges.iter().for_each(|exchange| self.learn(exchange));
        self.secrets.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.secrets.dedup();
        cassette.exchanges.iter_mut().for_each(|exchange| self.clean_exchange(exchange));
        cassette
    }

    fn learn_secret(&mut self, plain: &str) {
        if plain.len() < SHORTEST_SEARCHED || plain == MASK {
            return;
        }
        let json = serde_json::Value::from(plain).to_string();
        self.secrets.extend([
            plain.to_owned(),
            form_urlencoded::byte_serialize(plain.as_bytes()).collect(),
            STANDARD.encode(plain),
            json.trim_matches('"').to_owned(),
        ]);
    }

    /// Learns the secrets and the people that an exchange shows.
    fn learn(&mut self, exchange: &Exchange) {
        for (name, value) in &exchange.request.query {
            self.learn_value(name, value, false);
        }
        for body in [&exchange.request.body, &exchange.response.body] {
            match body {
                RecordedBody::Json(json) => self.learn_json("", json, false),
                RecordedBody::JsonLines(lines) => lines.iter().for_each(|json| self.learn_json("", json, false)),
                RecordedBody::Text(text) => {
                    for (name, value) in form_urlencoded::parse(text.as_bytes()).filter(|_| text.contains('=')) {
                        self.learn_value(&name, &value, false);
                    }
                }
                RecordedBody::Empty | RecordedBody::Omitted(_) => {}
            }
        }
    }

    fn learn_json(&mut self, key: &str, json: &Json, personal: bool) {
        match json {
            Json::Text(text) => self.learn_value(key, text, personal),
            Json::List(items) => items.iter().for_each(|item| self.learn_json(key, item, personal)),
            Json::Object(fields) => {
                let person = is_person(fields);
                for (name, value) in fields {
                    let inherited = personal && !names_secret(name);
                    self.learn_json(name, value, inherited || (person && is_personal_in_person(name)));
                }
            }
            _ => {}
        }
    }

    fn learn_value(&mut self, name: &str, value: &str, personal: bool) {
        if names_secret(name) && looks_secret(value) {
            self.learn_secret(value);
        } else if (personal || is_personal(name))
            && value.len() >= SHORTEST_SEARCHED
            && !self.people.contains_key(value)
        {
            let stand_in = self.stand_in(name, value);
            self.people.insert(value.to_owned(), stand_in);
        }
    }

    fn stand_in(&self, name: &str, value: &str) -> String {
        let number = self.people.len() + 1;
        match value {
            email if email.contains('@') => format!("person{number}@example.com"),
            url if url.starts_with("http") => format!("https://example.com/{number}"),
            _ if name.to_ascii_lowercase().ends_with("ip") => format!("192.0.2.{}", number % 250),
            _ => format!("{}-{number}", name.to_ascii_lowercase()),
        }
    }

    fn clean_exchange(&self, exchange: &mut Exchange) {
        let request = &mut exchange.request;
        request.path = self.text(&request.path);
        for (name, value) in &mut request.query {
            *value = if names_secret(name) { MASK.to_owned() } else { self.value(name, value, false, false) };
        }
        self.clean_body(&mut request.body, false);
        let response = &mut exchange.response;
        let is_error = response.status >= 400;
        let headers = std::mem::take(&mut response.headers);
        let kept = headers.into_iter().filter(|(name, _)| is_kept(name));
        response.headers = kept.map(|(name, value)| (name, self.text(&value))).collect();
        self.clean_body(&mut response.body, is_error);
    }

    fn clean_body(&self, body: &mut RecordedBody, is_error: bool) {
        match body {
            RecordedBody::Json(json) => *json = self.json("", json, false, is_error),
            RecordedBody::JsonLines(lines) => {
                lines.iter_mut().for_each(|json| *json = self.json("", json, false, is_error));
            }
            RecordedBody::Text(text) => *text = self.text(&masked_query(text)),
            RecordedBody::Empty | RecordedBody::Omitted(_) => {}
        }
    }

    fn json(&self, key: &str, json: &Json, personal: bool, is_error: bool) -> Json {
        match json {
            Json::Text(text) if names_secret(key) && !text.is_empty() => Json::Text(MASK.to_owned()),
            Json::Text(text) => Json::Text(self.value(key, text, personal, is_error)),
            Json::Integer(_) if personal || is_personal(key) => Json::Integer(0),
            Json::Float(_) if personal || is_personal(key) => Json::Float(0.0),
            Json::List(items) => {
                Json::List(items.iter().map(|item| self.json(key, item, personal, is_error)).collect())
            }
            Json::Object(fields) => {
                let person = is_person(fields);
                let below = personal || is_personal(key);
                let field = |(name, value): &(String, Json)| {
                    let personal = below || (person && is_personal_in_person(name));
                    (self.text(name), self.json(name, value, personal, is_error))
                };
                Json::Object(fields.iter().map(field).collect())
            }
            other => other.clone(),
        }
    }

    /// One value: replaced where its name says that it must be, else searched for what must not be seen.
    fn value(&self, name: &str, value: &str, personal: bool, is_error: bool) -> String {
        if let Some(stand_in) = self.people.get(value) {
            return stand_in.clone();
        }
        if (personal || is_personal(name)) && !value.is_empty() {
            return MASK.to_owned();
        }
        if !is_error && is_free_text(name, value) && !value.starts_with("http") {
            return format!("text of {} characters", value.chars().count());
        }
        self.text(value)
    }

    /// A text without secrets, credentials, e-mail addresses and people.
    fn text(&self, text: &str) -> String {
        let mut shown = self.secrets.iter().fold(text.to_owned(), |shown, secret| {
            if shown.contains(secret.as_str()) { shown.replace(secret.as_str(), MASK) } else { shown }
        });
        shown = replaced(&USER, &shown, |found| format!("{}{MASK}@", &found[1]));
        shown = replaced(&QUERY, &shown, |found| format!("{}?{}", &found[1], masked_query(&found[2])));
        shown = replaced(&CREDENTIAL, &shown, |_| MASK.to_owned());
        for (person, stand_in) in &self.people {
            shown = with_stand_in(&shown, person, stand_in);
        }
        replaced(&EMAIL, &shown, |found| {
            if found[0].ends_with("@example.com") { found[0].to_owned() } else { "person@example.com".to_owned() }
        })
    }
}

/// A text in which a person is replaced where it stands as a word of its own.
fn with_stand_in(text: &str, person: &str, stand_in: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(person.as_bytes()).collect();
    replace_word(&replace_word(text, person, stand_in), &encoded, stand_in)
}

fn replaced(pattern: &Option<Regex>, text: &str, by: impl Fn(&Captures<'_>) -> String) -> String {
    match pattern {
        Some(pattern) => pattern.replace_all(text, by).into_owned(),
        None => text.to_owned(),
    }
}

/// A query or a form without the values of parameters whose name says secret.
fn masked_query(query: &str) -> String {
    let pairs = query.split('&').map(|pair| {
        let Some((name, _)) = pair.split_once('=') else { return pair.to_owned() };
        let plain = form_urlencoded::parse(name.as_bytes()).next().map(|(name, _)| name.into_owned());
        if names_secret(&plain.unwrap_or_default()) { format!("{name}={MASK}") } else { pair.to_owned() }
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn is_person(fields: &[(String, Json)]) -> bool {
    fields.iter().any(|(name, value)| shows_person(name) && matches!(value, Json::Text(_)))
}

/// Whether a value under a secret's name is one that occurs nowhere by chance.
fn looks_secret(value: &str) -> bool {
    value.len() >= 8 && !value.contains(' ')
}

fn is_kept(name: &str) -> bool {
    HEADERS.contains(&name) || HEADER_WORDS.iter().any(|word| name.contains(word))
}
