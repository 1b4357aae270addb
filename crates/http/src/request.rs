//! `Request`: what is asked, without the credentials.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use lakeflow_interface::{Error, ErrorKind, Result};
use url::{Url, form_urlencoded};

use crate::origin::same_origin;
use crate::redact::redacted_text_of_target;

/// One request to the API: method, path or address, query, headers, body. Credentials are added when it is sent.
#[derive(Clone)]
pub struct Request {
    method: Method,
    target: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Body,
    repeatable: bool,
    accepted: BTreeSet<u16>,
    retried: BTreeSet<u16>,
    leaves_origin: bool,
    max_body_bytes: Option<usize>,
    judge: Option<Judge>,
    is_download: bool,
}

/// Says what an answer means by its status and body; nothing where it means what its status says.
pub type Judge = Arc<dyn Fn(StatusCode, &[u8]) -> Option<Verdict> + Send + Sync>;

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It counts as success: the caller looks at it.
    Accept,
    /// The request is sent again, as after a 503.
    Retry,
    /// It is an error, with this hint for the user.
    Fail(String),
}

/// The body of a request.
#[derive(Clone, Default)]
pub(crate) enum Body {
    #[default]
    Empty,
    Json(serde_json::Value),
    Form(Vec<(String, String)>),
}

impl Request {
    /// A request of any method. The target is a path below the client's `base_url`, or a whole address at its origin.
    pub fn new(method: Method, target: impl Into<String>) -> Self {
        Self {
            method,
            target: target.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::Empty,
            repeatable: false,
            accepted: BTreeSet::new(),
            retried: BTreeSet::new(),
            leaves_origin: false,
            max_body_bytes: None,
            judge: None,
            is_download: false,
        }
    }

    /// A `GET`.
    pub fn get(target: impl Into<String>) -> Self {
        Self::new(Method::GET, target)
    }

    /// A `POST`.
    pub fn post(target: impl Into<String>) -> Self {
        Self::new(Method::POST, target)
    }

    /// Adds a query parameter; a name may occur several times.
    #[must_use]
    pub fn with_query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Sets a query parameter in place of all of this name, also of those in the target.
    pub fn set_query(&mut self, name: &str, value: impl Into<String>) {
        self.query.retain(|(known, _)| known != name);
        self.target = without_parameter(&self.target, name);
        self.query.push((name.to_owned(), value.into()));
    }

    /// The value of a query parameter, from the list or from the target.
    pub fn query(&self, name: &str) -> Option<String> {
        let listed = self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        listed.or_else(|| {
            let (_, query) = self.target.split_once('?')?;
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
        })
    }

