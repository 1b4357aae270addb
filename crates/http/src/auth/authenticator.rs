//! `Authenticator`: puts the credentials of a connection on its requests.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use lakeflow_interface::{ReadMetrics, Result, Secret};
use url::Url;

use super::oauth::OAuthFlow;
use super::token::{FreshToken, Token, TokenCache};
use super::{Auth, Jwt, KeyPlace, Session};
use crate::exchange::Transport;
use crate::redact::Redactor;
use crate::request::{header_name, header_value};

/// A shorter password is a filler: some APIs want the key as the user, and anything as the password.
const KEY_LENGTH: usize = 4;

/// What one attempt carries.
#[derive(Clone, Default)]
pub(crate) struct Credentials {
    header: Option<(HeaderName, HeaderValue)>,
    parameter: Option<(String, Secret)>,
    /// Which token this is, where it is one that can be renewed.
    pub(crate) generation: Option<u64>,
}

/// The credentials of a connection: fixed, or a token that is obtained when it is needed.
pub(crate) enum Authenticator {
    Fixed(Credentials),
    Token(Box<TokenSource>),
}

pub(crate) struct TokenSource {
    flow: TokenFlow,
    cache: TokenCache,
}

/// How a token is obtained.
enum TokenFlow {
    OAuth(OAuthFlow),
    Jwt(Jwt),
    Session(Session),
}

impl Auth {
    /// The query parameter that carries the key, if one does.
    pub(crate) fn key_parameter(&self) -> Option<&str> {
        match self {
            Self::ApiKey { place: KeyPlace::Query(name), .. } => Some(name),
            _ => None,
        }
    }
}

impl Authenticator {
    /// Prepares the credentials, and tells the redactor what to hide.
    pub(crate) fn new(auth: Auth, redactor: &Redactor) -> Result<Self> {
        let fixed = match auth {
            Auth::None => Credentials::default(),
            Auth::Bearer(token) => {
                redactor.learn(&token);
                Credentials::bearer(&token)?
            }
            Auth::Basic { username, password } => {
                let pair = STANDARD.encode(format!("{username}:{}", password.expose()));
                redactor.learn(&password);
                redactor.learn(&Secret::new(pair.clone()));
                if password.expose().len() < KEY_LENGTH {
                    redactor.learn(&Secret::new(username));
                }
                Credentials::in_header(AUTHORIZATION, &format!("Basic {pair}"))?
            }
            Auth::ApiKey { place, value } => {
                redactor.learn(&value);
                if let Some((_, key)) = value.expose().split_once(' ') {
                    redactor.learn(&Secret::new(key));
                }
                match place {
                    KeyPlace::Header(name) => Credentials::in_header(header_name(&name)?, value.expose())?,
                    KeyPlace::Query(name) => Credentials { parameter: Some((name, value)), ..Credentials::default() },
                }
            }
            Auth::OAuth(settings) => {
                let flow = OAuthFlow::new(settings)?;
                flow.hide(redactor);
                return Ok(Self::token(TokenFlow::OAuth(flow)));
            }
            Auth::Jwt(jwt) => {
                jwt.hide(redactor);
                return Ok(Self::token(TokenFlow::Jwt(jwt)));
            }
            Auth::Session(session) => {
                header_name(&session.header)?;
                return Ok(Self::token(TokenFlow::Session(session)));
            }
        };
        Ok(Self::Fixed(fixed))
    }

    fn token(flow: TokenFlow) -> Self {
        Self::Token(Box::new(TokenSource { flow, cache: TokenCache::default() }))
    }

    /// The credentials for one attempt.
    pub(crate) async fn credentials(&self, transport: &Transport, metrics: &ReadMetrics) -> Result<Credentials> {
        match self {
            Self::Fixed(credentials) => Ok(credentials.clone()),
            Self::Token(source) => {
                let token = source.cache.get(source.obtain(transport, metrics)).await?;
                source.credentials(&token)
            }
        }
    }

    /// Obtains another token in place of one that was refused, unless somebody has already.
    pub(crate) async fn renew(&self, refused: u64, transport: &Transport, metrics: &ReadMetrics) -> Result<()> {
        match self {
            Self::Fixed(_) => Ok(()),
            Self::Token(source) => source.cache.replace(refused, source.obtain(transport, metrics)).await.map(|_| ()),
        }
    }
}

impl TokenSource {
    /// Boxed: obtaining a token sends a request, and sending a request may obtain a token.
    fn obtain<'a>(
        &'a self,
        transport: &'a Transport,
        metrics: &'a ReadMetrics,
    ) -> futures::future::BoxFuture<'a, Result<FreshToken>> {
        Box::pin(async move {
            match &self.flow {
                TokenFlow::OAuth(flow) => flow.obtain(transport, metrics).await,
                TokenFlow::Jwt(jwt) => {
                    let token = jwt.sign()?;
                    transport.redactor.learn(&token.secret);
                    Ok(token)
                }
                TokenFlow::Session(session) => session.obtain(transport, metrics).await,
            }
        })
    }

    fn credentials(&self, token: &Token) -> Result<Credentials> {
        let credentials = match &self.flow {
            TokenFlow::Session(session) => {
                Credentials::in_header(header_name(&session.header)?, &session.value(&token.secret))?
            }
            TokenFlow::OAuth(_) | TokenFlow::Jwt(_) => Credentials::bearer(&token.secret)?,
        };
        Ok(Credentials { generation: Some(token.generation), ..credentials })
    }
}

impl Credentials {
    fn bearer(token: &Secret) -> Result<Self> {
        Self::in_header(AUTHORIZATION, &format!("Bearer {}", token.expose()))
    }

    fn in_header(name: HeaderName, value: &str) -> Result<Self> {
        let mut value = header_value(name.as_str(), value)?;
        value.set_sensitive(true);
        Ok(Self { header: Some((name, value)), ..Self::default() })
    }

    pub(crate) fn add_to_headers(&self, headers: &mut HeaderMap) {
        if let Some((name, value)) = &self.header {
            headers.insert(name.clone(), value.clone());
        }
    }

    /// Sets the key's parameter, in place of one that a link of the source may already carry.
    pub(crate) fn add_to_query(&self, url: &mut Url) {
        let Some((name, value)) = &self.parameter else { return };
        let others: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(known, _)| known != name)
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value.expose());
    }
}
