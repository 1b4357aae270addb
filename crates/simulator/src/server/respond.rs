//! Sending an answer, right or spoiled by a fault.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use http::{HeaderName, HeaderValue, StatusCode};

use super::answer::Answer;
use super::connection::ResetSwitch;
use super::fault::FaultKind;
use crate::definition::write_json;

/// The time for the first half of a body to be on its way before the connection is reset.
const BEFORE_RESET: Duration = Duration::from_millis(20);

/// The response for an answer and the fault that struck it, with its status.
pub(crate) fn respond(answer: Answer, fault: Option<&FaultKind>, reset: Option<ResetSwitch>) -> Response {
    let json = "application/json; charset=utf-8";
    match fault {
        None | Some(FaultKind::Latency(_)) => {
            let body = answer.body.clone();
            response(&answer, body.into())
        }
        Some(FaultKind::Status { code, headers, body }) => {
            let mut out = Vec::new();
            match body {
                Some(body) => write_json(body, &mut out),
                None => out.extend_from_slice(format!("{{\"message\":\"status {code}\"}}").as_bytes()),
            }
            let typed = ("content-type".to_owned(), json.to_owned());
            let headers = headers.iter().map(|(name, value)| (name.clone(), value.clone()));
            replaced(*code, [typed].into_iter().chain(headers), out)
        }
        Some(FaultKind::RetryAfter { code, seconds }) => {
            let headers = [("content-type", json.to_owned()), ("retry-after", seconds.to_string())];
            let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value));
            replaced(*code, headers, b"{\"message\":\"try again later\"}".to_vec())
        }
        Some(FaultKind::WrongContentType) => {
            let page = b"<!DOCTYPE html><html><body><h1>We'll be right back</h1></body></html>".to_vec();
            replaced(200, [("content-type".to_owned(), "text/html; charset=utf-8".to_owned())].into_iter(), page)
        }
        Some(FaultKind::Garbage) => {
            let garbage = b"[{\"id\": 1, \"title\": \"half a rec\x00\xff\xfe".to_vec();
            replaced(200, [("content-type".to_owned(), json.to_owned())].into_iter(), garbage)
        }
        Some(FaultKind::SlowBody { pieces, pause }) => slow(&answer, *pieces, *pause),
        Some(FaultKind::TruncatedBody) => cut(&answer, None),
        Some(FaultKind::ResetMidBody) => cut(&answer, reset),
    }
}

fn response(answer: &Answer, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in &answer.headers {
        // Checked when the definition was read; a fault's header that is none is left out, and the log says so.
        match (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            (Ok(name), Ok(value)) => {
                response.headers_mut().append(name, value);
            }
            _ => tracing::warn!("header `{name}` is not valid HTTP and was left out"),
        }
    }
    response
}

fn replaced(status: u16, headers: impl Iterator<Item = (String, String)>, body: Vec<u8>) -> Response {
    let answer = Answer { status, headers: headers.collect(), body: body.into(), endpoint: None };
    let body = answer.body.clone();
    response(&answer, body.into())
}

fn slow(answer: &Answer, pieces: usize, pause: Duration) -> Response {
    let size = answer.body.len().div_ceil(pieces.max(1)).max(1);
    let chunks: Vec<Bytes> = (0..answer.body.len())
        .step_by(size)
        .map(|at| answer.body.slice(at..(at + size).min(answer.body.len())))
        .collect();
    let body = stream::iter(chunks).then(move |chunk| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, io::Error>(chunk)
    });
    with_length(response(answer, Body::from_stream(body)), answer.body.len())
}

/// Sends half of the body, and then ends the connection: with a reset, or in order.
fn cut(answer: &Answer, reset: Option<ResetSwitch>) -> Response {
    let half = answer.body.slice(..answer.body.len() / 2);
    let end = stream::once(async move {
        tokio::time::sleep(BEFORE_RESET).await;
        if let Some(reset) = reset {
            reset.press();
        }
        Err::<Bytes, _>(io::Error::new(io::ErrorKind::ConnectionReset, "fault of the simulator"))
    });
    let body = stream::once(async move { Ok(half) }).chain(end);
    with_length(response(answer, Body::from_stream(body)), answer.body.len().max(1))
}

/// Announces the length of the whole body, so that the client knows that a part is missing.
fn with_length(mut response: Response, length: usize) -> Response {
    response.headers_mut().insert(http::header::CONTENT_LENGTH, HeaderValue::from(length));
    response
}
