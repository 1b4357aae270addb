//! One request through all its attempts: turns at the limiter, credentials, redirects, repetitions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::{ACCEPT, HeaderValue, LOCATION};
use http::{HeaderMap, Method, StatusCode};
use lakeflow_interface::{Error, ErrorKind, ReadMetrics, Result, Retry};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use url::Url;

use crate::auth::{Authenticator, Credentials};
use crate::download::spool;
use crate::failure::{Asked, Failure};
use crate::limiter::{Limiter, Patience};
use crate::origin::{Origin, foreign, same_origin};
use crate::rate_limit::Notice;
use crate::redact::Redactor;
use crate::response::read_body;
use crate::retry::RetryBudget;
use crate::server_message::server_message;
use crate::{Request, Response, RetrySettings, Timeouts, Verdict};

const MOST_REDIRECTS: u32 = 10;

/// How often a source is tried that has never answered: its address is probably wrong.
const ATTEMPTS_AT_A_STRANGER: u32 = 3;

/// The longest pause after a rate limit that does not say how long, unless the default pause is longer.
const LONGEST_DEFAULT_PAUSE: Duration = Duration::from_secs(60);

/// What all exchanges of a client share.
pub(crate) struct Transport {
    pub(crate) http: reqwest::Client,
    pub(crate) origin: Origin,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) limiter: Limiter,
    pub(crate) retry: RetrySettings,
    pub(crate) budget: RetryBudget,
    pub(crate) timeouts: Timeouts,
    pub(crate) max_body_bytes: usize,
    pub(crate) permits: Semaphore,
    pub(crate) has_answered: AtomicBool,
}

/// One request under way.
pub(crate) struct Exchange<'a> {
    transport: &'a Transport,
    authenticator: Option<&'a Authenticator>,
    request: &'a Request,
    metrics: &'a ReadMetrics,
    patience: Patience<'a>,
    method: Method,
    url: Url,
    redirects: u32,
    failures: u32,
    times_limited: u32,
    was_renewed: bool,
}

/// What one attempt came to, unless it ended in an error that nothing can mend.
enum Outcome {
    Done(Response),
    Redirected(Method, Url),
    TokenRefused(u64),
    Limited(Error, Notice),
    Failed(Failure),
}

impl<'a> Exchange<'a> {
    /// A request to the API, with the connection's credentials.
    pub(crate) fn with_api(
        transport: &'a Transport,
        authenticator: &'a Authenticator,
        request: &'a Request,
        metrics: &'a ReadMetrics,
    ) -> Result<Self> {
        let url = request.address(transport.origin.base())?;
        Ok(Self { authenticator: Some(authenticator), ..Self::bare(transport, url, request, metrics) })
    }

    /// A request to an address outside the API, such as a token endpoint: neither credentials nor limiter.
    pub(crate) fn bare(transport: &'a Transport, url: Url, request: &'a Request, metrics: &'a ReadMetrics) -> Self {
        Self {
            transport,
            authenticator: None,
            request,
            metrics,
            patience: Patience::new(transport.limiter.settings(), metrics),
            method: request.method().clone(),
            url,
            redirects: 0,
            failures: 0,
            times_limited: 0,
            was_renewed: false,
        }
    }

    pub(crate) async fn run(mut self) -> Result<Response> {
        loop {
            let credentials = self.turn().await?;
            match self.attempt(&credentials).await? {
                Outcome::Done(response) => {
                    self.transport.budget.reward();
                    return Ok(response);
                }
                Outcome::Redirected(method, url) => {
                    self.redirects += 1;
                    (self.method, self.url) = (method, url);
                }
                Outcome::TokenRefused(generation) => self.renew(generation).await?,
                Outcome::Limited(error, notice) => self.stand_still(error, &notice).await?,
                Outcome::Failed(failure) => self.back_off(failure).await?,
            }
        }
    }

    /// Waits for the limiter; gives what proves who we are, which other origins do not receive.
    async fn turn(&mut self) -> Result<Credentials> {
        let Some(authenticator) = self.trusted() else { return Ok(Credentials::default()) };
        self.transport.limiter.admit(&mut self.patience).await?;
        authenticator.credentials(self.transport, self.metrics).await
    }

