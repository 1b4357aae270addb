//! Faults as a client that knows nothing sees them on the wire.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use lakeflow_simulator::{Fault, FaultKind, Simulator, SimulatorSettings, Trigger};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{ISSUES, TOKEN, settings, start};

/// What came over the wire, and how the connection ended.
struct Exchange {
    head: String,
    body: Vec<u8>,
    ending: Result<(), ErrorKind>,
}

impl Exchange {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn announced(&self) -> usize {
        self.header("content-length").unwrap().parse().unwrap()
    }
}

async fn exchange(simulator: &Simulator, path: &str) -> Exchange {
    let mut stream = TcpStream::connect(("127.0.0.1", simulator.url().port().unwrap())).await.unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    let ending = stream.read_to_end(&mut received).await.map(|_| ()).map_err(|error| error.kind());
    let split = received.windows(4).position(|bytes| bytes == b"\r\n\r\n").map_or(received.len(), |at| at + 4);
    let head = String::from_utf8_lossy(&received[..split]).into_owned();
    Exchange { head, body: received[split..].to_vec(), ending }
}

async fn with_fault(fault: FaultKind) -> (Simulator, Exchange) {
    let faults = vec![Fault::new(fault).on("/repos/*/issues").when(Trigger::Nth(1))];
    let (simulator, _client) = start(SimulatorSettings { faults, ..settings() }).await;
    let struck = exchange(&simulator, ISSUES).await;
    let right = exchange(&simulator, ISSUES).await;
    assert!(right.head.starts_with("HTTP/1.1 200"), "only the first is struck");
    assert_eq!(right.body.len(), right.announced());
    assert!(serde_json::from_slice::<serde_json::Value>(&right.body).is_ok());
    (simulator, struck)
}

#[tokio::test]
async fn status_replaces_the_answer() {
    let headers = [("x-reason".to_owned(), "tests".to_owned())].into();
    let (simulator, struck) = with_fault(FaultKind::Status { code: 502, headers, body: None }).await;
    assert!(struck.head.starts_with("HTTP/1.1 502"));
    assert_eq!(struck.header("x-reason"), Some("tests"));
    assert_eq!(simulator.requests()[0].fault, Some("status"));
    assert_eq!(simulator.requests()[0].status, 502);
}

#[tokio::test]
async fn retry_after_says_how_long() {
    let (_simulator, struck) = with_fault(FaultKind::RetryAfter { code: 429, seconds: 7 }).await;
    assert!(struck.head.starts_with("HTTP/1.1 429"));
    assert_eq!(struck.header("retry-after"), Some("7"));
}

#[tokio::test]
async fn reset_comes_in_the_middle_of_the_body() {
    let (_simulator, struck) = with_fault(FaultKind::ResetMidBody).await;
    assert_eq!(struck.ending, Err(ErrorKind::ConnectionReset));
    assert!(struck.body.len() < struck.announced());
    assert!(!struck.body.is_empty());
}

#[tokio::test]
async fn truncated_body_ends_in_order_but_early() {
    let (_simulator, struck) = with_fault(FaultKind::TruncatedBody).await;
    assert_eq!(struck.ending, Ok(()));
    assert_eq!(struck.body.len(), struck.announced() / 2);
}

#[tokio::test]
async fn slow_body_is_whole_but_late() {
    let begun = Instant::now();
    let pause = Duration::from_millis(20);
    let (_simulator, struck) = with_fault(FaultKind::SlowBody { pieces: 5, pause }).await;
    assert!(begun.elapsed() >= pause * 5);
    assert_eq!(struck.body.len(), struck.announced());
    assert!(serde_json::from_slice::<serde_json::Value>(&struck.body).is_ok());
}

#[tokio::test]
async fn latency_holds_the_answer_back() {
    let begun = Instant::now();
    let (simulator, struck) = with_fault(FaultKind::Latency(Duration::from_millis(60))).await;
    assert!(begun.elapsed() >= Duration::from_millis(60));
    assert_eq!(struck.body.len(), struck.announced());
    assert!(simulator.requests()[0].micros >= 60_000);
}

#[tokio::test]
async fn latency_of_the_settings_holds_every_answer_back() {
    let latency = Duration::from_millis(30);
    let (simulator, client) = start(SimulatorSettings { latency, ..settings() }).await;
    client.list(ISSUES).await;
    client.list(ISSUES).await;
    assert!(simulator.requests().iter().all(|request| request.micros >= 30_000));
}

#[tokio::test]
async fn wrong_content_type_is_html_with_status_200() {
    let (_simulator, struck) = with_fault(FaultKind::WrongContentType).await;
    assert!(struck.head.starts_with("HTTP/1.1 200"));
    assert_eq!(struck.header("content-type"), Some("text/html; charset=utf-8"));
}

#[tokio::test]
async fn garbage_calls_itself_json() {
    let (_simulator, struck) = with_fault(FaultKind::Garbage).await;
    assert!(struck.header("content-type").unwrap().starts_with("application/json"));
    assert!(serde_json::from_slice::<serde_json::Value>(&struck.body).is_err());
}

#[tokio::test]
async fn body_that_is_cut_short_ends_an_http2_stream_with_an_error() {
    let faults = vec![Fault::new(FaultKind::ResetMidBody)];
    let (simulator, _client) = start(SimulatorSettings { faults, ..settings() }).await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let url = simulator.url().join(ISSUES).unwrap();
    let response = client.get(url).bearer_auth(TOKEN).send().await.unwrap();
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn faults_can_be_replaced_while_it_runs() {
    let (simulator, client) = start(settings()).await;
    let faults = r#"[{"path": "/user", "fault": {"status": {"code": 503}}}]"#;
    let posted = client.http.post(format!("{}/_simulator/faults", client.url)).body(faults).send().await.unwrap();
    assert_eq!(posted.status(), 200);
    assert_eq!(client.status("/user").await.0, 503);
    simulator.set_faults(Vec::new());
    assert_eq!(client.status("/user").await.0, 200);
}
