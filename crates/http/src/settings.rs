//! What a client is built from.

use std::fmt;
use std::time::Duration;

use lakeflow_interface::Secret;
use url::Url;

use crate::{Auth, RateLimit, RedactedUrl, RetrySettings};

/// What a [`Client`](crate::Client) is built from; make one with [`ClientSettings::new`] and set what differs.
#[derive(Clone)]
pub struct ClientSettings {
    /// The root of the API: request paths are joined to it, and only its origin receives the credentials.
    pub base_url: Url,
    /// How requests prove who sends them.
    pub auth: Auth,
    /// Headers of every request; a request's own header of the same name wins.
    pub headers: Vec<(String, String)>,
    /// Further values that no message may show, beside those in `auth`.
    pub secrets: Vec<Secret>,
    /// How the source limits the rate of requests.
    pub rate_limit: RateLimit,
    /// When a request is sent again after a failure.
    pub retry: RetrySettings,
    /// How long the parts of a request may take.
    pub timeouts: Timeouts,
    /// The largest body that is read, after decompression.
    pub max_body_bytes: usize,
    /// Where every request is sent instead: its scheme, host and port replace those of the address, and
    /// `x-forwarded-host` carries the original ones.
    pub upstream: Option<Url>,
    /// How many requests may be under way at once.
    pub concurrency: usize,
    /// The value of the `user-agent` header.
    pub user_agent: String,
    /// The version of HTTP.
    pub protocol: Protocol,
}

impl ClientSettings {
    /// Settings for an API, without credentials and with moderate limits.
    pub fn new(base_url: Url) -> Self {
        Self {
            base_url,
            auth: Auth::None,
            headers: Vec::new(),
            secrets: Vec::new(),
            rate_limit: RateLimit::default(),
            retry: RetrySettings::default(),
            timeouts: Timeouts::default(),
            max_body_bytes: 256 << 20,
            upstream: None,
            concurrency: 8,
            user_agent: concat!("community-connector/", env!("CARGO_PKG_VERSION")).to_owned(),
            protocol: Protocol::Negotiated,
        }
    }
}

impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header_names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("ClientSettings")
            .field("base_url", &RedactedUrl::new(&self.base_url))
            .field("auth", &self.auth)
            .field("headers", &header_names)
            .field("rate_limit", &self.rate_limit)
            .field("retry", &self.retry)
            .field("timeouts", &self.timeouts)
            .field("max_body_bytes", &self.max_body_bytes)
            .field("upstream", &self.upstream.as_ref().map(RedactedUrl::new))
            .field("concurrency", &self.concurrency)
            .field("user_agent", &self.user_agent)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

/// How long the parts of one attempt may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: Duration,
    /// Without a byte of the response.
    pub read: Duration,
    /// From the beginning to the last byte of the body.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), read: Duration::from_secs(60), total: Duration::from_secs(600) }
    }
}

/// The version of HTTP that a client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/2 where TLS negotiates it, else HTTP/1.1.
    #[default]
    Negotiated,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 at once, also without TLS.
    Http2PriorKnowledge,
}
