//! HTTP/2, and many requests over one connection.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request as AxumRequest;
use axum::http::Version;
use axum::routing::get;
use futures::future::join_all;
use lakeflow_http::{Client, Protocol, Request};
use lakeflow_interface::ReadMetrics;
use tokio::net::TcpListener;
use tokio::sync::Barrier;

use crate::server::hasty;

#[tokio::test]
async fn http2_carries_requests_side_by_side() {
    let barrier = Arc::new(Barrier::new(8));
    let app = Router::new().route(
        "/x",
        get(move |request: AxumRequest| async move {
            assert_eq!(request.version(), Version::HTTP_2);
            barrier.wait().await;
            "[1]"
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = hasty(format!("http://{}", listener.local_addr().unwrap()).parse().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    settings.protocol = Protocol::Http2PriorKnowledge;
    let client = Client::new(settings).unwrap();
    let (request, metrics) = (Request::get("/x"), ReadMetrics::default());
    let responses = join_all((0..8).map(|_| client.send(&request, &metrics))).await;
    assert!(responses.into_iter().all(|response| response.unwrap().body() == b"[1]"));
    assert_eq!(metrics.snapshot().requests, 8);
}
