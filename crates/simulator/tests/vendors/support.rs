//! A simulator made from texts, and a client that asks it.

use chrono::{DateTime, Utc};
use lakeflow_interface::Secret;
use lakeflow_simulator::{Simulator, SimulatorDefinition, SimulatorSettings};
use serde_json::Value;

pub(crate) const TOKEN: &str = "a-token-for-tests";

pub(crate) fn now() -> DateTime<Utc> {
    "2026-01-15T12:00:00Z".parse().unwrap()
}

/// A running stand-in for one API.
pub(crate) struct Vendor {
    pub(crate) simulator: Simulator,
    pub(crate) http: reqwest::Client,
}

impl Vendor {
    pub(crate) async fn start(endpoints: &str, corpora: &[(&str, &str)]) -> Self {
        let files = corpora.iter().map(|(name, text)| (format!("corpus/{name}.json"), (*text).to_owned()));
        let files = files.chain([("endpoints.yaml".to_owned(), endpoints.to_owned())]);
        let definition = SimulatorDefinition::parse(files).unwrap_or_else(|error| panic!("{error:?}"));
        Self::serve(&definition).await
    }

    pub(crate) async fn serve(definition: &SimulatorDefinition) -> Self {
        let token = Some(Secret::new(TOKEN));
        let settings = SimulatorSettings { now: Some(now()), token, ..SimulatorSettings::default() };
        let simulator = Simulator::start(definition, settings).await.unwrap();
        Self { simulator, http: reqwest::Client::new() }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let base = self.simulator.url().as_str().trim_end_matches('/');
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{base}{path}") };
        self.http.request(method.parse().unwrap(), url).bearer_auth(TOKEN)
    }

    /// The JSON of a good answer.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.bytes().await.unwrap();
        (status, if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() })
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask("POST", path, Some(body)).await
    }

    pub(crate) fn rows(&self, table: &str) -> Vec<Value> {
        self.simulator.rows(table).unwrap().collect()
    }
}

/// One field of each record of a list.
pub(crate) fn column(rows: &Value, field: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    rows.as_array().unwrap_or_else(|| panic!("no list: {rows}")).iter().map(|row| text(&row[field])).collect()
}
