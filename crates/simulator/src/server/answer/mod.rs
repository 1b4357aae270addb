//! From a request to its answer, without any network.

mod archive;
mod etag;
mod export;
mod given;
mod job;
mod links;
mod listing;
mod token;
mod write;

use bytes::Bytes;
use http::{HeaderMap, Method};

use super::Shared;
use super::auth::{self, Expected};
use crate::api::{Endpoint, Names, Problem, Refusal, Target, fill, fill_text};
use crate::definition::{Action, ErrorTemplate, Json, write_json};
use crate::query::TooLarge;
use given::GivenParts;

const JSON: &str = "application/json; charset=utf-8";

/// A request as far as the API looks at it.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) query: &'a [(String, String)],
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
    /// What links begin with.
    pub(crate) base: &'a str,
}

/// An answer, before any fault.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Bytes,
    pub(crate) endpoint: Option<String>,
}

/// An endpoint that was found for a request, with the values of its placeholders.
struct Matched<'a> {
    endpoint: &'a Endpoint,
    values: &'a [String],
}

impl Shared {
    /// Answers a request.
    pub(crate) fn answer(&self, asked: &Asked<'_>) -> Answer {
        let found = self.api.find(asked.method, asked.path);
        let endpoint = found.as_ref().ok().map(|(endpoint, _)| endpoint.name.clone());
        let is_public = found.as_ref().is_ok_and(|(endpoint, _)| endpoint.is_public);
        let mut limit_headers = Vec::new();
        let answer = self.checked(asked, is_public, &mut limit_headers).and_then(|()| {
            let (endpoint, values) = found.map_err(|refusal| self.refused(asked, &Problem::bare(refusal)))?;
            self.served(asked, &Matched { endpoint, values: &values })
        });
        if let (Ok(Answer { status: 304, .. }), Some(budget)) = (&answer, &self.budget) {
            limit_headers = budget.refund().headers;
        }
        let (Ok(mut answer) | Err(mut answer)) = answer;
        answer.headers.extend(limit_headers);
        answer.headers.extend(self.api.headers.iter().cloned());
        answer.endpoint = endpoint;
        answer
    }

    /// Checks who asks, and how often.
    fn checked(
        &self,
        asked: &Asked<'_>,
        is_public: bool,
        limit_headers: &mut Vec<(String, String)>,
    ) -> Result<(), Answer> {
        let expected = Expected { token: self.token.as_ref(), secrets: &self.secrets, sessions: &self.sessions };
        if !is_public && let Err(reason) = auth::check(&self.api.auth, &expected, asked.headers, asked.query) {
            return Err(self.refused(asked, &Problem { reason, ..Problem::bare(Refusal::Unauthorized) }));
        }
        let Some(budget) = &self.budget else { return Ok(()) };
        let ticket = budget.spend();
        *limit_headers = ticket.headers;
        if ticket.granted { Ok(()) } else { Err(self.refused(asked, &Problem::bare(Refusal::RateLimited))) }
    }

    fn served(&self, asked: &Asked<'_>, matched: &Matched<'_>) -> Result<Answer, Answer> {
        let endpoint = matched.endpoint;
        let given = GivenParts::read(asked, endpoint).map_err(|problem| self.refused(asked, &problem))?;
        if self.refuses_unknown && endpoint.table().is_some() {
            crate::api::refuse_unknown(endpoint, given.as_given()).map_err(|problem| self.refused(asked, &problem))?;
        }
        let names = self.names(matched);
        let answer = match (&endpoint.target, endpoint.action) {
            (Target::Rows(table), Action::Read) => self.read_rows(asked, matched, (*table, &given)),
            (Target::Rows(table), _) => self.write_row(asked, matched, (*table, &given)),
            (Target::Token(token), _) => self.hand_out(asked, token, &given, endpoint.body.as_ref()),
            (Target::Start { pending, .. }, _) => self.start_job(asked, matched, (*pending, &given)),
            (Target::Poll { .. }, _) => self.poll_job(asked, matched),
            (Target::Body(body), _) => {
                let state = self.state();
                crate::api::read(&self.world, &state, endpoint, matched.values, given.as_given())
                    .map_err(|problem| self.refused(asked, &problem))
                    .map(|_| Answer::json(endpoint.response.status, &fill(body, &names)))
            }
        }?;
        let response = &endpoint.response;
        let headers = response.headers.iter().map(|(name, value)| (name.clone(), fill_text(value, &names)));
        let mut answer = Answer { headers: answer.headers.into_iter().chain(headers).collect(), ..answer };
        if response.etag {
            answer = etag::with_etag(answer, asked.headers);
        }
        Ok(answer)
    }

    /// The answer that the API gives to what it does not serve.
    fn refused(&self, asked: &Asked<'_>, problem: &Problem) -> Answer {
        let template = self.api.refusal(problem.refusal);
        let names: Names<'_> = vec![
            ("method", asked.method.as_str().into()),
            ("path", asked.path.into()),
            ("parameter", problem.parameter.as_str().into()),
            ("value", problem.value.as_str().into()),
            ("reason", problem.reason.as_str().into()),
        ];
        Answer::of_template(&template, &names)
    }

    /// The answer to a sort that would need too much memory: a limit of the simulator, not of the API.
    fn too_large(&self, too_large: &TooLarge) -> Answer {
        let TooLarge { rows, most } = too_large;
        let message = format!(
            "the simulator cannot sort {rows} rows by a field that does not grow with the row's number (at most {most})"
        );
        Answer::json(501, &Json::Object(vec![("message".to_owned(), Json::Text(message))]))
    }

    /// The constants, the values of the placeholders, and where the request was sent.
    fn names<'a>(&'a self, matched: &Matched<'a>) -> Names<'a> {
        let constants = self.api.constants.iter().map(|(name, value)| (name.as_str(), value.as_str().into()));
        let placeholders = matched.endpoint.placeholders.iter().zip(matched.values);
        placeholders.map(|((name, _), value)| (name.as_str(), value.as_str().into())).chain(constants).collect()
    }
}

impl Answer {
    /// An answer with a JSON document.
    fn json(status: u16, body: &Json) -> Self {
        let mut out = Vec::new();
        write_json(body, &mut out);
        Self::of(status, JSON, out)
    }

    /// An answer with a body of a type.
    fn of(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        let body = if status == 204 { Bytes::new() } else { body.into() };
        Self { status, headers, body, endpoint: None }
    }

    fn of_template(template: &ErrorTemplate, names: &Names<'_>) -> Self {
        match (&template.content_type, fill(&template.body, names)) {
            (Some(content_type), Json::Text(text)) => Self::of(template.status, content_type, text.into_bytes()),
            (_, body) => Self::json(template.status, &body),
        }
    }
}
