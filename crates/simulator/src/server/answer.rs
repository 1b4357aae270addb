//! From a request to its answer, without any network.

use bytes::Bytes;
use http::{HeaderMap, Method};

use super::links::link_header;
use super::{Shared, auth};
use crate::api::{Endpoint, Listing, Names, Problem, Refusal, Target, fill, fill_text, read, write_json};
use crate::definition::{Json, PaginationStyle};
use crate::query::{Page, TooLarge, answer};
use crate::random::mix;
use crate::state::State;

/// A request as far as the API looks at it.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    pub(crate) query: &'a [(String, String)],
    pub(crate) headers: &'a HeaderMap,
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

/// Where the rows stand in a wrapped body, until they are written.
const ROWS: &str = "\u{1}rows\u{1}";

impl Shared {
    /// Answers a request.
    pub(crate) fn answer(&self, asked: &Asked<'_>) -> Answer {
        let found = self.api.find(asked.method, asked.path);
        let endpoint = found.as_ref().ok().map(|(endpoint, _)| endpoint.name.clone());
        let mut limit_headers = Vec::new();
        let answer = self.checked(asked, &mut limit_headers).and_then(|()| {
            let (endpoint, values) = found.map_err(|refusal| self.refused(asked, &bare(refusal)))?;
            self.served(asked, endpoint, &values)
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
    fn checked(&self, asked: &Asked<'_>, limit_headers: &mut Vec<(String, String)>) -> Result<(), Answer> {
        if let Err(reason) = auth::check(&self.api.auth, self.token.as_ref(), asked.headers, asked.query) {
            return Err(self.refused(asked, &Problem { reason, ..bare(Refusal::Unauthorized) }));
        }
        let Some(budget) = &self.budget else { return Ok(()) };
        let ticket = budget.spend();
        *limit_headers = ticket.headers;
        if ticket.granted { Ok(()) } else { Err(self.refused(asked, &bare(Refusal::RateLimited))) }
    }

    fn served(&self, asked: &Asked<'_>, endpoint: &Endpoint, values: &[String]) -> Result<Answer, Answer> {
        let state = self.state();
        let listing = read(&self.world, &state, endpoint, values, asked.query)
            .map_err(|problem| self.refused(asked, &problem))?;
        let mut names = self.names(endpoint, values);
        let mut headers = Vec::new();
        let body = match (&endpoint.target, listing) {
            (Target::Body(body), _) => {
                let mut out = Vec::new();
                write_json(&fill(body, &names), &mut out);
                out
            }
            (Target::Rows(table), Some(Listing { row: Some(row), .. })) if endpoint.response.single_entity => {
                let mut out = Vec::new();
                self.world.row(&state, *table, row).write(&mut out);
                out
            }
            (Target::Rows(_), Some(listing)) => {
                let page = answer(&self.world, &state, &self.index, &listing.query)
                    .map_err(|too_large| self.too_large(&too_large))?;
                if endpoint.response.pagination == PaginationStyle::LinkHeader {
                    let link = link_header(asked, endpoint, &listing, page.total);
                    headers.extend(link.map(|link| ("link".to_owned(), link)));
                }
                names.extend(position(&listing, &page));
                self.listed(&state, endpoint, &listing, &page, &names)
            }
            (Target::Rows(_), None) => return Err(self.refused(asked, &bare(Refusal::NotFound))),
        };
        let response = &endpoint.response;
        headers.extend(response.headers.iter().map(|(name, value)| (name.clone(), fill_text(value, &names))));
        headers.push(("content-type".to_owned(), "application/json; charset=utf-8".to_owned()));
        let mut answer = Answer { status: response.status, headers, body: body.into(), endpoint: None };
        if response.etag {
            answer = with_etag(answer, asked.headers);
        }
        Ok(answer)
    }

    /// The body of a list.
    fn listed(&self, state: &State, endpoint: &Endpoint, listing: &Listing, page: &Page, names: &Names<'_>) -> Vec<u8> {
        let table = listing.query.table;
        let mut frame = Vec::new();
        let wrapped = endpoint.response.records_key.as_ref().map(|key| {
            let mut body = Json::Object(Vec::new());
            insert(&mut body, key, Json::Text(ROWS.to_owned()));
            for (key, extra) in &endpoint.response.extras {
                insert(&mut body, key, fill(extra, names));
            }
            write_json(&body, &mut frame);
            let marker = serde_json::Value::from(ROWS).to_string();
            let text = String::from_utf8_lossy(&frame);
            let (before, after) = text.split_once(&marker).unwrap_or((&text, ""));
            (before.as_bytes().to_vec(), after.as_bytes().to_vec())
        });
        let (before, after) = wrapped.unwrap_or_default();
        let mut out = Vec::with_capacity(self.typical_size(page.rows.len()) + before.len() + after.len());
        out.extend(before);
        out.push(b'[');
        for (position, slot) in page.rows.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            self.world.row(state, table, *slot).write(&mut out);
        }
        out.push(b']');
        self.note_size(page.rows.len(), out.len());
        out.extend(after);
        out
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
        let mut body = Vec::new();
        write_json(&fill(&template.body, &names), &mut body);
        Answer { body: body.into(), ..Answer::plain(template.status) }
    }

    /// The answer to a sort that would need too much memory: a limit of the simulator, not of the API.
    fn too_large(&self, too_large: &TooLarge) -> Answer {
        let TooLarge { rows, most } = too_large;
        let message = format!(
            "the simulator cannot sort {rows} rows by a field that does not grow with the row's number (at most {most})"
        );
        let body = serde_json::json!({ "message": message });
        Answer { body: body.to_string().into(), ..Answer::plain(501) }
    }

    fn names<'a>(&'a self, endpoint: &'a Endpoint, values: &'a [String]) -> Names<'a> {
        let constants = self.api.constants.iter().map(|(name, value)| (name.as_str(), value.as_str().into()));
        let placeholders =
            endpoint.placeholders.iter().zip(values).map(|((name, _), value)| (name.as_str(), value.as_str().into()));
        placeholders.chain(constants).collect()
    }
}

