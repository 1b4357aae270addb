//! Whether a request says who it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use lakeflow_interface::Secret;

use crate::definition::AuthSpec;

/// Checks a request's credentials; the error says what is missing, never what was sent.
pub(crate) fn check(
    accepted: &[AuthSpec],
    token: Option<&Secret>,
    headers: &HeaderMap,
    query: &[(String, String)],
) -> Result<(), String> {
    let mut found = false;
    for auth in accepted {
        if let Some(given) = credential(auth, headers, query) {
            found = true;
            if token.is_none_or(|token| token.expose() == given) {
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
        AuthSpec::Bearer => {
            let (scheme, token) = authorization()?;
            let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
            known.then(|| token.trim().to_owned())
        }
        AuthSpec::Basic => {
            let (scheme, encoded) = authorization()?;
            let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
            let text = String::from_utf8(decoded).ok()?;
            text.split_once(':').map(|(_, password)| password.to_owned())
        }
        AuthSpec::ApiKeyHeader(name) => headers.get(name)?.to_str().ok().map(str::to_owned),
        AuthSpec::ApiKeyQuery(name) => query.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()),
    };
    given.filter(|given| !given.is_empty())
}

fn describe(auth: &AuthSpec) -> String {
    match auth {
        AuthSpec::Bearer => "`Authorization: Bearer …`".to_owned(),
        AuthSpec::Basic => "`Authorization: Basic …`".to_owned(),
        AuthSpec::ApiKeyHeader(name) => format!("the header `{name}`"),
        AuthSpec::ApiKeyQuery(name) => format!("the parameter `{name}`"),
    }
}