    async fn attempt(&self, credentials: &Credentials) -> Result<Outcome> {
        let wire = self.wire_request(credentials)?;
        let transport = self.transport;
        let permit = transport.permits.acquire().await;
        let _permit =
            permit.map_err(|error| Error::new(ErrorKind::Internal, "the client is closed").with_cause(error))?;
        self.metrics.count_request();
        let started = Instant::now();
        let answer = match transport.http.execute(wire).await {
            Ok(answer) => answer,
            Err(error) => return Ok(Outcome::Failed(self.asked().transport(error, &transport.timeouts))),
        };
        transport.has_answered.store(true, Ordering::Relaxed);
        let status = answer.status();
        let headers = answer.headers().clone();
        let limit = self.request.max_body_bytes().unwrap_or(transport.max_body_bytes);
        let read = if self.request.is_download() && status.is_success() {
            spool(answer, limit, self.metrics).await.map(|file| (Vec::new(), Some(file)))
        } else {
            read_body(answer, limit, self.metrics).await.map(|body| (body, None))
        };
        let (body, file) = match read {
            Ok(read) => read,
            Err(fault) => return self.asked().body(fault, &transport.timeouts).map(Outcome::Failed),
        };
        tracing::debug!(
            method = %self.method, url = %self.asked().url, status = status.as_u16(), bytes = body.len(),
            milliseconds = started.elapsed().as_millis() as u64, "answered"
        );
        let (method, url) = (self.method.clone(), self.url.clone());
        let response = Response { method, url, status, headers, body, file, redactor: transport.redactor.clone() };
        self.judge(response, credentials.generation)
    }

    fn wire_request(&self, credentials: &Credentials) -> Result<reqwest::Request> {
        let (mut url, forwarded_host) = self.transport.origin.wire(&self.url)?;
        credentials.add_to_query(&mut url);
        let mut wire = reqwest::Request::new(self.method.clone(), url);
        let mut headers = self.headers()?;
        credentials.add_to_headers(&mut headers);
        if let Some(host) = forwarded_host {
            headers.insert("x-forwarded-host", host);
        }
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        *wire.headers_mut() = headers;
        if self.method == *self.request.method() && !self.has_left_origin() {
            *wire.body_mut() = self.request.body_bytes().map(reqwest::Body::from);
        }
        Ok(wire)
    }

    /// Headers may carry credentials too: another origin that a redirect leads to receives none of them.
    fn headers(&self) -> Result<HeaderMap> {
        match self.authenticator {
            _ if self.has_left_origin() => Ok(HeaderMap::new()),
            Some(_) => self.request.header_map(&self.transport.headers),
            None => self.request.header_map(&[]),
        }
    }

    /// Whether a redirect has led a request to the API elsewhere.
    fn has_left_origin(&self) -> bool {
        self.authenticator.is_some() && !self.transport.origin.contains(&self.url)
    }

