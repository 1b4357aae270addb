//! Failures that pass, and failures that do not.

use std::time::Duration;

use lakeflow_http::{Client, Request, RetrySettings};
use lakeflow_interface::{ErrorKind, ReadMetrics};

use crate::server::{Reply, Server, hasty};

fn good() -> Reply {
    Reply::json(r#"{"ok":true}"#)
}

/// Sends one `GET`, expecting success; gives how many requests and repetitions it took.
async fn cost_of_success(server: &Server) -> (u64, u64) {
    let metrics = ReadMetrics::default();
    let response = server.client().send(&Request::get("/x"), &metrics).await.unwrap();
    assert_eq!(response.body(), br#"{"ok":true}"#);
    let counted = metrics.snapshot();
    (counted.requests, counted.retries)
}

#[tokio::test]
async fn run_of_server_errors_is_outlasted() {
    let failures = [500, 502, 503, 504, 408].map(|status| Reply::status(status).body("down"));
    let server = Server::with_replies(failures.into_iter().chain([good()])).await;
    assert_eq!(cost_of_success(&server).await, (6, 5));
}

#[tokio::test]
async fn server_errors_without_end_fail_with_the_servers_words() {
    let server = Server::with_replies([Reply::status(503).body(r#"{"message":"maintenance"}"#)]).await;
    let error = server.client().send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!((error.context("status"), error.context("attempts")), (Some("503"), Some("8")));
    assert_eq!(error.message(), format!("`GET {}x` failed at the source: maintenance", server.url));
    assert_eq!(server.count(), 8);
}

#[tokio::test]
async fn retry_after_of_a_server_error_is_honoured() {
    let server = Server::with_replies([Reply::status(503).header("retry-after", "0.2"), good()]).await;
    let start = std::time::Instant::now();
    assert_eq!(cost_of_success(&server).await, (2, 1));
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn broken_bodies_are_read_again() {
    let body = format!(r#"{{"ok":"{}"}}"#, "x".repeat(100_000));
    let whole = Reply::json(body.clone());
    let broken = [
        whole.clone().reset_at(50_000),
        whole.clone().cut_at(50_000),
        whole.clone().cut_at(0),
        whole.clone().chunked().cut_at(50_000),
    ];
    let server = Server::with_replies(broken.into_iter().chain([whole])).await;
    let metrics = ReadMetrics::default();
    let response = server.client().send(&Request::get("/x"), &metrics).await.unwrap();
    assert_eq!(response.body(), body.as_bytes());
    assert_eq!((metrics.snapshot().requests, metrics.snapshot().retries), (5, 4));
}

#[tokio::test]
async fn connection_that_always_breaks_is_unavailable() {
    let server = Server::with_replies([good().reset_at(3)]).await;
    let error = server.client().send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.message(), format!("the connection broke during `GET {}x`", server.url));
    assert_eq!(server.count(), 8);
}

#[tokio::test]
async fn slow_body_times_out_and_is_read_again() {
    let server = Server::with_replies([good().stalled_at(5), good()]).await;
    let mut settings = server.settings();
    settings.timeouts.read = Duration::from_millis(300);
    let metrics = ReadMetrics::default();
    Client::new(settings).unwrap().send(&Request::get("/x"), &metrics).await.unwrap();
    assert_eq!((metrics.snapshot().requests, metrics.snapshot().retries), (2, 1));
}

#[tokio::test]
async fn body_slower_than_the_total_timeout_is_unavailable() {
    let server = Server::with_replies([good().stalled_at(5)]).await;
    let mut settings = server.settings();
    settings.timeouts.total = Duration::from_millis(100);
    settings.retry.max_attempts = 2;
    let error = Client::new(settings).unwrap().send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("was not answered in time"), "{error}");
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn post_is_repeated_only_where_that_is_safe() {
    let cases = [
        (Request::post("/x"), Reply::status(503), false),
        (Request::post("/x"), good().reset_at(3), false),
        (Request::post("/x").repeatable(), Reply::status(503), true),
        (Request::post("/x"), Reply::status(429), true),
    ];
    for (request, failure, is_repeated) in cases {
        let server = Server::with_replies([failure, good()]).await;
        let result = server.client().send(&request, &ReadMetrics::default()).await;
        assert_eq!(result.is_ok(), is_repeated, "{result:?}");
        assert_eq!(server.count(), if is_repeated { 2 } else { 1 });
    }
}

#[tokio::test]
async fn statuses_that_do_not_pass_are_not_repeated_unless_asked() {
    let replies = || [Reply::status(409).body("busy"), good()];
    let server = Server::with_replies(replies()).await;
    let error = server.client().send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::BadResponse, 1));
    let server = Server::with_replies(replies()).await;
    assert!(server.client().send(&Request::get("/x").retrying([409]), &ReadMetrics::default()).await.is_ok());
}

#[tokio::test]
async fn nobody_listening_is_found_out_quickly() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let metrics = ReadMetrics::default();
    let error = Client::new(hasty(url)).unwrap().send(&Request::post("/x"), &metrics).await.unwrap_err();
    assert_eq!((error.kind(), metrics.snapshot().requests), (ErrorKind::Unavailable, 3));
    assert!(error.message().starts_with("no connection for `POST http://127.0.0.1:"), "{error}");
}

#[tokio::test]
async fn budget_ends_repetitions_of_all_requests_together() {
    let server = Server::with_replies([Reply::status(500)]).await;
    let mut settings = server.settings();
    settings.retry = RetrySettings { budget: 10, ..settings.retry };
    let client = Client::new(settings).unwrap();
    let metrics = ReadMetrics::default();
    for _ in 0..5 {
        let error = client.send(&Request::get("/x"), &metrics).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
    assert_eq!(server.count(), 5 + 10);
}

#[tokio::test]
async fn accepted_status_is_a_response() {
    let server = Server::with_replies([Reply::status(404).body("gone")]).await;
    let request = Request::get("/x").accepting([404]);
    let response = server.client().send(&request, &ReadMetrics::default()).await.unwrap();
    assert_eq!((response.status().as_u16(), response.body()), (404, &b"gone"[..]));
    let error = server.client().send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.context("status")), (ErrorKind::NotFound, Some("404")));
}