impl Answer {
    /// An answer without a body, in JSON.
    fn plain(status: u16) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json; charset=utf-8".to_owned())];
        Self { status, headers, body: Bytes::new(), endpoint: None }
    }
}

fn bare(refusal: Refusal) -> Problem {
    Problem { refusal, parameter: String::new(), value: String::new(), reason: String::new() }
}

/// What the body may tell of the place in the listing.
fn position(listing: &Listing, page: &Page) -> Names<'static> {
    let query = &listing.query;
    let end = query.offset.saturating_add(page.rows.len() as u64);
    let more = end < page.total;
    let next = |value: u64| if more { value.into() } else { serde_json::Value::Null };
    vec![
        ("total", page.total.into()),
        ("page", listing.page.into()),
        ("per_page", query.limit.into()),
        ("pages", page.total.div_ceil(query.limit.max(1)).into()),
        ("offset", query.offset.into()),
        ("next_page", next(listing.page.saturating_add(1))),
        ("next_offset", next(end)),
        ("has_more", more.into()),
    ]
}

fn insert(body: &mut Json, key: &str, value: Json) {
    let Json::Object(fields) = body else { return };
    let (first, rest) = key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
    let position = fields.iter().position(|(known, _)| known == first).unwrap_or_else(|| {
        fields.push((first.to_owned(), Json::Object(Vec::new())));
        fields.len() - 1
    });
    match rest {
        Some(rest) => insert(&mut fields[position].1, rest, value),
        None => fields[position].1 = value,
    }
}

fn with_etag(answer: Answer, asked: &HeaderMap) -> Answer {
    let hash = answer.body.chunks(8).fold(answer.body.len() as u64, |hash, chunk| {
        let word = chunk.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
        mix(hash, word)
    });
    let etag = format!("W/\"{hash:016x}\"");
    let matched = asked
        .get_all(http::header::IF_NONE_MATCH)
        .iter()
        .any(|header| header.to_str().is_ok_and(|tags| tags.split(',').any(|tag| tag.trim() == etag)));
    let mut answer = if matched { Answer { status: 304, body: Bytes::new(), ..answer } } else { answer };
    answer.headers.push(("etag".to_owned(), etag));
    answer
}