    /// The authenticator, for an address that may receive credentials.
    fn trusted(&self) -> Option<&'a Authenticator> {
        self.authenticator.filter(|_| !self.has_left_origin())
    }

    fn judge(&self, response: Response, generation: Option<u64>) -> Result<Outcome> {
        let status = response.status.as_u16();
        let limits = self.transport.limiter.settings();
        let notice = limits.notice(&response.headers);
        if self.trusted().is_some() {
            self.transport.limiter.observe(&notice);
        }
        if limits.is_reached(status, &notice, &response.body) {
            return Ok(Outcome::Limited(self.status_error(&response), notice));
        }
        if let (401, Some(generation), false) = (status, generation, self.was_renewed) {
            return Ok(Outcome::TokenRefused(generation));
        }
        match self.request.verdict(response.status, &response.body) {
            Some(Verdict::Accept) => return Ok(Outcome::Done(response)),
            Some(Verdict::Fail(hint)) => return Err(self.status_error(&response).with_hint(hint)),
            Some(Verdict::Retry) => {
                let error = self.status_error(&response);
                return Ok(Outcome::Failed(Failure { error, was_delivered: true, retry_after: notice.retry_after }));
            }
            None => {}
        }
        if response.status.is_success() || self.request.accepts(status) {
            return Ok(Outcome::Done(response));
        }
        if matches!(status, 301 | 302 | 303 | 307 | 308) && response.headers.contains_key(LOCATION) {
            return self.redirect(&response);
        }
        let error = self.status_error(&response);
        if self.transport.retry.statuses.contains(&status) || self.request.retries(status) {
            return Ok(Outcome::Failed(Failure { error, was_delivered: true, retry_after: notice.retry_after }));
        }
        Err(error)
    }

    /// Follows a redirect within the origin; to another one only where the request allows it, and without credentials.
    fn redirect(&self, response: &Response) -> Result<Outcome> {
        let location = response.header("location").unwrap_or_default();
        let target = self.url.join(location).map_err(|error| self.status_error(response).with_cause(error))?;
        let target = self.transport.origin.check_link(&target).unwrap_or(target);
        if self.redirects == MOST_REDIRECTS {
            let message =
                format!("`{} {}` was redirected more than {MOST_REDIRECTS} times", self.method, self.asked().url);
            return Err(Error::new(ErrorKind::BadResponse, message));
        }
        let method = match (response.status, &self.method) {
            (StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT, method) => method.clone(),
            (_, &Method::HEAD) => Method::HEAD,
            _ => Method::GET,
        };
        let is_plain_read = method == Method::GET || method == Method::HEAD;
        let may_leave = self.request.may_leave_origin() && is_plain_read && matches!(target.scheme(), "http" | "https");
        if !may_leave && !same_origin(&target, &self.url) {
            return Err(foreign("redirect", &target, self.transport.origin.base())
                .with_context("status", response.status.as_str()));
        }
        Ok(Outcome::Redirected(method, target))
    }

    async fn renew(&mut self, refused: u64) -> Result<()> {
        self.was_renewed = true;
        self.metrics.count_retry();
        match self.authenticator {
            Some(authenticator) => authenticator.renew(refused, self.transport, self.metrics).await,
            None => Ok(()),
        }
    }

    /// The source said that its limit is reached: everyone waits.
    async fn stand_still(&mut self, error: Error, notice: &Notice) -> Result<()> {
        self.times_limited += 1;
        let wait = self.limit_pause(notice);
        let limiter = &self.transport.limiter;
        let until = Instant::now() + wait;
        if self.trusted().is_some() {
            limiter.pause(until);
        }
        if !self.patience.allows(wait) {
            let status = error.context("status").unwrap_or_default().to_owned();
            return Err(limiter.outlasted(wait).with_context("status", status).with_cause(error));
        }
        tracing::warn!(seconds = wait.as_secs_f64(), "waiting for the {}", limiter.reason());
        self.metrics.count_retry();
        self.patience.wait_until(until, limiter.reason()).await;
        Ok(())
    }

    fn limit_pause(&self, notice: &Notice) -> Duration {
        let told = notice.retry_after.or_else(|| notice.reset.filter(|_| notice.remaining == Some(0)));
        if let Some(told) = told {
            // A source that says `0` again and again is not asked in a tight loop.
            return told.max(self.transport.retry.delay(self.times_limited));
        }
        let pause = self.transport.limiter.settings().default_pause;
        let factor = 2_u32.saturating_pow(self.times_limited - 1);
        let doubled = pause.saturating_mul(factor).min(LONGEST_DEFAULT_PAUSE.max(pause));
        doubled.mul_f64(1.0 + 0.25 * fastrand::f64())
    }

    async fn back_off(&mut self, failure: Failure) -> Result<()> {
        self.failures += 1;
        let Failure { mut error, was_delivered, retry_after } = failure;
        if self.failures > 1 {
            error = error.with_context("attempts", self.failures.to_string());
        }
        let is_stranger = !self.transport.has_answered.load(Ordering::Relaxed);
        let most = if is_stranger { ATTEMPTS_AT_A_STRANGER } else { u32::MAX }.min(self.transport.retry.max_attempts);
        if self.failures >= most || (was_delivered && !self.request.is_repeatable()) {
            return Err(error);
        }
        if !self.transport.budget.take() {
            return Err(error.with_context("retries", "used up by failures of all requests"));
        }
        let wait = self.transport.retry.delay(self.failures).max(retry_after.unwrap_or_default());
        if !self.patience.allows(wait) {
            return Err(error.with_retry(Retry::After(wait)));
        }
        tracing::debug!(%error, milliseconds = wait.as_millis() as u64, "trying again");
        self.metrics.count_retry();
        let reason = format!("{} to recover", self.url.host_str().unwrap_or_default());
        self.patience.wait_until(Instant::now() + wait, &reason).await;
        Ok(())
    }

    fn asked(&self) -> Asked<'_> {
        Asked { method: &self.method, url: self.transport.redactor.url(&self.url) }
    }

    fn status_error(&self, response: &Response) -> Error {
        let words = server_message(&response.body, |text| self.transport.redactor.text(text));
        self.asked().status(response.status, words)
    }
}
