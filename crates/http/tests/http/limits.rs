//! Rate limits: announced, reached, outlasting our patience.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, Utc};
use lakeflow_http::{Client, RateLimit, Request, ResetFormat};
use lakeflow_interface::{ErrorKind, ReadMetrics, Retry};

use crate::server::{Reply, Server};

fn good() -> Reply {
    Reply::json("{}")
}

fn announced(server: &Server) -> Client {
    let mut settings = server.settings();
    settings.rate_limit = RateLimit {
        limit_header: Some("x-ratelimit-limit".into()),
        remaining_header: Some("x-ratelimit-remaining".into()),
        reset_header: Some("x-ratelimit-reset".into()),
        reset_format: ResetFormat::Milliseconds,
        ..settings.rate_limit
    };
    Client::new(settings).unwrap()
}

fn with_rest(reply: Reply, remaining: u32, milliseconds: u32) -> Reply {
    reply
        .header("x-ratelimit-limit", "100")
        .header("x-ratelimit-remaining", remaining.to_string())
        .header("x-ratelimit-reset", milliseconds.to_string())
}

#[tokio::test]
async fn too_many_requests_waits_as_long_as_told() {
    let date = (Utc::now() + Duration::from_secs(2)).to_rfc2822().replace("+0000", "GMT");
    for (retry_after, least) in [(date, 900), ("0.3".to_owned(), 300)] {
        let server = Server::with_replies([Reply::status(429).header("retry-after", retry_after), good()]).await;
        let (start, metrics) = (Instant::now(), ReadMetrics::default());
        server.client().send(&Request::get("/x"), &metrics).await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(least));
        assert_eq!((metrics.snapshot().requests, metrics.snapshot().retries), (2, 1));
    }
}

#[tokio::test]
async fn too_many_requests_without_a_time_waits_longer_each_time() {
    let limited = || Reply::status(429);
    let server = Server::with_replies([limited(), limited(), limited(), good()]).await;
    let start = Instant::now();
    server.client().send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(20 + 40 + 80));
    assert_eq!(server.count(), 4);
}

#[tokio::test]
async fn forbidden_for_the_limit_waits_and_forbidden_for_good_does_not() {
    let secondary = Reply::status(403).header("retry-after", "0.1").body(r#"{"message":"slow down"}"#);
    let primary = with_rest(Reply::status(403), 0, 100);
    for limited in [secondary, primary] {
        let server = Server::with_replies([limited, good()]).await;
        let start = Instant::now();
        announced(&server).send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap();
        assert!(start.elapsed() >= Duration::from_millis(100));
    }
    let forbidden = with_rest(Reply::status(403), 99, 100).body(r#"{"message":"Must have admin rights"}"#);
    let server = Server::with_replies([forbidden]).await;
    let error = announced(&server).send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::Permission, 1));
    assert!(error.message().ends_with("is not permitted: Must have admin rights"), "{error}");
}

#[tokio::test]
async fn every_request_of_the_client_stands_still_and_says_so() {
    let server = Server::start(|number, _| match number {
        0 => Reply::status(429).header("retry-after", "0.5"),
        _ => good(),
    })
    .await;
    let (client, metrics) = (server.client(), Arc::new(ReadMetrics::default()));
    let start = Instant::now();
    let first = tokio::spawn({
        let (client, metrics) = (client.clone(), metrics.clone());
        async move { client.send(&Request::get("/first"), &metrics).await.map(|_| ()) }
    });
    while metrics.waiting().is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(metrics.waiting().unwrap().reason, "rate limit of 127.0.0.1");
    client.send(&Request::get("/second"), &ReadMetrics::default()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(500));
    first.await.unwrap().unwrap();
    assert_eq!(metrics.waiting(), None);
}

#[tokio::test]
async fn remaining_at_zero_stands_still_until_the_reset() {
    let server = Server::start(|number, _| match number {
        0 => with_rest(good(), 0, 400),
        _ => with_rest(good(), 100, 400),
    })
    .await;
    let client = announced(&server);
    let start = Instant::now();
    for _ in 0..3 {
        client.send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap();
    }
    assert!(start.elapsed() >= Duration::from_millis(390));
    assert!(server.seen().len() == 3);
}

#[tokio::test]
async fn few_remaining_are_spread_over_the_time_to_the_reset() {
    let server = Server::start(|number, _| with_rest(good(), 5 - number as u32, 500)).await;
    let client = announced(&server);
    let start = Instant::now();
    for _ in 0..4 {
        client.send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap();
    }
    assert!(start.elapsed() >= Duration::from_millis(290), "{:?}", start.elapsed());
}

#[tokio::test]
async fn limit_that_outlasts_patience_fails_and_says_until_when() {
    let limited = Reply::status(429).header("retry-after", "7200").body(r#"{"message":"API rate limit exceeded"}"#);
    let server = Server::with_replies([limited]).await;
    let mut settings = server.settings();
    settings.rate_limit.patience = Duration::from_secs(3600);
    let client = Client::new(settings).unwrap();
    for _ in 0..2 {
        let before = Utc::now() + Duration::from_secs(7190);
        let error = client.send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert!(matches!(error.retry(), Retry::After(wait) if wait > Duration::from_secs(7190)));
        let end = error.message().split('`').nth(1).unwrap().to_owned();
        assert!(end > before.to_rfc3339_opts(SecondsFormat::Secs, true), "{error}");
    }
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn limit_without_end_outlasts_patience() {
    let server = Server::with_replies([Reply::status(429).header("retry-after", "0")]).await;
    let mut settings = server.settings();
    settings.rate_limit.patience = Duration::from_millis(50);
    let error = Client::new(settings).unwrap().send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.context("status")), (ErrorKind::RateLimited, Some("429")));
}
