//! Token endpoints: OAuth 2, and logins that give a session.

use super::given::GivenParts;
use super::{Answer, Asked};
use crate::api::{Names, Problem, Refusal, fill};
use crate::definition::{Json, TokenSpec};
use crate::server::{Shared, auth};

impl Shared {
    /// Hands out a token to who knows the secret.
    pub(super) fn hand_out(
        &self,
        asked: &Asked<'_>,
        spec: &TokenSpec,
        given: &GivenParts,
        body: Option<&Json>,
    ) -> Result<Answer, Answer> {
        let refuse = |parameter: &str, reason: &str| {
            let problem = Problem::invalid(parameter, "", reason);
            self.refused(asked, &Problem { refusal: Refusal::InvalidGrant, ..problem })
        };
        let grant = given.text("grant_type");
        if !spec.grants.is_empty() && !grant.as_ref().is_some_and(|grant| spec.grants.contains(grant)) {
            return Err(refuse("grant_type", &format!("expected a grant of {:?}", spec.grants)));
        }
        let refresh_token = given.text("refresh_token");
        let mut secrets: Vec<String> = spec.secrets.iter().filter_map(|name| given.text(name)).collect();
        secrets.extend(auth::basic(asked.headers).map(|(_, password)| password));
        let is_known = |secret: &String| {
            self.token.as_ref().is_none_or(|token| token.expose() == secret) || self.sessions.is_refresh_token(secret)
        };
        if !secrets.iter().any(is_known) {
            return Err(refuse("client_secret", "the secret is not the one expected"));
        }
        let token = self.sessions.issue(spec.lifetime);
        let mut names: Names<'_> =
            vec![("token", token.as_str().into()), ("expires_in", spec.lifetime.as_secs().into())];
        let rotated = spec.rotates.then(|| self.sessions.rotate(refresh_token.as_deref()));
        names.push(("refresh_token", rotated.clone().into()));
        let body = body.map_or_else(|| usual(rotated.is_some()), Json::clone);
        Ok(Answer::json(200, &fill(&body, &names)))
    }
}

/// What OAuth 2 answers.
fn usual(rotates: bool) -> Json {
    let mut fields = vec![("access_token", "{token}"), ("token_type", "bearer"), ("expires_in", "{expires_in}")];
    if rotates {
        fields.push(("refresh_token", "{refresh_token}"));
    }
    Json::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), Json::Text(value.to_owned()))).collect())
}
