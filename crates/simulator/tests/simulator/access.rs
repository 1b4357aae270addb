//! Credentials, rate limits, conditional requests, protocols, the log and the simulator's own requests.

use std::time::Duration;

use lakeflow_simulator::{RequestBudget, SimulatorSettings};
use serde_json::{Value, json};

use crate::client::{ISSUES, TOKEN, parsed, settings, start};

#[tokio::test]
async fn credentials_are_checked() {
    let (simulator, client) = start(settings()).await;
    let url = format!("{}{ISSUES}", client.url);
    let status = |request: reqwest::RequestBuilder| async move { request.send().await.unwrap().status().as_u16() };
    assert_eq!(status(client.http.get(&url)).await, 401);
    assert_eq!(status(client.http.get(&url).bearer_auth("wrong")).await, 401);
    assert_eq!(status(client.http.get(&url).basic_auth("user", Some(TOKEN))).await, 401);
    assert_eq!(status(client.http.get(&url).header("authorization", format!("token {TOKEN}"))).await, 200);
    let response = client.http.get(&url).send().await.unwrap();
    assert_eq!(parsed::<Value>(response).await, json!({"message": "Bad credentials"}));
    assert!(!format!("{:?}{:?}", simulator.requests(), settings()).contains(TOKEN));
}

#[tokio::test]
async fn any_credential_will_do_where_none_is_expected() {
    let (_simulator, client) = start(SimulatorSettings { token: None, ..settings() }).await;
    let request = client.http.get(format!("{}/user", client.url));
    assert_eq!(request.try_clone().unwrap().send().await.unwrap().status(), 401);
    assert_eq!(request.bearer_auth("anything").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn rate_limit_counts_down_to_refusal_and_opens_again() {
    let window = Duration::from_secs(4);
    let budget = Some(RequestBudget { requests: 3, window });
    let (_simulator, client) = start(SimulatorSettings { request_budget: budget, ..settings() }).await;
    let mut remaining = Vec::new();
    for _ in 0..3 {
        let response = client.get("/user").send().await.unwrap();
        assert_eq!(response.headers()["x-ratelimit-limit"], "3");
        remaining.push(response.headers()["x-ratelimit-remaining"].to_str().unwrap().to_owned());
    }
    assert_eq!(remaining, ["2", "1", "0"]);
    let refused = client.get("/user").send().await.unwrap();
    assert_eq!(refused.status(), 403);
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    let reset: i64 = refused.headers()["x-ratelimit-reset"].to_str().unwrap().parse().unwrap();
    assert!((1..=4).contains(&wait));
    assert!((reset - chrono::Utc::now().timestamp()) <= 5);
    tokio::time::sleep(Duration::from_secs(wait)).await;
    assert_eq!(client.get("/user").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn unchanged_answer_is_not_sent_again_and_costs_nothing() {
    let (simulator, client) = start(settings()).await;
    let first = client.get(ISSUES).send().await.unwrap();
    let etag = first.headers()["etag"].clone();
    assert_eq!(first.headers()["x-ratelimit-used"], "1");
    assert_eq!(first.headers()["x-test"], "yes-please");
    let second = client.get(ISSUES).header("if-none-match", &etag).send().await.unwrap();
    assert_eq!((second.status().as_u16(), &second.headers()["x-ratelimit-used"]), (304, &"1".parse().unwrap()));
    assert_eq!(second.bytes().await.unwrap().len(), 0);
    simulator.advance(&lakeflow_simulator::Advance::new().table("issues", 1, 0, 0)).unwrap();
    let all = format!("{ISSUES}?state=all");
    assert_eq!(client.get(&all).header("if-none-match", &etag).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn requests_are_logged_and_counted() {
    let (simulator, client) = start(SimulatorSettings { log_capacity: 3, ..settings() }).await;
    for page in 1..=4 {
        client.list(&format!("{ISSUES}?page={page}")).await;
    }
    client.status("/nowhere").await;
    let last = simulator.requests();
    let queries: Vec<&str> = last.iter().map(|request| request.query.as_str()).collect();
    assert_eq!(queries, ["page=3", "page=4", ""]);
    assert_eq!((last[0].status, last[2].status, last[2].endpoint.as_deref()), (200, 404, None));
    assert!(last[0].bytes > 10_000);
    let counts = simulator.request_counts();
    assert_eq!(counts["GET /repos/{owner}/{repo}/issues"], 4);
    assert_eq!(counts["(no endpoint)"], 1);
    let told: Value =
        parsed(client.http.get(format!("{}/_simulator/requests", client.url)).send().await.unwrap()).await;
    assert_eq!(told["requests"].as_array().unwrap().len(), 3, "its own requests are not logged");
    simulator.clear_requests();
    assert!(simulator.requests().is_empty());
}

#[tokio::test]
async fn own_requests_show_tables_and_advance() {
    let (_simulator, client) = start(settings()).await;
    let url = |name: &str| format!("{}/_simulator/{name}", client.url);
    let tables: Value = parsed(client.http.get(url("tables")).send().await.unwrap()).await;
    assert!(tables.as_array().unwrap().contains(&json!({"table": "issues", "rows": 250})), "{tables}");
    let advance = r#"{"tables": {"issues": {"added": 5, "deleted": 1, "deleted_rows": [5000000003]}}, "by": "1h"}"#;
    let tables: Value = parsed(client.http.post(url("advance")).body(advance).send().await.unwrap()).await;
    assert!(tables.as_array().unwrap().contains(&json!({"table": "issues", "rows": 253})), "{tables}");
    let bad = client.http.post(url("advance")).body(r#"{"table": {}}"#).send().await.unwrap();
    assert_eq!(bad.status(), 400);
    assert_eq!(client.http.get(url("advance")).send().await.unwrap().status(), 405);
    assert_eq!(client.http.get(url("reqests")).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn http2_without_tls_is_served() {
    let (simulator, _client) = start(settings()).await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let response = client.get(simulator.url().join("/user").unwrap()).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!((response.version(), response.status().as_u16()), (reqwest::Version::HTTP_2, 200));
}

#[tokio::test]
async fn links_begin_with_the_public_url_if_there_is_one() {
    let public_url = Some("https://api.github.com".parse().unwrap());
    let (_simulator, client) = start(SimulatorSettings { public_url, ..settings() }).await;
    let response = client.get(&format!("{ISSUES}?state=all")).send().await.unwrap();
    let next = crate::client::link(&response, "next").unwrap();
    assert_eq!(next, format!("https://api.github.com{ISSUES}?state=all&page=2"));
}

#[tokio::test]
async fn stopped_simulator_no_longer_answers() {
    let (simulator, client) = start(settings()).await;
    assert!(simulator.url().as_str().starts_with("http://127.0.0.1:"));
    client.json("/user").await;
    simulator.stop().await;
    assert!(client.get("/user").send().await.is_err());
}

#[tokio::test]
async fn port_that_is_taken_is_an_error_that_names_it() {
    let (simulator, _client) = start(settings()).await;
    let port = simulator.url().port().unwrap();
    let definition = crate::client::definition();
    let second = lakeflow_simulator::Simulator::start(&definition, SimulatorSettings { port, ..settings() });
    assert_eq!(second.await.unwrap_err().message(), format!("cannot listen on `127.0.0.1:{port}`"));
}
