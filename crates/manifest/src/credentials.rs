//! The credentials of a definition, in the words of the HTTP client.

use std::time::Duration;

use lakeflow_http::auth::{self, KeyPlace, OAuth};
use lakeflow_http::{self as http};
use lakeflow_interface::{Result, Secret};
use serde_json::Value as Json;

use crate::check::pagination::place;
use crate::connect::url;
use crate::definition::{
    Algorithm, ApiKeyPlace, Auth, ClientAuthentication, Grant, Jwt, OAuth2, Request, Scheme, Session, Template,
};
use crate::template::{self, Scope};

pub(crate) fn templates_of(auth: &Auth) -> Vec<&str> {
    let Auth::Scheme(scheme) = auth else { return Vec::new() };
    match scheme.as_ref() {
        Scheme::Bearer(token) => vec![token.text()],
        Scheme::Basic { username, password } => vec![username.text(), password.text()],
        Scheme::ApiKey(key) => vec![key.value.text()],
        Scheme::OAuth2(oauth) => {
            let token = oauth.refresh_token.iter().map(Template::text);
            let assertion = oauth.assertion.iter().flat_map(templates_of_jwt);
            [oauth.client_id.text(), oauth.client_secret.text()].into_iter().chain(token).chain(assertion).collect()
        }
        Scheme::Jwt(jwt) => templates_of_jwt(jwt).collect(),
        Scheme::Session(session) => match &session.login {
            Request::Get(path) => vec![path.text()],
            Request::Full(request) => {
                let in_body = request.form.values().chain(request.headers.values()).map(Template::text);
                in_body.chain(request.body.iter().flat_map(texts)).collect()
            }
        },
    }
}

fn templates_of_jwt(jwt: &Jwt) -> impl Iterator<Item = &str> {
    [jwt.key.text()].into_iter().chain(jwt.claims.values().map(Template::text))
}

/// The texts in a body.
fn texts(body: &Json) -> Vec<&str> {
    match body {
        Json::String(text) => vec![text],
        Json::Array(items) => items.iter().flat_map(texts).collect(),
        Json::Object(entries) => entries.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

pub(crate) fn compile_auth(auth: &Auth, scope: &Scope) -> Result<http::Auth> {
    let Auth::Scheme(scheme) = auth else { return Ok(http::Auth::None) };
    let secret = |template: &Template| template::render(template.text(), scope).map(Secret::new);
    Ok(match scheme.as_ref() {
        Scheme::Bearer(token) => http::Auth::Bearer(secret(token)?),
        Scheme::Basic { username, password } => {
            http::Auth::Basic { username: template::render(username.text(), scope)?, password: secret(password)? }
        }
        Scheme::ApiKey(key) => match key.place() {
            Some(ApiKeyPlace::Header(name)) => {
                http::Auth::ApiKey { place: KeyPlace::Header(name), value: secret(&key.value)? }
            }
            Some(ApiKeyPlace::Query(name)) => {
                http::Auth::ApiKey { place: KeyPlace::Query(name), value: secret(&key.value)? }
            }
            None => http::Auth::None,
        },
        Scheme::OAuth2(oauth) => http::Auth::OAuth(compile_oauth(oauth, scope)?),
        Scheme::Jwt(jwt) => http::Auth::Jwt(compile_jwt(jwt, scope)?),
        Scheme::Session(session) => http::Auth::Session(compile_session(session, scope)?),
    })
}

fn compile_oauth(oauth: &OAuth2, scope: &Scope) -> Result<OAuth> {
    let text = |template: &Template| template::render(template.text(), scope);
    let token_url = url("token_url", &oauth.token_url, scope)?;
    let parameters = oauth.params.iter().map(|(name, value)| Ok((name.clone(), Secret::new(text(value)?))));
    let secret = Some(text(&oauth.client_secret)?).filter(|secret| !secret.is_empty());
    Ok(OAuth {
        token_url,
        client_id: text(&oauth.client_id)?,
        client_secret: secret.map(Secret::new),
        grant: match (oauth.grant, &oauth.refresh_token, &oauth.assertion) {
            (Grant::RefreshToken, Some(token), _) => auth::Grant::RefreshToken(Secret::new(text(token)?)),
            (Grant::JwtBearer, _, Some(jwt)) => auth::Grant::JwtBearer(compile_jwt(jwt, scope)?),
            _ => auth::Grant::ClientCredentials,
        },
        scopes: oauth.scopes.clone(),
        parameters: parameters.collect::<Result<_>>()?,
        client_authentication: match oauth.client_authentication {
            ClientAuthentication::Body => auth::ClientAuthentication::Body,
            ClientAuthentication::Header => auth::ClientAuthentication::Basic,
        },
    })
}

/// How long a signed token is valid, where the definition does not say.
const LIFETIME: Duration = Duration::from_secs(3600);

fn compile_jwt(jwt: &Jwt, scope: &Scope) -> Result<auth::Jwt> {
    let text = |template: &Template| template::render(template.text(), scope);
    let claims = jwt.claims.iter().map(|(name, value)| Ok((name.clone(), text(value)?)));
    Ok(auth::Jwt {
        algorithm: match jwt.algorithm {
            Algorithm::RS256 => auth::JwtAlgorithm::Rs256,
            Algorithm::ES256 => auth::JwtAlgorithm::Es256,
            Algorithm::HS256 => auth::JwtAlgorithm::Hs256,
        },
        key: Secret::new(text(&jwt.key)?),
        key_id: jwt.key_id.as_ref().map(text).transpose()?.filter(|id| !id.is_empty()),
        claims: claims.collect::<Result<Vec<_>>>()?.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
        lifetime: jwt.lifetime.map_or(LIFETIME, |lifetime| lifetime.0),
    })
}

fn compile_session(session: &Session, scope: &Scope) -> Result<auth::Session> {
    let value = session.value.as_ref().map_or("Bearer {{ session.token }}", Template::text);
    // The token is not known yet: what stands around it is.
    const MARK: &str = "\u{1}";
    let scope_of_value = scope.clone().with("session", [("token".to_owned(), MARK.into())].into());
    let value = template::render(value, &scope_of_value)?;
    let (before, behind) = value.split_once(MARK).unwrap_or((&value, ""));
    Ok(auth::Session {
        login: crate::read::request(&session.login.full(), scope)?.repeatable(),
        token: place(&session.token),
        header: session.header.clone().unwrap_or_else(|| "authorization".to_owned()),
        around: (before.to_owned(), behind.to_owned()),
        lifetime: session.lifetime.map(|lifetime| lifetime.0),
    })
}
