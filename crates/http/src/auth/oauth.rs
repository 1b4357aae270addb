//! OAuth 2: tokens from a token endpoint, by client credentials or a refresh token.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use lakeflow_interface::{Error, ErrorKind, ReadMetrics, Result, Secret};
use serde::Deserialize;
use serde::de::IgnoredAny;
use url::{Url, form_urlencoded};

use super::Jwt;
use super::token::FreshToken;
use crate::exchange::{Exchange, Transport};
use crate::redact::Redactor;
use crate::server_message::server_message;
use crate::{RedactedUrl, Request, Response};

/// How to obtain a token from an OAuth 2 token endpoint.
#[derive(Clone)]
pub struct OAuth {
    /// The token endpoint; it may be at another origin than the API.
    pub token_url: Url,
    /// The client's identifier.
    pub client_id: String,
    /// The client's secret; a public client has none.
    pub client_secret: Option<Secret>,
    /// What is given in exchange for the token.
    pub grant: Grant,
    /// The scopes to ask for; none leaves the choice to the source.
    pub scopes: Vec<String>,
    /// Further fields of the token request, such as `audience`.
    pub parameters: Vec<(String, Secret)>,
    /// How the client proves itself to the token endpoint.
    pub client_authentication: ClientAuthentication,
}

/// What is given in exchange for a token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Grant {
    /// The client's own credentials.
    ClientCredentials,
    /// A refresh token. If the source replaces it, the new one is used for as long as the client lives.
    RefreshToken(Secret),
    /// A token that we sign (RFC 7523): a service account.
    JwtBearer(Jwt),
}

/// How the client proves itself to the token endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// Identifier and secret are fields of the form.
    #[default]
    Body,
    /// Identifier and secret are HTTP Basic credentials.
    Basic,
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth")
            .field("token_url", &RedactedUrl::new(&self.token_url))
            .field("client_id", &self.client_id)
            .field("grant", &self.grant)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// The answer of a token endpoint; `expires_in` is text in some.
#[derive(Deserialize)]
struct Granted {
    access_token: Secret,
    #[serde(default)]
    expires_in: Option<Seconds>,
    #[serde(default)]
    refresh_token: Option<Secret>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(f64),
    Text(String),
    Other(IgnoredAny),
}

/// An [`OAuth`] at work: it remembers a refresh token that was replaced.
pub(super) struct OAuthFlow {
    settings: OAuth,
    replaced: Mutex<Option<Secret>>,
}

impl OAuthFlow {
    pub(super) fn new(settings: OAuth) -> Result<Self> {
        let url = &settings.token_url;
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
            let message = format!(
                "expected an address without user and password as the token endpoint, found `{}`",
                RedactedUrl::new(url)
            );
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        Ok(Self { settings, replaced: Mutex::default() })
    }

    /// Tells the redactor what to hide.
    pub(super) fn hide(&self, redactor: &Redactor) {
        let OAuth { client_id, client_secret, grant, parameters, .. } = &self.settings;
        parameters.iter().for_each(|(_, value)| redactor.learn(value));
        match grant {
            Grant::RefreshToken(token) => redactor.learn(token),
            Grant::JwtBearer(jwt) => jwt.hide(redactor),
            Grant::ClientCredentials => {}
        }
        if let Some(secret) = client_secret {
            redactor.learn(secret);
            redactor.learn(&Secret::new(basic_of_client(client_id, secret)));
        }
    }

    /// Asks the token endpoint for a token.
    pub(super) async fn obtain(&self, transport: &Transport, metrics: &ReadMetrics) -> Result<FreshToken> {
        let request = self.token_request()?;
        let exchange = Exchange::bare(transport, self.settings.token_url.clone(), &request, metrics);
        let response = exchange.run().await?;
        let granted = match serde_json::from_slice::<Granted>(response.body()) {
            Ok(granted) if response.status().is_success() => granted,
            _ => return Err(self.refusal(transport, &response)),
        };
        transport.redactor.learn(&granted.access_token);
        if let Some(token) = granted.refresh_token {
            transport.redactor.learn(&token);
            *self.replaced.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        }
        Ok(FreshToken { secret: granted.access_token, lifetime: granted.expires_in.and_then(Seconds::duration) })
    }

    fn token_request(&self) -> Result<Request> {
        let OAuth { client_id, client_secret, scopes, parameters, .. } = &self.settings;
        let mut form = self.grant_fields()?;
        if !scopes.is_empty() {
            form.push(("scope".to_owned(), scopes.join(" ")));
        }
        form.extend(parameters.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())));
        let request = Request::post("").repeatable().accepting([400, 401, 403]);
        let request = match (self.settings.client_authentication, client_secret) {
            (ClientAuthentication::Basic, Some(secret)) => {
                request.with_header(AUTHORIZATION.as_str(), format!("Basic {}", basic_of_client(client_id, secret)))
            }
            (_, secret) => {
                form.extend(Some(client_id).filter(|id| !id.is_empty()).map(|id| ("client_id".to_owned(), id.clone())));
                form.extend(secret.as_ref().map(|secret| ("client_secret".to_owned(), secret.expose().to_owned())));
                request
            }
        };
        Ok(request.with_form(form))
    }

    fn grant_fields(&self) -> Result<Vec<(String, String)>> {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = match &self.settings.grant {
            Grant::ClientCredentials => vec![field("grant_type", "client_credentials")],
            Grant::RefreshToken(first) => {
                let replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
                let token = replaced.as_ref().unwrap_or(first);
                vec![field("grant_type", "refresh_token"), field("refresh_token", token.expose())]
            }
            Grant::JwtBearer(jwt) => {
                let token = jwt.sign()?;
                let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
                vec![field("grant_type", grant), field("assertion", token.secret.expose())]
            }
        };
        Ok(fields)
    }

    fn refusal(&self, transport: &Transport, response: &Response) -> Error {
        let words = server_message(response.body(), |text| transport.redactor.text(text));
        let words = words.filter(|_| !response.status().is_success() || !self.mentions_token(response));
        let words = words.unwrap_or_else(|| "the answer has no field `access_token`".to_owned());
        let url = transport.redactor.url(&self.settings.token_url);
        let hint = match self.settings.grant {
            Grant::JwtBearer(_) => "check the key, and what the account may do",
            Grant::ClientCredentials => "check the client's identifier, secret and scopes",
            Grant::RefreshToken(_) => {
                "the authorization may have expired or been revoked; authorize the connection again"
            }
        };
        Error::new(ErrorKind::Authentication, format!("`POST {url}` gave no token: {words}"))
            .with_context("status", response.status().as_str())
            .with_hint(hint)
    }

    /// Whether a malformed answer may carry a token that we do not know and so cannot mask.
    fn mentions_token(&self, response: &Response) -> bool {
        let body = String::from_utf8_lossy(response.body());
        body.contains("access_token") || body.contains("refresh_token")
    }
}

impl Seconds {
    fn duration(self) -> Option<Duration> {
        let seconds = match self {
            Self::Number(seconds) => Some(seconds),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Other(_) => None,
        };
        seconds.filter(|seconds| *seconds > 0.0).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }
}

/// RFC 6749 §2.3.1 encodes both parts before they are joined.
fn basic_of_client(client_id: &str, secret: &Secret) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    STANDARD.encode(format!("{}:{}", encoded(client_id), encoded(secret.expose())))
}
