//! What a client sends beside the path: parameters in the query, and in a body of JSON or of a form.

use url::form_urlencoded;

use super::Asked;
use crate::api::{Endpoint, Given, Problem, Refusal, Target};
use crate::definition::{Action, Json};

/// Parameters and body of a request.
pub(super) struct GivenParts {
    pub(super) parameters: Vec<(String, String)>,
    pub(super) body: Option<Json>,
}

impl GivenParts {
    /// Reads what was sent; a body that is neither JSON nor a form is a problem.
    pub(super) fn read(asked: &Asked<'_>, endpoint: &Endpoint) -> Result<Self, Problem> {
        let mut parameters = asked.query.to_vec();
        let is_form = header(asked, "content-type").starts_with("application/x-www-form-urlencoded");
        let body = match asked.body.trim_ascii() {
            [] => None,
            body if is_form => {
                let pairs: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
                parameters.extend(pairs.iter().cloned());
                Some(from_form(&pairs))
            }
            body => {
                let json: Json = serde_json::from_slice(body).map_err(|error| Problem {
                    reason: format!("the body is no JSON: {error}"),
                    ..Problem::bare(Refusal::InvalidBody)
                })?;
                let reads = endpoint.action == Action::Read || matches!(endpoint.target, Target::Start { .. });
                if reads {
                    flatten("", &json, &mut parameters);
                }
                Some(json)
            }
        };
        Ok(Self { parameters, body })
    }

    /// The same for who only looks at it.
    pub(super) fn as_given(&self) -> Given<'_> {
        Given { parameters: &self.parameters, body: self.body.as_ref() }
    }

    /// A field of the body or a parameter, as text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let of_body = self.body.as_ref().and_then(|body| body.get(name.split('.'))).and_then(Json::as_parameter);
        of_body.or_else(|| self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
    }
}

/// One header as text.
pub(super) fn header<'a>(asked: &Asked<'a>, name: &str) -> &'a str {
    asked.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The plain fields of a body as parameters: `query.from`; a list of plain values is a parameter given several times.
fn flatten(path: &str, json: &Json, parameters: &mut Vec<(String, String)>) {
    match json {
        Json::Object(fields) => {
            for (key, value) in fields {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, value, parameters);
            }
        }
        Json::List(items) => {
            let plain = items.iter().filter_map(Json::as_parameter);
            parameters.extend(plain.map(|value| (path.to_owned(), value)));
        }
        scalar => parameters.extend(scalar.as_parameter().map(|value| (path.to_owned(), value))),
    }
}

/// A form as an object: `metadata[order]=7` is a field of the object `metadata`.
fn from_form(pairs: &[(String, String)]) -> Json {
    let mut body = Json::Object(Vec::new());
    for (name, value) in pairs {
        let path = name.replace("[]", "").replace('[', ".").replace(']', "");
        body.insert(&path, Json::Text(value.clone()));
    }
    body
}
