//! `Recorder`: a proxy between a connector and its source that keeps what passes.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State as Extracted;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use lakeflow_interface::{Error, ErrorKind, Result, Secret};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::{Url, form_urlencoded};

use super::cleaner::Cleaner;
use super::detour::Detour;
use super::{Cassette, Exchange, RecordedBody, RecordedRequest, RecordedResponse, VERSION};
use crate::definition::Json;

/// The largest body that passes.
const LARGEST: usize = 256 << 20;

/// Headers of one connection, or that the proxy sets itself.
const NOT_FORWARDED: [&str; 10] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "accept-encoding",
    "content-encoding",
    "keep-alive",
    "te",
    "upgrade",
    "x-forwarded-host",
];

/// How a recorder works.
#[derive(Clone, Debug)]
pub struct RecorderSettings {
    /// Where requests go; without it, where the connector would have sent them.
    pub target: Option<Url>,
    /// Values that must not appear in the cassette.
    pub secrets: Vec<Secret>,
    /// The most elements that are kept of a list: the first ones and the last.
    pub keep: usize,
    /// The most exchanges that are kept; later ones pass and are counted.
    pub exchanges: usize,
}

impl Default for RecorderSettings {
    fn default() -> Self {
        Self { target: None, secrets: Vec::new(), keep: 10, exchanges: 2_000 }
    }
}

/// A proxy on loopback that keeps what passes. It stops when it is dropped.
#[derive(Debug)]
pub struct Recorder {
    url: Url,
    shared: Arc<Shared>,
    stopping: CancellationToken,
}

#[derive(Debug)]
struct Shared {
    settings: RecorderSettings,
    http: reqwest::Client,
    kept: Mutex<Cassette>,
}

impl Recorder {
    /// Starts to pass requests on; needs a Tokio runtime.
    pub async fn start(settings: RecorderSettings) -> Result<Self> {
        let unbound =
            |cause: std::io::Error| Error::new(ErrorKind::Unavailable, "the recorder cannot listen").with_cause(cause);
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.map_err(unbound)?;
        let url = format!("http://{}", listener.local_addr().map_err(unbound)?);
        let internal = |message: &str| Error::new(ErrorKind::Internal, message.to_owned());
        let url = Url::parse(&url).map_err(|cause| internal("the recorder has no address").with_cause(cause))?;
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        let http = http.map_err(|cause| internal("the recorder has no client").with_cause(cause))?;
        let kept = Mutex::new(Cassette { version: VERSION, ..Cassette::default() });
        let shared = Arc::new(Shared { settings, http, kept });
        let stopping = CancellationToken::new();
        let app = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let serving = axum::serve(listener, app).with_graceful_shutdown(stopping.clone().cancelled_owned());
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!("the recorder stopped: {error}");
            }
        });
        Ok(Self { url, shared, stopping })
    }

    /// The address that takes the place of the source's.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// What has passed so far, cleaned.
    pub fn cassette(&self) -> Cassette {
        let kept = self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Cleaner::new(&self.shared.settings.secrets).clean(kept)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

async fn handle(Extracted(shared): Extracted<Arc<Shared>>, request: Request<Body>) -> Response {
    match shared.pass(request).await {
        Ok(response) => response,
        Err(message) => {
            let body = serde_json::json!({ "message": message }).to_string();
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = StatusCode::BAD_GATEWAY;
            response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
            response
        }
    }
}

impl Shared {
    async fn pass(&self, request: Request<Body>) -> Result<Response, String> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, LARGEST).await.map_err(|error| format!("the request was cut short: {error}"))?;
        let url = self.address(&parts)?;
        let sent = self.http.request(parts.method.clone(), url).headers(forwarded(&parts.headers)).body(body.clone());
        // The cause may name the address, and that a secret.
        let answer = sent.send().await.map_err(|error| format!("no answer: {}", error.without_url()))?;
        let (status, headers) = (answer.status(), forwarded(answer.headers()));
        let bytes = answer.bytes().await.map_err(|error| format!("a cut answer: {}", error.without_url()))?;
        let request = RecordedRequest {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect(),
            body: recorded(&body),
        };
        self.keep(request, status.as_u16(), &headers, &bytes);
        let detour = self.detour(&parts.headers);
        let mut response = Response::new(Body::from(match &detour {
            Some(detour) => detour.body(bytes),
            None => bytes,
        }));
        *response.status_mut() = status;
        *response.headers_mut() = match &detour {
            Some(detour) => detour.headers(headers),
            None => headers,
        };
        Ok(response)
    }

    /// Where a request is meant to go.
    fn address(&self, parts: &http::request::Parts) -> Result<Url, String> {
        let origin = match &self.settings.target {
            Some(target) => target.origin().ascii_serialization(),
            None => {
                let host = parts.headers.get("x-forwarded-host").and_then(|host| host.to_str().ok());
                let host = host.ok_or("the request does not say where it goes: `x-forwarded-host` is missing")?;
                let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
                let scheme = if matches!(name, "localhost" | "127.0.0.1" | "[::1]") { "http" } else { "https" };
                format!("{scheme}://{host}")
            }
        };
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        Url::parse(&format!("{origin}{path}")).map_err(|error| format!("no address: {error}"))
    }

    /// How links lead back here, where another address stands in for the source: the connector does not know that
    /// address.
    fn detour(&self, asked: &HeaderMap) -> Option<Detour> {
        let target = self.settings.target.as_ref()?.origin().ascii_serialization();
        let own = asked.get("host")?.to_str().ok()?;
        Some(Detour { target, own: format!("http://{own}") })
    }

    fn keep(&self, request: RecordedRequest, status: u16, headers: &HeaderMap, body: &Bytes) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.exchanges.len() >= self.settings.exchanges {
            kept.left_out += 1;
            return;
        }
        let headers =
            headers.iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
        let mut response = RecordedResponse { status, headers: headers.collect(), body: recorded(body), trimmed: 0 };
        response.trimmed = trim(&mut response.body, self.settings.keep);
        kept.exchanges.push(Exchange { request, response });
    }
}

