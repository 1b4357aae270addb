//! Whether a request says who it is.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use lakeflow_interface::Secret;

use super::session::Sessions;
use crate::definition::AuthSpec;

/// The credentials that are good.
pub(crate) struct Expected<'e> {
    /// The one that is, where there is one.
    pub(crate) token: Option<&'e Secret>,
    /// What one of them must have, where there is none.
    pub(crate) secrets: &'e BTreeMap<String, Secret>,
    pub(crate) sessions: &'e Sessions,
}

impl Expected<'_> {
    fn holds(&self, auth: &AuthSpec, given: &str) -> bool {
        match (auth, self.token) {
            (AuthSpec::IssuedBearer | AuthSpec::IssuedHeader(_), _) => self.sessions.is_good(given),
            (AuthSpec::BasicPair(_), Some(token)) => {
                given.split_once(':').is_some_and(|(_, password)| token.expose() == password)
            }
            (_, Some(token)) => token.expose() == given,
            (AuthSpec::Basic | AuthSpec::BasicUser, None) => {
                self.secrets.is_empty() || self.secrets.values().any(|secret| given.contains(secret.expose()))
            }
            (AuthSpec::BasicPair(pair), None) => {
                let is = |name, given| self.secrets.get(name).is_some_and(|secret| secret.expose() == given);
                let is_pair = |(user, password)| is(&pair.user, user) && is(&pair.password, password);
                self.secrets.is_empty() || given.split_once(':').is_some_and(is_pair)
            }
            (_, None) => true,
        }
    }
}

/// Checks a request's credentials; the error says what is missing, never what was sent.
pub(crate) fn check(
    accepted: &[AuthSpec],
    expected: &Expected<'_>,
    headers: &HeaderMap,
    query: &[(String, String)],
) -> Result<(), String> {
    let mut found = false;
    for auth in accepted {
        if let Some(given) = credential(auth, headers, query) {
            found = true;
            if expected.holds(auth, &given) {
                return Ok(());
            }
        }
    }
    match (accepted.first(), found) {
        (None, _) => Ok(()),
        (Some(_), true) => Err("the credential is not the one expected".to_owned()),
        (Some(_), false) => {
            Err(format!("no credential: expected {}", accepted.iter().map(describe).collect::<Vec<_>>().join(" or ")))
        }
    }
}

/// The credential of one kind that a request carries.
fn credential(auth: &AuthSpec, headers: &HeaderMap, query: &[(String, String)]) -> Option<String> {
    let authorization = || headers.get(http::header::AUTHORIZATION)?.to_str().ok()?.split_once(' ');
    let given = match auth {
        AuthSpec::Bearer | AuthSpec::IssuedBearer => {
            let (scheme, token) = authorization()?;
            let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
            known.then(|| token.trim().to_owned())
        }
        AuthSpec::Basic => basic(headers).map(|(_, password)| password),
        AuthSpec::BasicUser => basic(headers).map(|(user, _)| user),
        AuthSpec::BasicPair(_) => basic(headers).map(|(user, password)| format!("{user}:{password}")),
        AuthSpec::ApiKeyHeader(header) | AuthSpec::IssuedHeader(header) => {
            let (name, prefix) = header.parts();
            headers.get(name)?.to_str().ok()?.strip_prefix(prefix).map(str::to_owned)
        }
        AuthSpec::ApiKeyQuery(name) => query.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()),
    };
    given.filter(|given| !given.is_empty())
}

/// User and password of `Authorization: Basic`.
pub(crate) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, encoded) = headers.get(http::header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}

fn describe(auth: &AuthSpec) -> String {
    match auth {
        AuthSpec::Bearer | AuthSpec::IssuedBearer => "`Authorization: Bearer …`".to_owned(),
        AuthSpec::Basic | AuthSpec::BasicUser | AuthSpec::BasicPair(_) => "`Authorization: Basic …`".to_owned(),
        AuthSpec::ApiKeyHeader(header) | AuthSpec::IssuedHeader(header) => match header.parts() {
            (name, "") => format!("the header `{name}`"),
            (name, prefix) => format!("the header `{name}: {prefix}…`"),
        },
        AuthSpec::ApiKeyQuery(name) => format!("the parameter `{name}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_before_the_token_belong_to_the_header() {
        let header = r#"[{"api_key_header": {"name": "Authorization", "prefix": "Token token="}}]"#;
        let accepted: Vec<AuthSpec> = serde_json::from_str(header).unwrap();
        let (token, secrets, sessions) = (Secret::new("geheim"), BTreeMap::new(), Sessions::new(1));
        let expected = Expected { token: Some(&token), secrets: &secrets, sessions: &sessions };
        let answer = |value: &'static str| {
            let headers = [(http::header::AUTHORIZATION, http::HeaderValue::from_static(value))].into_iter().collect();
            check(&accepted, &expected, &headers, &[])
        };
        assert_eq!(answer("Token token=geheim"), Ok(()));
        assert_eq!(answer("Token token=other").unwrap_err(), "the credential is not the one expected");
        let missing = "no credential: expected the header `Authorization: Token token=…`";
        assert_eq!(answer("Bearer geheim").unwrap_err(), missing);
    }
}
