//! What went wrong with one attempt: the error that the user sees, and whether to try again.

use std::error::Error as _;
use std::time::Duration;

use http::{Method, StatusCode};
use lakeflow_interface::{Error, ErrorKind, Retry};

use crate::response::BodyFault;
use crate::{RedactedUrl, Timeouts};

/// One attempt that failed and may be repeated.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Whether the source may have received the request.
    pub(crate) was_delivered: bool,
    /// How long the source asks to wait.
    pub(crate) retry_after: Option<Duration>,
}

/// The request of an attempt, as it is shown.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    pub(crate) url: RedactedUrl,
}

impl Asked<'_> {
    /// A failure of the network, or of the source to answer in time.
    pub(crate) fn transport(&self, error: reqwest::Error, timeouts: &Timeouts) -> Failure {
        let Self { method, url } = self;
        let is_connect = error.is_connect();
        let message = match (is_connect, error.is_timeout()) {
            (true, true) => format!("no connection for `{method} {url}` within {:?}", timeouts.connect),
            (true, false) => format!("no connection for `{method} {url}`"),
            (false, true) => format!(
                "`{method} {url}` was not answered in time: nothing for {:?}, or not all within {:?}",
                timeouts.read, timeouts.total
            ),
            (false, false) => format!("the connection broke during `{method} {url}`"),
        };
        let hint = if is_untrusted(&error) {
            "the server's certificate is not trusted; for an authority of your own, name its file in `SSL_CERT_FILE`"
        } else if is_connect {
            "check the address of the connection, and whether this machine reaches it"
        } else {
            "the source or the network is in trouble; run again later, what has been committed is kept"
        };
        let error = Error::new(ErrorKind::Unavailable, message)
            .with_hint(hint)
            .with_retry(Retry::Now)
            .with_cause(error.without_url());
        Failure { error, was_delivered: !is_connect, retry_after: None }
    }

    /// A body that could not be read; one that is too large is not tried again.
    pub(crate) fn body(&self, fault: BodyFault, timeouts: &Timeouts) -> Result<Failure, Error> {
        match fault {
            BodyFault::Transport(error) => Ok(self.transport(error, timeouts)),
            BodyFault::Disk(error) => {
                let message = format!("the answer to `{} {}` could not be kept on disk", self.method, self.url);
                Err(Error::new(ErrorKind::Storage, message)
                    .with_hint("make room in the folder for temporary files, or name another one in `TMPDIR`")
                    .with_cause(error))
            }
            BodyFault::TooLarge(limit) => {
                let message = format!(
                    "expected at most {limit} bytes as the answer to `{} {}`, found more",
                    self.method, self.url
                );
                Err(Error::new(ErrorKind::BadResponse, message).with_hint("ask for smaller pages"))
            }
        }
    }

    /// The error for a status, with the server's own words.
    pub(crate) fn status(&self, status: StatusCode, server_message: Option<String>) -> Error {
        let meaning = Meaning::of(status);
        let reason = status.canonical_reason().unwrap_or("status without a name");
        let words = server_message.unwrap_or_else(|| reason.to_owned());
        let Self { method, url } = self;
        let error = Error::new(meaning.kind, format!("`{method} {url}` {}: {words}", meaning.verb))
            .with_context("status", status.as_str());
        let error = if meaning.passes { error.with_retry(Retry::Now) } else { error };
        match meaning.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}

/// Whether the server's certificate was refused; the reason is known by its words alone.
fn is_untrusted(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.to_string().contains("invalid peer certificate") {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// What a status means to the user.
struct Meaning {
    kind: ErrorKind,
    verb: &'static str,
    hint: Option<&'static str>,
    passes: bool,
}

impl Meaning {
    fn of(status: StatusCode) -> Self {
        use ErrorKind::{
            Authentication, BadResponse, Configuration, Definition, NotFound, Permission, RateLimited, Unavailable,
        };
        let (kind, verb, hint) = match status.as_u16() {
            400 | 422 => (Configuration, "was refused as invalid", Some("check the options of the table")),
            401 => (
                Authentication,
                "was refused for want of valid credentials",
                Some("check the credentials of the connection: they may be mistyped, expired or revoked"),
            ),
            402 | 403 | 451 => (
                Permission,
                "is not permitted",
                Some("the credentials are known but may not do this; check their scopes and the account's plan"),
            ),
            404 | 410 => (
                NotFound,
                "found nothing",
                Some(
                    "compare the path and the values in it, of options and connection parameters, with what the source \
                     has; last of all, some sources answer so where the credentials may not look",
                ),
            ),
            405 | 406 | 411 | 414 | 415 | 428 => {
                (Definition, "was refused as not allowed", Some("the connector asks in a way that the source forbids"))
            }
            407 => (Unavailable, "was refused by a proxy", Some("check the proxy settings of this machine")),
            429 => (RateLimited, "reached the rate limit", None),
            408 | 425 | 500..=599 => (
                Unavailable,
                "failed at the source",
                Some("the source is in trouble; run again later, what has been committed is kept"),
            ),
            300..=399 => (BadResponse, "was redirected to nowhere", None),
            _ => (BadResponse, "was refused", None),
        };
        Self { kind, verb, hint, passes: matches!(kind, Unavailable | RateLimited) }
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn status_becomes_kind_message_and_context() {
        let url = Url::parse("https://h.example/x?token=geheim").unwrap();
        let asked = Asked { method: &Method::GET, url: RedactedUrl::new(&url) };
        let cases = [
            (401, ErrorKind::Authentication),
            (403, ErrorKind::Permission),
            (404, ErrorKind::NotFound),
            (410, ErrorKind::NotFound),
            (422, ErrorKind::Configuration),
            (429, ErrorKind::RateLimited),
            (503, ErrorKind::Unavailable),
            (418, ErrorKind::BadResponse),
        ];
        for (status, kind) in cases {
            let error = asked.status(StatusCode::from_u16(status).unwrap(), None);
            assert_eq!((error.kind(), error.context("status")), (kind, Some(status.to_string().as_str())));
        }
        let error = asked.status(StatusCode::NOT_FOUND, Some("no such repository".into()));
        assert_eq!(
            error.to_string(),
            "`GET https://h.example/x?token=***` found nothing: no such repository (status `404`)"
        );
        let hint = error.hint().unwrap();
        assert!(hint.starts_with("compare the path") && hint.find("values") < hint.find("credentials"), "{hint}");
    }
}
