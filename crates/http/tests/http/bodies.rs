//! Bodies: compressed, too large, endless, not JSON.

use async_compression::tokio::bufread::{BrotliEncoder, GzipEncoder, ZstdEncoder};
use lakeflow_http::{Client, Request};
use lakeflow_interface::{ErrorKind, ReadMetrics};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::server::{Reply, Server};

const TEXT: &str = r#"{"message":"the same words, the same words, the same words, the same words"}"#;

async fn all_of(mut reader: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test]
async fn compressed_bodies_are_decompressed() {
    let compressed = [
        ("gzip", all_of(GzipEncoder::new(TEXT.as_bytes())).await),
        ("br", all_of(BrotliEncoder::new(TEXT.as_bytes())).await),
        ("zstd", all_of(ZstdEncoder::new(TEXT.as_bytes())).await),
    ];
    for (encoding, bytes) in compressed {
        let server = Server::with_replies([Reply::json(bytes).header("content-encoding", encoding)]).await;
        let metrics = ReadMetrics::default();
        let response = server.client().send(&Request::get("/x"), &metrics).await.unwrap();
        assert_eq!(response.body(), TEXT.as_bytes(), "{encoding}");
        assert_eq!(metrics.snapshot().bytes, TEXT.len() as u64);
        let accepted = server.seen()[0].header("accept-encoding").unwrap().to_owned();
        assert!(accepted.contains(encoding), "{accepted}");
    }
}

#[tokio::test]
async fn compressed_body_that_ends_early_is_read_again() {
    let bytes = all_of(GzipEncoder::new(TEXT.as_bytes())).await;
    let whole = Reply::json(bytes.clone()).header("content-encoding", "gzip");
    let short = Reply::json(&bytes[..bytes.len() / 2]).header("content-encoding", "gzip");
    let server = Server::with_replies([short, whole]).await;
    let response = server.client().send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap();
    assert_eq!(response.body(), TEXT.as_bytes());
}

#[tokio::test]
async fn endless_body_ends_with_an_error() {
    let endless = Reply::json("x".repeat(10_000)).endless();
    let announced = Reply::json("x".repeat(100_001));
    for reply in [endless, announced] {
        let server = Server::with_replies([reply]).await;
        let mut settings = server.settings();
        settings.max_body_bytes = 100_000;
        let client = Client::new(settings).unwrap();
        let error = client.send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap_err();
        assert_eq!((error.kind(), server.count()), (ErrorKind::BadResponse, 1));
        let expected = format!("expected at most 100000 bytes as the answer to `GET {}x`, found more", server.url);
        assert_eq!(error.message(), expected);
        let request = Request::get("/x").with_max_body_bytes(50_000);
        assert!(client.send(&request, &ReadMetrics::default()).await.unwrap_err().message().contains("50000"));
    }
}

#[tokio::test]
async fn answer_that_is_not_json_says_what_it_is() {
    let html = "<!doctype html><html><head><title>Sign in</title></head><body><h1>Welcome</h1></body></html>";
    let cases = [
        (
            Reply::status(200).header("content-type", "text/html").body(html),
            "expected JSON, found `text/html` that begins `Sign in Welcome`",
        ),
        (Reply::json(""), "expected JSON, found `application/json` with nothing in it"),
        (Reply::json(r#"{"a":1"#), "expected `,` or `}` at position 6, found the end of the page"),
        (
            Reply::status(200).body("upstream timed out"),
            "found `a body without content type` that begins `upstream timed out`",
        ),
    ];
    for (reply, expected) in cases {
        let server = Server::with_replies([reply]).await;
        let response = server.client().send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap();
        let error = response.into_page().await.unwrap_err();
        assert_eq!((error.kind(), error.context("status")), (ErrorKind::BadResponse, Some("200")));
        assert!(error.message().contains(&server.url.to_string()) && error.message().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn large_body_is_parsed_whole() {
    let numbers: Vec<String> = (0..10_000).map(|number| number.to_string()).collect();
    let server = Server::with_replies([Reply::json(format!("[{}]", numbers.join(",")))]).await;
    let response = server.client().send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap();
    assert_eq!(response.into_page().await.unwrap().root().items().count(), 10_000);
}
