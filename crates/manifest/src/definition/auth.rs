//! How requests are authenticated.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Parameter, Request, Span, Template, ValuePlace};

/// How requests are authenticated: the word `none`, or one scheme.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Auth {
    /// Requests carry no credentials.
    None(NoAuth),
    /// One scheme.
    Scheme(Box<Scheme>),
}

/// The word for requests without credentials.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoAuth {
    /// Requests carry no credentials.
    None,
}

/// A scheme of authentication.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Scheme {
    /// A token in the header `Authorization: Bearer …`.
    Bearer(Template),
    /// A user name and a password in the header `Authorization: Basic …`.
    #[serde(rename = "basic")]
    Basic {
        /// The user name.
        username: Template,
        /// The password; empty by default.
        #[serde(default)]
        password: Template,
    },
    /// A key in a header or query parameter of its own.
    ApiKey(ApiKey),
    /// A token that is fetched, and fetched again before it expires.
    #[serde(rename = "oauth2")]
    OAuth2(OAuth2),
    /// A JSON Web Token that we sign ourselves, as a bearer token.
    Jwt(Jwt),
    /// A token that a log-in request gives.
    Session(Session),
}

/// A JSON Web Token that we sign.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jwt {
    /// How it is signed.
    pub algorithm: Algorithm,
    /// The key: PKCS 8 in PEM form for RS256 and ES256, the secret itself for HS256.
    pub key: Template,
    /// The key's id, for the header `kid`.
    pub key_id: Option<Template>,
    /// What it claims, besides `iat` and `exp`: `{iss: "{{ connection.client_email }}"}`.
    pub claims: BTreeMap<String, Template>,
    /// How long it is valid; `1h` by default.
    pub lifetime: Option<Span>,
}

/// How a JSON Web Token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Algorithm {
    /// RSA with SHA-256.
    RS256,
    /// The curve P-256 with SHA-256.
    ES256,
    /// HMAC with SHA-256.
    HS256,
}

/// A token that a log-in request gives.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The log-in request; secrets may be used in its body, form and headers.
    pub login: Request,
    /// Where its answer has the token: `$.token`, `{header: x-session}`.
    pub token: ValuePlace,
    /// The header that carries the token; `authorization` by default.
    pub header: Option<String>,
    /// The header's value; `Bearer {{ session.token }}` by default.
    pub value: Option<Template>,
    /// How long a token is used; by default until it is refused.
    pub lifetime: Option<Span>,
}

/// A key in a header or query parameter of its own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// The header that carries the key; give this or `query`.
    pub header: Option<String>,
    /// The query parameter that carries the key; give this or `header`.
    pub query: Option<String>,
    /// The key.
    pub value: Template,
}

/// Where an API key goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApiKeyPlace {
    /// A header of this name.
    Header(String),
    /// A query parameter of this name.
    Query(String),
}

impl ApiKey {
    /// Where the key goes; nothing unless exactly one of `header` and `query` is given.
    pub fn place(&self) -> Option<ApiKeyPlace> {
        match (&self.header, &self.query) {
            (Some(header), None) => Some(ApiKeyPlace::Header(header.clone())),
            (None, Some(query)) => Some(ApiKeyPlace::Query(query.clone())),
            _ => None,
        }
    }
}

/// OAuth 2: a token that is fetched, and fetched again before it expires.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth2 {
    /// How a token is obtained.
    pub grant: Grant,
    /// The URL that gives tokens.
    pub token_url: Template,
    /// The client's id, where the grant has one.
    #[serde(default)]
    pub client_id: Template,
    /// The client's secret.
    #[serde(default)]
    pub client_secret: Template,
    /// The token that we sign, for the grant `jwt_bearer` (RFC 7523).
    pub assertion: Option<Jwt>,
    /// The refresh token, for the grant `refresh_token`.
    pub refresh_token: Option<Template>,
    /// The scopes to ask for.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Further fields of the token request.
    #[serde(default)]
    pub params: BTreeMap<String, Template>,
    /// Where the client's id and secret go; `body` by default.
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
}

/// How a token is obtained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// With the client's own credentials.
    ClientCredentials,
    /// With a refresh token that a user has granted.
    RefreshToken,
    /// With a token that we sign: a service account.
    JwtBearer,
}

/// Where a client's id and secret go in a token request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// In the form that is the request's body.
    #[default]
    Body,
    /// In an `Authorization: Basic …` header.
    Header,
}

/// One of several ways in which requests can be authenticated.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthMethod {
    /// When to choose it, in a sentence.
    pub description: Option<String>,
    /// What a user gives for this way only, by name.
    #[serde(default)]
    #[schemars(extend("propertyNames" = { "format": "name" }))]
    pub parameters: BTreeMap<String, Parameter>,
    /// How requests are authenticated.
    pub auth: Auth,
}
