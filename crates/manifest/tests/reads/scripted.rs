//! A source whose every answer a test writes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use futures::StreamExt;
use lakeflow_interface::{
    Horizon, LakeflowConnect, Offset, ReadContext, ReadItem, ReadStream, Records, Result, Secret, TableOptions,
};
use lakeflow_manifest::{ConnectSettings, Definition};
use serde_json::Value as Json;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

type Script = Box<dyn FnMut(&Asked) -> Response + Send>;

#[derive(Clone)]
pub(crate) struct Scripted {
    pub(crate) url: String,
    script: Arc<Mutex<Script>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Scripted {
    pub(crate) async fn start(script: impl FnMut(&Asked) -> Response + Send + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script: Script = Box::new(script);
        let source = Self { url, script: Arc::new(Mutex::new(script)), asked: Arc::default() };
        let app = Router::new().fallback(answer).with_state(source.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        source
    }

    /// The requests since the last call, as `path?query`.
    pub(crate) fn requests(&self) -> Vec<String> {
        let line = |asked: &Asked| {
            let query: Vec<String> = asked.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            if query.is_empty() { asked.path.clone() } else { format!("{}?{}", asked.path, query.join("&")) }
        };
        self.take().iter().map(line).collect()
    }

    pub(crate) fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// A connector whose definition ends with these words.
    pub(crate) fn connect(&self, rest: &str) -> Arc<dyn LakeflowConnect> {
        self.connect_with("{bearer: '{{ connection.token }}'}", rest)
    }

    pub(crate) fn connect_with(&self, auth: &str, rest: &str) -> Arc<dyn LakeflowConnect> {
        let text = format!(
            "display_name: Test\nconnection: {{parameters: {{token: {{secret: true, required: true}}}}, auth: {auth}}}\n\
             http: {{base_url: {}, retry: {{attempts: 2}}}}\n{rest}",
            self.url
        );
        let definition = Definition::parse(&text, "connector.yaml")
            .unwrap_or_else(|error| panic!("{error:?}\n{}", std::error::Error::source(&error).unwrap()));
        let settings = ConnectSettings { upstream: None, user_agent: "test".to_owned(), concurrency: 4, readers: 1 };
        definition.connect(&BTreeMap::from([("token".to_owned(), Secret::new("geheim"))]), settings).unwrap()
    }
}

async fn answer(State(source): State<Scripted>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let body = String::from_utf8_lossy(&body).into_owned();
    let asked = Asked { method, path: uri.path().to_owned(), query, headers, body };
    source.asked.lock().unwrap().push(asked.clone());
    (source.script.lock().unwrap())(&asked)
}

pub(crate) fn json(body: Json) -> Response {
    axum::Json(body).into_response()
}

pub(crate) fn status(code: u16, body: Json) -> Response {
    (StatusCode::from_u16(code).unwrap(), axum::Json(body)).into_response()
}

/// What a read gave, in its order: `+{…}` for a record, `-{…}` for a deleted one, `=offset` for a checkpoint.
pub(crate) async fn items(stream: Result<ReadStream>) -> Result<Vec<String>> {
    let mut stream = stream?;
    let mut items = Vec::new();
    while let Some(item) = stream.next().await {
        let (mark, records) = match item? {
            ReadItem::Records(records) => ('+', records),
            ReadItem::Deletes(records) => ('-', records),
            ReadItem::Checkpoint(offset) => {
                items.push(format!("={offset}"));
                continue;
            }
        };
        let Records::Json(records) = records else { panic!("unexpected rows") };
        items.extend(records.values().map(|value| format!("{mark}{}", value.raw())));
    }
    Ok(items)
}

pub(crate) fn context(horizon: &str) -> ReadContext {
    ReadContext::new(Horizon::at(horizon.parse::<DateTime<Utc>>().unwrap()))
}

pub(crate) fn options(options: &[(&str, &str)]) -> TableOptions {
    options.iter().copied().collect()
}

/// Reads a table from an offset (as text) up to the middle of 2026.
pub(crate) async fn read(connector: &Arc<dyn LakeflowConnect>, table: &str, start: &str) -> Result<Vec<String>> {
    read_with(connector, table, start, &[], "2026-06-30T00:00:00Z").await
}

pub(crate) async fn read_with(
    connector: &Arc<dyn LakeflowConnect>,
    table: &str,
    start: &str,
    given: &[(&str, &str)],
    horizon: &str,
) -> Result<Vec<String>> {
    let start: Offset = serde_json::from_str(start).unwrap();
    items(connector.read_table(table, &start, &options(given), &context(horizon)).await).await
}

/// The last checkpoint of a read.
pub(crate) fn end(items: &[String]) -> &str {
    items.last().unwrap().strip_prefix('=').unwrap()
}

/// The records of a read.
pub(crate) fn rows(items: &[String]) -> Vec<&str> {
    items.iter().filter(|item| !item.starts_with('=')).map(String::as_str).collect()
}
