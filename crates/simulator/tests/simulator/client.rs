//! A simulator of a small API, and a client that pages through it.

use std::path::Path;

use chrono::{DateTime, Utc};
use lakeflow_interface::Secret;
use lakeflow_simulator::{Simulator, SimulatorDefinition, SimulatorSettings};
use serde_json::Value;

pub(crate) const TOKEN: &str = "a-token-for-tests";
pub(crate) const ISSUES: &str = "/repos/acme/widgets/issues";

pub(crate) fn definition() -> SimulatorDefinition {
    SimulatorDefinition::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture")).unwrap()
}

pub(crate) fn now() -> DateTime<Utc> {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

pub(crate) fn settings() -> SimulatorSettings {
    SimulatorSettings { now: Some(now()), token: Some(Secret::new(TOKEN)), ..SimulatorSettings::default() }
}

pub(crate) async fn start(settings: SimulatorSettings) -> (Simulator, Client) {
    let simulator = Simulator::start(&definition(), settings).await.unwrap();
    let client =
        Client { http: reqwest::Client::new(), url: simulator.url().as_str().trim_end_matches('/').to_owned() };
    (simulator, client)
}

pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) url: String,
}

impl Client {
    pub(crate) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        self.http.get(url).bearer_auth(TOKEN)
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let response = self.get(path).send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        parsed(response).await
    }

    pub(crate) async fn status(&self, path: &str) -> (u16, Value) {
        let response = self.get(path).send().await.unwrap();
        (response.status().as_u16(), parsed(response).await)
    }

    pub(crate) async fn list(&self, path: &str) -> Vec<Value> {
        match self.json(path).await {
            Value::Array(rows) => rows,
            other => panic!("expected a list, found {other}"),
        }
    }

    /// All rows of a listing, by its `Link` headers.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let response = self.get(&path).send().await.unwrap();
            assert!(response.status().is_success(), "{path}: {}", response.status());
            next = link(&response, "next");
            rows.extend(parsed::<Vec<Value>>(response).await);
        }
        rows
    }
}

/// One of the addresses of a `Link` header.
pub(crate) fn link(response: &reqwest::Response, relation: &str) -> Option<String> {
    let header = response.headers().get("link")?.to_str().unwrap();
    let part = header.split(", ").find(|part| part.ends_with(&format!("rel=\"{relation}\"")))?;
    Some(part.split(['<', '>']).nth(1).unwrap().to_owned())
}

pub(crate) fn numbers(rows: &[Value]) -> Vec<i64> {
    rows.iter().map(|row| row["number"].as_i64().unwrap()).collect()
}

pub(crate) fn texts<'a>(rows: &'a [Value], field: &str) -> Vec<&'a str> {
    rows.iter().map(|row| row[field].as_str().unwrap()).collect()
}

pub(crate) async fn parsed<T: serde::de::DeserializeOwned>(response: reqwest::Response) -> T {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}
