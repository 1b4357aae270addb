//! `Replayer`: serves what a cassette holds.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State as Extracted;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Request, StatusCode};
use lakeflow_interface::{Error, ErrorKind, Result};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::{Url, form_urlencoded};

use super::{Cassette, Exchange, RecordedBody};
use crate::definition::{Json, write_json};
use crate::instant;

/// The largest request that is read.
const LARGEST: usize = 64 << 20;

/// A cassette that is served on loopback. It stops when it is dropped.
#[derive(Debug)]
pub struct Replayer {
    url: Url,
    shared: Arc<Shared>,
    stopping: CancellationToken,
}

#[derive(Debug)]
struct Shared {
    cassette: Cassette,
    played: Mutex<Played>,
}

#[derive(Debug, Default)]
struct Played {
    /// How often each exchange was asked for.
    times: HashMap<usize, u64>,
    unknown: Vec<String>,
}

impl Replayer {
    /// Starts to serve a cassette on a port of 127.0.0.1, any where it is 0; needs a Tokio runtime.
    pub async fn start(cassette: Cassette, port: u16) -> Result<Self> {
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        let unbound = |cause: std::io::Error| {
            Error::new(ErrorKind::Unavailable, format!("cannot listen on `{address}`")).with_cause(cause)
        };
        let listener = TcpListener::bind(address).await.map_err(unbound)?;
        let url = format!("http://{}", listener.local_addr().map_err(unbound)?);
        let url = Url::parse(&url)
            .map_err(|cause| Error::new(ErrorKind::Internal, format!("`{url}` is not an address")).with_cause(cause))?;
        let shared = Arc::new(Shared { cassette, played: Mutex::default() });
        let stopping = CancellationToken::new();
        let app = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let serving = axum::serve(listener, app).with_graceful_shutdown(stopping.clone().cancelled_owned());
        tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!("the replay stopped: {error}");
            }
        });
        Ok(Self { url, shared, stopping })
    }

    /// The address that takes the place of the source's.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The requests that the cassette has no answer to.
    pub fn unknown_requests(&self) -> Vec<String> {
        self.shared.played.lock().unwrap_or_else(PoisonError::into_inner).unknown.clone()
    }
}

impl Drop for Replayer {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

async fn handle(Extracted(shared): Extracted<Arc<Shared>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    if let Err(error) = to_bytes(body, LARGEST).await {
        tracing::debug!("the body of a request could not be read: {error}");
    }
    let query: Vec<(String, String)> =
        form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    match shared.find(parts.method.as_str(), parts.uri.path(), &query) {
        Some(exchange) => response(exchange),
        None => {
            let message = format!("the cassette has no answer to {} {}", parts.method, parts.uri.path());
            let mut response = Response::new(Body::from(serde_json::json!({ "message": message }).to_string()));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
            response
        }
    }
}

impl Shared {
    /// The answer to a request: of those that fit best, the one that was given least often, in the order of the
    /// recording.
    fn find(&self, method: &str, path: &str, query: &[(String, String)]) -> Option<&Exchange> {
        let mut played = self.played.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = self.cassette.exchanges.iter().enumerate().filter_map(|(number, exchange)| {
            let request = &exchange.request;
            let fit = if request.method == method && request.path == path {
                fit(&request.query, query)?
            } else {
                return None;
            };
            Some((fit, number))
        });
        let fits: Vec<(usize, usize)> = fits.collect();
        let best = fits.iter().map(|(fit, _)| *fit).max();
        let candidates = fits.iter().filter(|(fit, _)| Some(*fit) == best).map(|(_, number)| *number);
        match candidates.min_by_key(|number| (played.times.get(number).copied().unwrap_or_default(), *number)) {
            Some(number) => {
                *played.times.entry(number).or_default() += 1;
                self.cassette.exchanges.get(number)
            }
            None => {
                played.unknown.push(format!("{method} {path}"));
                None
            }
        }
    }
}

/// How well a request fits a recorded one: the parameters with the same value. Others may only differ where the recorded
/// value was masked, or both are instants.
fn fit(recorded: &[(String, String)], given: &[(String, String)]) -> Option<usize> {
    if recorded.len() != given.len() {
        return None;
    }
    let mut same = 0;
    for (name, value) in recorded {
        let (_, other) = given.iter().find(|(known, _)| known == name)?;
        if other == value {
            same += 1;
        } else if !(is_masked(value) || (is_instant(value) && is_instant(other))) {
            return None;
        }
    }
    Some(same)
}

fn is_masked(value: &str) -> bool {
    value == "***" || value.contains("@example.com")
}

/// Whether a value is an instant rather than a small number.
fn is_instant(value: &str) -> bool {
    instant::parse(value).is_some() && (value.len() >= 10 || value.contains('-'))
}

fn response(exchange: &Exchange) -> Response {
    let recorded = &exchange.response;
    let mut body = Vec::new();
    match &recorded.body {
        RecordedBody::Json(json) => write_json(json, &mut body),
        RecordedBody::JsonLines(lines) => lines.iter().for_each(|json: &Json| {
            write_json(json, &mut body);
            body.push(b'\n');
        }),
        RecordedBody::Text(text) => body.extend_from_slice(text.as_bytes()),
        RecordedBody::Empty | RecordedBody::Omitted(_) => {}
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(recorded.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in &recorded.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
