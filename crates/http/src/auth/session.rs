//! A token that a log-in request gives.

use std::fmt;
use std::time::Duration;

use lakeflow_interface::{Error, ErrorKind, ReadMetrics, Result, Secret};

use super::token::FreshToken;
use crate::Request;
use crate::exchange::{Exchange, Transport};
use crate::pagination::Place;

/// A token that a log-in request gives.
#[derive(Clone)]
pub struct Session {
    /// The log-in request, at the API's own origin.
    pub login: Request,
    /// Where its answer has the token.
    pub token: Place,
    /// The header that carries the token.
    pub header: String,
    /// What stands before the token in the header's value, and what behind it.
    pub around: (String, String),
    /// How long the token is used; without it, until it is refused.
    pub lifetime: Option<Duration>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("login", &self.login).field("header", &self.header).finish_non_exhaustive()
    }
}

impl Session {
    pub(super) async fn obtain(&self, transport: &Transport, metrics: &ReadMetrics) -> Result<FreshToken> {
        let url = self.login.address(transport.origin.base())?;
        let response = Exchange::bare(transport, url, &self.login, metrics).run().await.map_err(|error| {
            let kind = if error.kind() == ErrorKind::Permission { ErrorKind::Authentication } else { error.kind() };
            Error::new(kind, "no session could be opened").with_cause(error)
        })?;
        let headers = response.headers().clone();
        let page = response.into_page().await?;
        let token = self.token.text(&page, &headers).ok_or_else(|| {
            Error::new(ErrorKind::Authentication, "the answer to the log-in has no token where it should be")
        })?;
        let secret = Secret::new(token);
        transport.redactor.learn(&secret);
        Ok(FreshToken { secret, lifetime: self.lifetime })
    }

    pub(super) fn value(&self, token: &Secret) -> String {
        let (before, behind) = &self.around;
        format!("{before}{}{behind}", token.expose())
    }
}