    /// Sets a header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.set_header(&name.into(), value);
        self
    }

    /// Sets a header in place of one of this name.
    pub fn set_header(&mut self, name: &str, value: impl Into<String>) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
    }

    /// Lets the caller say what an answer means, by its status and body, before its status does.
    #[must_use]
    pub fn judged_by(mut self, judge: Judge) -> Self {
        self.judge = Some(judge);
        self
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn with_json(mut self, body: serde_json::Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    /// Sets a form body (`application/x-www-form-urlencoded`).
    #[must_use]
    pub fn with_form(mut self, fields: Vec<(String, String)>) -> Self {
        self.body = Body::Form(fields);
        self
    }

    /// Says that sending this twice does no harm, whatever its method: a search by `POST`.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Makes responses with these statuses count as success: the caller looks at [`Response::status`](crate::Response::status).
    #[must_use]
    pub fn accepting(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.accepted.extend(statuses);
        self
    }

    /// Sends this request again after these statuses too.
    #[must_use]
    pub fn retrying(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.retried.extend(statuses);
        self
    }

    /// Follows redirects to other origins too, without credentials: a download that the API hands to a file store.
    #[must_use]
    pub fn following_redirects_elsewhere(mut self) -> Self {
        self.leaves_origin = true;
        self
    }

    /// Keeps the body of a success on disk instead of in memory: [`Response::into_download`](crate::Response::into_download).
    #[must_use]
    pub fn downloading(mut self) -> Self {
        self.is_download = true;
        self
    }

    /// Sets the largest body that is read for this request, in place of the client's.
    #[must_use]
    pub fn with_max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body_bytes = Some(bytes);
        self
    }

    /// The same request at another address, whose query replaces this one's.
    #[must_use]
    pub fn at(&self, address: &Url) -> Self {
        Self { target: address.to_string(), query: Vec::new(), ..self.clone() }
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Whether it may be sent again after it may have been received.
    pub(crate) fn is_repeatable(&self) -> bool {
        self.repeatable || self.method.is_idempotent()
    }

    pub(crate) fn accepts(&self, status: u16) -> bool {
        self.accepted.contains(&status)
    }

    pub(crate) fn retries(&self, status: u16) -> bool {
        self.retried.contains(&status)
    }

    pub(crate) fn verdict(&self, status: StatusCode, body: &[u8]) -> Option<Verdict> {
        self.judge.as_ref().and_then(|judge| judge(status, body))
    }

    pub(crate) fn may_leave_origin(&self) -> bool {
        self.leaves_origin
    }

    pub(crate) fn is_download(&self) -> bool {
        self.is_download
    }

    pub(crate) fn max_body_bytes(&self) -> Option<usize> {
        self.max_body_bytes
    }

    pub(crate) fn body(&self) -> &Body {
        &self.body
    }

    pub(crate) fn body_mut(&mut self) -> &mut Body {
        &mut self.body
    }

    /// The address: a path is joined behind the base's own path; a whole address must be at the base's origin.
    pub(crate) fn address(&self, base: &Url) -> Result<Url> {
        let is_address = self.target.starts_with("http://") || self.target.starts_with("https://");
        let text = if is_address {
            self.target.clone()
        } else if self.target.is_empty() {
            base.to_string()
        } else {
            format!("{}/{}", base.as_str().trim_end_matches('/'), self.target.trim_start_matches('/'))
        };
        let mut url = Url::parse(&text).map_err(|error| {
            let message = format!("`{}` is not an address or a path", redacted_text_of_target(&self.target));
            Error::new(ErrorKind::Definition, message).with_cause(error)
        })?;
        if !same_origin(&url, base) {
            return Err(crate::origin::foreign("address", &url, base));
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url.set_fragment(None);
        Ok(url)
    }

    /// The headers, the client's own first.
    pub(crate) fn header_map(&self, defaults: &[(String, String)]) -> Result<HeaderMap> {
        let mut map = HeaderMap::new();
        match self.body {
            Body::Empty => {}
            Body::Json(_) => drop(map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"))),
            Body::Form(_) => {
                map.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            }
        }
        for (name, value) in defaults.iter().chain(&self.headers) {
            map.insert(header_name(name)?, header_value(name, value)?);
        }
        Ok(map)
    }

    /// The bytes of the body, if there is one.
    pub(crate) fn body_bytes(&self) -> Option<Vec<u8>> {
        match &self.body {
            Body::Empty => None,
            Body::Json(value) => Some(value.to_string().into_bytes()),
            Body::Form(fields) => {
                Some(form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into_bytes())
            }
        }
    }
}

/// Values are left out: any of them may carry a secret.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |pairs: &[(String, String)]| pairs.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("target", &redacted_text_of_target(&self.target))
            .field("query", &names(&self.query))
            .field("headers", &names(&self.headers))
            .finish_non_exhaustive()
    }
}

pub(crate) fn header_name(name: &str) -> Result<HeaderName> {
    HeaderName::try_from(name)
        .map_err(|_| Error::new(ErrorKind::Definition, format!("`{}` is not a header name", name.escape_debug())))
}

pub(crate) fn header_value(name: &str, value: &str) -> Result<HeaderValue> {
    HeaderValue::try_from(value).map_err(|_| {
        Error::new(ErrorKind::Configuration, format!("the value of header `{name}` has a character that HTTP forbids"))
            .with_hint("look for a line break or a control character, often at the end of a pasted token")
    })
}

fn without_parameter(target: &str, name: &str) -> String {
    let Some((path, query)) = target.split_once('?') else { return target.to_owned() };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| form_urlencoded::parse(pair.as_bytes()).next().is_none_or(|(known, _)| known != name))
        .collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(base: &str, request: &Request) -> Result<String> {
        request.address(&Url::parse(base).unwrap()).map(String::from)
    }

    #[test]
    fn path_is_joined_behind_the_path_of_the_base() {
        for base in ["https://h.example/api/v3", "https://h.example/api/v3/"] {
            for path in ["/repos", "repos"] {
                let request = Request::get(path).with_query("q", "a b&c");
                assert_eq!(address(base, &request).unwrap(), "https://h.example/api/v3/repos?q=a+b%26c");
            }
        }
    }

    #[test]
    fn address_at_another_origin_is_refused() {
        for target in ["https://evil.example/x", "http://h.example/x", "https://h.example:444/x"] {
            let error = address("https://h.example", &Request::get(target)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadResponse, "{target}");
        }
        assert_eq!(
            address("https://h.example", &Request::get("//evil.example/x")).unwrap(),
            "https://h.example/evil.example/x"
        );
    }

    #[test]
    fn set_query_replaces_every_parameter_of_the_name() {
        let mut request = Request::get("/x?page=2&q=a%20b&page=3").with_query("page", "4");
        assert_eq!(request.query("page").as_deref(), Some("4"));
        request.set_query("page", "5");
        assert_eq!(address("https://h.example", &request).unwrap(), "https://h.example/x?q=a%20b&page=5");
    }

    #[test]
    fn debug_shows_no_values() {
        let request = Request::get("https://u:geheim@h.example/x?token=geheim")
            .with_query("key", "geheim")
            .with_header("x-key", "geheim")
            .with_json(serde_json::json!({"password": "geheim"}));
        assert!(!format!("{request:?}").contains("geheim"), "{request:?}");
    }
}
