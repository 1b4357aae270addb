//! `Response`: a status, headers and a whole body.

use std::fmt;
use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode};
use lakeflow_interface::records::Page;
use lakeflow_interface::{Error, ErrorKind, ReadMetrics, Result};
use url::Url;

use crate::download::Download;
use crate::redact::Redactor;
use crate::server_message::beginning;

/// Larger bodies are parsed on a thread that may block.
const PARSED_IN_PLACE: usize = 16 << 10;

/// Memory that is reserved ahead on the word of a `Content-Length`.
const RESERVED_AHEAD: usize = 32 << 20;

/// What the source answered: a success, or a status that the request accepts.
pub struct Response {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) file: Option<Download>,
    pub(crate) redactor: Arc<Redactor>,
}

impl Response {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// One header by name, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The address that answered, after redirects, without the credentials that were added to it.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The body, decompressed.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body, decompressed.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// The body of a download, at its beginning; nothing where the request is none, or the status is no success.
    pub fn into_download(self) -> Option<Download> {
        self.file
    }

    /// Parses the body as JSON, on another thread where that takes a while.
    ///
    /// # Errors
    /// [`ErrorKind::BadResponse`] with the content type and the beginning of the body where it is not JSON.
    pub async fn into_page(self) -> Result<Arc<Page>> {
        if self.body.len() <= PARSED_IN_PLACE {
            return self.parse();
        }
        tokio::task::spawn_blocking(|| self.parse())
            .await
            .map_err(|error| Error::new(ErrorKind::Internal, "a page could not be parsed").with_cause(error))?
    }

    fn parse(self) -> Result<Arc<Page>> {
        let Self { method, url, status, headers, body, redactor, .. } = self;
        let begins_as_json =
            body.trim_ascii_start().first().is_some_and(|byte| b"\xef{[\"-0123456789tfn".contains(byte));
        let fault = if begins_as_json {
            match Page::parse(body) {
                Ok(page) => return Ok(Arc::new(page)),
                Err(error) => fault_in_json(error.message(), &redactor),
            }
        } else {
            fault_of_other(&body, &headers, &redactor)
        };
        let message = format!("`{method} {}` was not answered with JSON: {fault}", redactor.url(&url));
        Err(Error::new(ErrorKind::BadResponse, message)
            .with_context("status", status.as_str())
            .with_hint("check the address of the connection: a log-in page or a proxy may have answered"))
    }
}

/// The parser's message; the few bytes that it shows may be cut from a secret.
fn fault_in_json(message: &str, redactor: &Redactor) -> String {
    match message.split_once(", found ") {
        Some((expected, found)) => format!("{expected}, found {}", redactor.excerpt(found)),
        None => message.to_owned(),
    }
}

/// What came instead of JSON.
fn fault_of_other(body: &[u8], headers: &HeaderMap, redactor: &Redactor) -> String {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or("a body without content type");
    if body.is_empty() {
        return format!("expected JSON, found `{content_type}` with nothing in it");
    }
    let beginning = beginning(body, |text| redactor.text(text));
    format!("expected JSON, found `{}` that begins `{beginning}`", redactor.text(content_type))
}

/// The body is left out, and so are the values of headers.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("method", &self.method)
            .field("url", &self.redactor.url(&self.url))
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why a body could not be read.
pub(crate) enum BodyFault {
    /// It has more bytes than this.
    TooLarge(usize),
    /// The connection failed.
    Transport(reqwest::Error),
    /// The disk failed.
    Disk(std::io::Error),
}

/// Reads a body whole, copying each byte once.
pub(crate) async fn read_body(
    mut answer: reqwest::Response,
    limit: usize,
    metrics: &ReadMetrics,
) -> Result<Vec<u8>, BodyFault> {
    let announced = answer.content_length().and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(BodyFault::TooLarge(limit));
    }
    let mut body = Vec::with_capacity(announced.unwrap_or_default().min(RESERVED_AHEAD));
    while let Some(chunk) = answer.chunk().await.map_err(BodyFault::Transport)? {
        if body.len() + chunk.len() > limit {
            return Err(BodyFault::TooLarge(limit));
        }
        metrics.count_bytes(chunk.len() as u64);
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
