//! Credentials: how a request proves who sends it.
//!
//! Fixed credentials are put on the request as they are. Credentials that have to be obtained ([`OAuth`]) are a token
//! with a life span: `TokenCache` obtains it once for all who wait, and again when it expires or is refused.

mod authenticator;
mod jwt;
mod oauth;
mod session;
mod token;

use std::fmt;

use lakeflow_interface::Secret;

pub(crate) use authenticator::{Authenticator, Credentials};
pub use jwt::{Jwt, JwtAlgorithm};
pub use oauth::{ClientAuthentication, Grant, OAuth};
pub use session::Session;

/// How requests prove who sends them; only the origin of the connection's `base_url` receives it.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Auth {
    /// No credentials.
    #[default]
    None,
    /// `Authorization: Bearer …`.
    Bearer(Secret),
    /// `Authorization: Basic …`.
    Basic {
        /// The user.
        username: String,
        /// The password; some APIs want it empty, and the key as the user.
        password: Secret,
    },
    /// A key in a header or a query parameter.
    ApiKey {
        /// Where the key goes.
        place: KeyPlace,
        /// The whole value, as sent.
        value: Secret,
    },
    /// A token from an OAuth 2 token endpoint.
    OAuth(OAuth),
    /// `Authorization: Bearer …` with a token that we sign.
    Jwt(Jwt),
    /// A token that a log-in request gives.
    Session(Session),
}

/// The user of Basic credentials is left out: in some APIs it is the key.
impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bearer(_) => f.write_str("Bearer"),
            Self::Basic { .. } => f.write_str("Basic"),
            Self::ApiKey { place, .. } => write!(f, "ApiKey in {place:?}"),
            Self::OAuth(settings) => settings.fmt(f),
            Self::Jwt(jwt) => jwt.fmt(f),
            Self::Session(session) => session.fmt(f),
        }
    }
}

/// Where an API key goes.
#[derive(Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// The header of this name.
    Header(String),
    /// The query parameter of this name; it is never shown in a URL.
    Query(String),
}

impl fmt::Debug for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "header `{name}`"),
            Self::Query(name) => write!(f, "query parameter `{name}`"),
        }
    }
}
