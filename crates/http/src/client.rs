//! `Client`: one per connection; everything that its tables share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lakeflow_interface::{Error, ErrorKind, ReadMetrics, Result};
use tokio::sync::Semaphore;
use url::Url;

use crate::auth::Authenticator;
use crate::exchange::{Exchange, Transport};
use crate::limiter::Limiter;
use crate::origin::Origin;
use crate::redact::Redactor;
use crate::request::{header_name, header_value};
use crate::retry::RetryBudget;
use crate::{Auth, ClientSettings, Protocol, RedactedUrl, Request, Response};

/// Bytes that an HTTP/2 source may send ahead of our reading, per response and per connection.
const STREAM_WINDOW: u32 = 2 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;

/// A client of one API, on behalf of one connection. Clones share connections, limiter and token.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    transport: Transport,
    authenticator: Authenticator,
    concurrency: usize,
}

impl Client {
    /// Builds a client; nothing is sent yet.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] for an address that is not plain `https://` or `http://`, or a header or credential
    /// that HTTP cannot carry.
    pub fn new(settings: ClientSettings) -> Result<Self> {
        let http = build_http(&settings)?;
        let origin = Origin::new(settings.base_url, settings.upstream)?;
        for (name, value) in &settings.headers {
            header_name(name)?;
            header_value(name, value)?;
        }
        let redactor = Arc::new(Redactor::new(settings.auth.key_parameter().map(str::to_owned)));
        settings.secrets.iter().for_each(|secret| redactor.learn(secret));
        let authenticator = Authenticator::new(settings.auth, &redactor)?;
        let host = origin.base().host_str().unwrap_or_default().to_owned();
        let transport = Transport {
            http,
            origin,
            headers: settings.headers,
            redactor,
            limiter: Limiter::new(settings.rate_limit, &host),
            budget: RetryBudget::new(settings.retry.budget),
            retry: settings.retry,
            timeouts: settings.timeouts,
            max_body_bytes: settings.max_body_bytes,
            permits: Semaphore::new(settings.concurrency.max(1)),
            has_answered: AtomicBool::new(false),
        };
        Ok(Self { shared: Arc::new(Shared { transport, authenticator, concurrency: settings.concurrency.max(1) }) })
    }

    /// Sends a request, again where that is safe, and waits for the rate limit.
    ///
    /// Redirects are followed within the origin of `base_url`, at most ten; a redirect elsewhere is refused unless the
    /// request is [`following_redirects_elsewhere`](Request::following_redirects_elsewhere).
    ///
    /// # Errors
    /// The kind says what to do about it; context `status` has the status where there was one, `attempts` how often it
    /// was tried. Neither message nor cause shows a secret.
    pub async fn send(&self, request: &Request, metrics: &ReadMetrics) -> Result<Response> {
        Exchange::with_api(&self.shared.transport, &self.shared.authenticator, request, metrics)?.run().await
    }

    /// Downloads from an address that the source gave; another origin than that of `base_url` receives no credentials.
    ///
    /// # Errors
    /// As [`Client::send`]; [`ErrorKind::BadResponse`] too where the address is one of this machine or of its network,
    /// and the source's own is not.
    pub async fn download_elsewhere(&self, link: &Url, most_bytes: usize, metrics: &ReadMetrics) -> Result<Response> {
        let transport = &self.shared.transport;
        if let Ok(own) = transport.origin.check_link(link) {
            return self.send(&Request::get(own.as_str()).downloading().with_max_body_bytes(most_bytes), metrics).await;
        }
        transport.origin.check_elsewhere(link)?;
        let request = Request::get("").downloading().with_max_body_bytes(most_bytes);
        Exchange::bare(transport, link.clone(), &request, metrics).run().await
    }

    /// Checks a link that the source gave: it must lead to the origin of `base_url`, or to the upstream, which is
    /// replaced by it.
    ///
    /// # Errors
    /// [`ErrorKind::BadResponse`] naming both origins: following it would hand the credentials to another host.
    pub fn check_link(&self, link: &Url) -> Result<Url> {
        self.shared.transport.origin.check_link(link)
    }

    /// The root of the API.
    pub fn base_url(&self) -> &Url {
        self.shared.transport.origin.base()
    }

    /// How many requests may be under way at once.
    pub fn concurrency(&self) -> usize {
        self.shared.concurrency
    }

    /// The text with every secret of this connection masked.
    pub fn redact(&self, text: &str) -> String {
        self.shared.transport.redactor.text(text)
    }

    /// The address as it may be shown.
    pub fn redact_url(&self, url: &Url) -> RedactedUrl {
        self.shared.transport.redactor.url(url)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &RedactedUrl::new(self.base_url())).finish_non_exhaustive()
    }
}

fn build_http(settings: &ClientSettings) -> Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .user_agent(header_value("user-agent", &settings.user_agent)?)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(settings.timeouts.connect)
        .read_timeout(settings.timeouts.read)
        .timeout(settings.timeouts.total)
        .pool_max_idle_per_host(settings.concurrency.max(1))
        .tcp_nodelay(true)
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW);
    let builder = match settings.protocol {
        Protocol::Negotiated => builder,
        Protocol::Http1 => builder.http1_only(),
        Protocol::Http2PriorKnowledge => builder.http2_prior_knowledge(),
    };
    let builder = if is_local(settings) { builder.no_proxy().tls_certs_only([]) } else { builder };
    builder.build().map_err(|error| {
        Error::new(ErrorKind::Configuration, "no HTTP client could be built")
            .with_hint("check the certificates of this machine, and `SSL_CERT_FILE` if it is set")
            .with_cause(error.without_url())
    })
}

/// Whether every request goes in plain text to this machine: then no proxy could pass it on, and a machine without
/// certificates will do.
fn is_local(settings: &ClientSettings) -> bool {
    let target = settings.upstream.as_ref().unwrap_or(&settings.base_url);
    let is_loopback = match target.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let has_token_elsewhere = settings.upstream.is_none() && matches!(settings.auth, Auth::OAuth(_));
    is_loopback && target.scheme() == "http" && !has_token_elsewhere
}