fn forwarded(headers: &HeaderMap) -> HeaderMap {
    let kept = headers.iter().filter(|(name, _)| !NOT_FORWARDED.contains(&name.as_str()));
    kept.map(|(name, value)| (HeaderName::clone(name), value.clone())).collect()
}

/// A body as a cassette keeps it.
fn recorded(body: &[u8]) -> RecordedBody {
    if body.is_empty() {
        return RecordedBody::Empty;
    }
    let Ok(text) = std::str::from_utf8(body) else { return RecordedBody::Omitted(body.len() as u64) };
    if let Ok(json) = serde_json::from_str(text) {
        return RecordedBody::Json(json);
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty()).map(serde_json::from_str);
    match lines.collect::<Result<Vec<Json>, _>>() {
        Ok(lines) => RecordedBody::JsonLines(lines),
        Err(_) => RecordedBody::Text(text.to_owned()),
    }
}

/// Cuts long lists, and tells how many elements were cut out.
fn trim(body: &mut RecordedBody, keep: usize) -> u64 {
    match body {
        RecordedBody::Json(json) => trim_json(json, keep),
        RecordedBody::JsonLines(lines) => {
            trim_list(lines, keep) + lines.iter_mut().map(|json| trim_json(json, keep)).sum::<u64>()
        }
        _ => 0,
    }
}

fn trim_json(json: &mut Json, keep: usize) -> u64 {
    match json {
        Json::List(items) => trim_list(items, keep) + items.iter_mut().map(|item| trim_json(item, keep)).sum::<u64>(),
        Json::Object(fields) => fields.iter_mut().map(|(_, value)| trim_json(value, keep)).sum(),
        _ => 0,
    }
}

/// Keeps the first elements and the last one, by which some APIs find the next page.
fn trim_list(items: &mut Vec<Json>, keep: usize) -> u64 {
    let cut = items.len().saturating_sub(keep.max(1));
    if cut > 0 {
        let last = items.len() - 1;
        items.drain(last - cut..last);
    }
    cut as u64
}
