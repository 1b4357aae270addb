//! The API that is served: endpoints compiled against the tables, and what their requests mean.

mod body;
mod check;
mod cursor;
mod endpoint;
mod filters;
mod order;
mod parameter;
mod path;
mod request;

use std::collections::BTreeMap;

use lakeflow_interface::Result;

use crate::definition::{AuthSpec, EndpointsFile, ErrorTemplate, ErrorTemplates, Json, Method, RateLimitSpec, mistake};
use crate::table::Tables;
pub(crate) use body::{Names, fill, fill_text};
pub(crate) use cursor::Cursor;
pub(crate) use endpoint::{Endpoint, Placeholder, Target};
pub(crate) use parameter::Parameter;
pub(crate) use request::{Given, Listing, Shape, carries, read, refuse_unknown};

/// Everything that `endpoints.yaml` says, compiled.
#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) constants: BTreeMap<String, String>,
    pub(crate) auth: Vec<AuthSpec>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) rate_limit: Option<RateLimitSpec>,
    pub(crate) endpoints: Vec<Endpoint>,
    errors: ErrorTemplates,
}

/// Why a request is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    NotFound,
    MethodNotAllowed,
    Unauthorized,
    InvalidParameter,
    InvalidBody,
    InvalidGrant,
    RateLimited,
}

/// Why a request cannot be answered, and what its answer may tell of that.
#[derive(Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) refusal: Refusal,
    pub(crate) parameter: String,
    pub(crate) value: String,
    pub(crate) reason: String,
}

impl Api {
    /// Compiles the endpoints against the tables.
    pub(crate) fn compile(file: &str, spec: EndpointsFile, tables: &Tables) -> Result<Self> {
        if spec.endpoints.is_empty() {
            return Err(mistake(file, "endpoints", "expected at least one endpoint"));
        }
        let endpoints = spec
            .endpoints
            .iter()
            .enumerate()
            .map(|(position, endpoint)| Endpoint::compile(file, position, endpoint, &spec, tables))
            .collect::<Result<Vec<_>>>()?;
        check_headers(file, "headers", &spec.headers)?;
        Ok(Self {
            constants: spec.constants,
            auth: spec.auth,
            headers: spec.headers.into_iter().collect(),
            rate_limit: spec.rate_limit,
            endpoints,
            errors: spec.errors,
        })
    }

    /// The endpoint that answers, with the values of its placeholders; otherwise why there is none.
    pub(crate) fn find(&self, method: &http::Method, path: &str) -> Result<(&Endpoint, Vec<String>), Refusal> {
        let mut refusal = Refusal::NotFound;
        for endpoint in &self.endpoints {
            let Some(values) = endpoint.pattern.matches(path) else { continue };
            let serves = match endpoint.method {
                Method::Get => *method == http::Method::GET || *method == http::Method::HEAD,
                other => method.as_str() == other.as_str(),
            };
            if serves {
                return Ok((endpoint, values));
            }
            refusal = Refusal::MethodNotAllowed;
        }
        Err(refusal)
    }

    /// The status and body of a refusal.
    pub(crate) fn refusal(&self, refusal: Refusal) -> ErrorTemplate {
        let (template, status, message) = match refusal {
            Refusal::NotFound => (&self.errors.not_found, 404, "not found: {path}"),
            Refusal::MethodNotAllowed => (&self.errors.method_not_allowed, 405, "{method} is not allowed: {path}"),
            Refusal::Unauthorized => (&self.errors.unauthorized, 401, "{reason}"),
            Refusal::InvalidParameter => (&self.errors.invalid_parameter, 422, "{reason}"),
            Refusal::InvalidBody => (
                self.errors.invalid_body.as_ref().map_or(&self.errors.invalid_parameter, |_| &self.errors.invalid_body),
                422,
                "{reason}",
            ),
            Refusal::InvalidGrant => (&self.errors.invalid_grant, 401, "invalid_client"),
            Refusal::RateLimited => (&self.errors.rate_limited, 429, "rate limit exceeded"),
        };
        template.clone().unwrap_or_else(|| {
            let key = if refusal == Refusal::InvalidGrant { "error" } else { "message" };
            let body = Json::Object(vec![(key.to_owned(), Json::Text(message.to_owned()))]);
            ErrorTemplate { status, body, content_type: None }
        })
    }
}

/// Refuses names and values that no HTTP header can have.
fn check_headers(file: &str, key: &str, headers: &BTreeMap<String, String>) -> Result<()> {
    for (name, value) in headers {
        if name.parse::<http::HeaderName>().is_err() || value.parse::<http::HeaderValue>().is_err() {
            return Err(mistake(file, &format!("{key}.{name}"), "expected a valid header name and value"));
        }
    }
    Ok(())
}
