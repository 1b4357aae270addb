//! The simulator's own requests, under `/_simulator/`.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, Method, StatusCode};
use lakeflow_interface::{Error, ErrorKind};
use serde_json::{Value, json};

use super::Shared;

/// Where the simulator's own requests begin.
pub(crate) const PREFIX: &str = "/_simulator/";

/// Answers one of the simulator's own requests.
pub(crate) fn answer(shared: &Shared, method: &Method, path: &str, body: &[u8]) -> Response {
    let known = ["advance", "faults", "requests", "tables"];
    let name = path.strip_prefix(PREFIX).unwrap_or_default();
    let result = match (method.as_str(), name) {
        ("GET", "tables") => Ok(tables(shared)),
        ("GET", "requests") => Ok(json!({ "counts": shared.log.counts(), "requests": shared.log.last() })),
        ("POST", "advance") => parse(body).and_then(|advance| shared.advance(&advance)).map(|()| tables(shared)),
        ("POST", "faults") => parse(body).map(|faults| {
            shared.set_faults(faults);
            json!({})
        }),
        (_, name) if known.contains(&name) => {
            return response(
                StatusCode::METHOD_NOT_ALLOWED,
                &json!({ "message": format!("{method} is not allowed here") }),
            );
        }
        (_, name) => {
            let error = lakeflow_interface::unknown_name(ErrorKind::NotFound, "request", name, known);
            return response(StatusCode::NOT_FOUND, &told(&error));
        }
    };
    match result {
        Ok(body) => response(StatusCode::OK, &body),
        Err(error) => response(StatusCode::BAD_REQUEST, &told(&error)),
    }
}

fn tables(shared: &Shared) -> Value {
    let counts = shared.counts();
    Value::Array(counts.into_iter().map(|(name, rows)| json!({ "table": name, "rows": rows })).collect())
}

fn parse<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|cause| Error::new(ErrorKind::Configuration, cause.to_string()))
}

fn told(error: &Error) -> Value {
    json!({ "message": error.to_string(), "hint": error.hint() })
}

fn response(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
