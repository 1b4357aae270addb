//! The server: a running simulator.

mod admin;
mod answer;
mod auth;
mod budget;
mod connection;
mod fault;
mod log;
mod respond;
mod session;
mod shared;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, State as Extracted};
use axum::response::Response;
use chrono::Utc;
use http::Request;
use lakeflow_interface::{Error, ErrorKind, Result};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::{Url, form_urlencoded};

use crate::definition::{AuthSpec, SimulatorDefinition};
use crate::settings::SimulatorSettings;
use crate::state::Advance;
use answer::Asked;
use connection::{ResetSwitch, ResettableListener};
pub use fault::{Fault, FaultKind, Trigger};
pub use log::LoggedRequest;
use respond::respond;
pub use shared::Rows;
pub(crate) use shared::Shared;

/// The largest request body that is read.
const LARGEST_REQUEST: usize = 64 << 20;

/// How long open connections may take to end after [`Simulator::stop`].
const GRACE: Duration = Duration::from_secs(2);

/// A running simulator. It stops when it is dropped; [`stop`](Self::stop) waits until it has.
pub struct Simulator {
    url: Url,
    shared: Arc<Shared>,
    stopping: CancellationToken,
    serving: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulator").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

impl Simulator {
    /// Starts to serve; needs a Tokio runtime.
    pub async fn start(definition: &SimulatorDefinition, settings: SimulatorSettings) -> Result<Self> {
        let address = SocketAddr::new(settings.address, settings.port);
        let shared = Arc::new(Shared::new(definition, settings)?);
        let unbound = |cause: std::io::Error| {
            Error::new(ErrorKind::Unavailable, format!("cannot listen on `{address}`")).with_cause(cause)
        };
        let listener = TcpListener::bind(address).await.map_err(unbound)?;
        let url = format!("http://{}", listener.local_addr().map_err(unbound)?);
        let url = Url::parse(&url)
            .map_err(|cause| Error::new(ErrorKind::Internal, format!("`{url}` is not an address")).with_cause(cause))?;
        let stopping = CancellationToken::new();
        let app = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let service = app.into_make_service_with_connect_info::<ResetSwitch>();
        let serving = axum::serve(ResettableListener(listener), service)
            .with_graceful_shutdown(stopping.clone().cancelled_owned());
        let serving = tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!("the simulator stopped: {error}");
            }
        });
        Ok(Self { url, shared, stopping, serving: Mutex::new(Some(serving)) })
    }

    /// The address that it serves.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Adds, changes and deletes rows, and moves the clock on. An error changes nothing.
    pub fn advance(&self, advance: &Advance) -> Result<()> {
        self.shared.advance(advance)
    }

    /// Replaces the faults; their counts begin anew.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.shared.set_faults(faults);
    }

    /// The rows of a table as they are now, in the order of the corpus: what a reader must have in the end.
    pub fn rows(&self, table: &str) -> Result<Rows> {
        Shared::rows(&self.shared, table)
    }

    /// The number of rows of each table now.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.shared.counts()
    }

    /// The last requests, oldest first.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.shared.log.last()
    }

    /// The number of requests per endpoint, as `GET /repos/{owner}/{repo}/issues`.
    pub fn request_counts(&self) -> BTreeMap<String, u64> {
        self.shared.log.counts()
    }

    /// Makes every token bad that a token endpoint has handed out.
    pub fn revoke_tokens(&self) {
        self.shared.sessions.revoke();
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.shared.log.clear();
    }

    /// Stops, and waits until open connections have ended, though not for long.
    pub async fn stop(&self) {
        self.stopping.cancel();
        let serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut serving) = serving
            && tokio::time::timeout(GRACE, &mut serving).await.is_err()
        {
            serving.abort();
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

async fn handle(
    Extracted(shared): Extracted<Arc<Shared>>,
    ConnectInfo(reset): ConnectInfo<ResetSwitch>,
    request: Request<Body>,
) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    let body = match to_bytes(body, LARGEST_REQUEST).await {
        Ok(body) => body,
        Err(error) => {
            tracing::debug!("the body of a request could not be read: {error}");
            return Response::new(Body::empty());
        }
    };
    if path.starts_with(admin::PREFIX) {
        return admin::answer(&shared, &parts.method, path, &body);
    }
    let (at, begun) = (Utc::now(), Instant::now());
    let raw_query = parts.uri.query().unwrap_or_default();
    let fault = shared.strike(path, raw_query);
    let late = if let Some(FaultKind::Latency(late)) = fault { late } else { Duration::ZERO };
    if !(shared.latency + late).is_zero() {
        tokio::time::sleep(shared.latency + late).await;
    }
    let query: Vec<(String, String)> = form_urlencoded::parse(raw_query.as_bytes()).into_owned().collect();
    let base = shared.base(&parts);
    let asked = Asked { method: &parts.method, path, query: &query, headers: &parts.headers, body: &body, base: &base };
    let answer = shared.answer(&asked);
    let (endpoint, bytes) = (answer.endpoint.clone(), answer.body.len() as u64);
    let reset = (parts.version < http::Version::HTTP_2).then_some(reset);
    let response = respond(answer, fault.as_ref(), reset);
    shared.log.push(LoggedRequest {
        at,
        method: parts.method.to_string(),
        path: path.to_owned(),
        query: blotted(&shared.api.auth, raw_query),
        endpoint,
        status: response.status().as_u16(),
        fault: fault.as_ref().map(FaultKind::name),
        bytes,
        micros: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
    });
    shared.run_advances(path, raw_query);
    response
}

/// The query without credentials.
fn blotted(auth: &[AuthSpec], query: &str) -> String {
    let is_key = |name: &str| auth.iter().any(|auth| matches!(auth, AuthSpec::ApiKeyQuery(key) if key == name));
    let parts = query.split('&').map(|part| match part.split_once('=') {
        Some((name, _)) if is_key(name) => format!("{name}=***"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("&")
}
