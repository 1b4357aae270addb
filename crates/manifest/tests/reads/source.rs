//! A small source on loopback: a list of rows that can be filtered, sorted and paged, and can change while it is read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use futures::StreamExt;
use lakeflow_interface::{
    Horizon, LakeflowConnect, Offset, ReadContext, ReadItem, Records, Result, Secret, TableOptions,
};
use lakeflow_manifest::{ConnectSettings, Definition};
use serde_json::{Value as Json, json};

/// What happens to the rows when a request comes.
pub(crate) type OnRequest = Box<dyn FnMut(usize, &mut Vec<Json>) + Send>;

/// A source with one list, `/rows`, and a list of children per row, `/rows/ID/children`.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) url: String,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    rows: Vec<Json>,
    children: BTreeMap<String, Vec<Json>>,
    requests: Vec<String>,
    on_request: OnRequest,
    failing: Option<(usize, StatusCode)>,
    next_host: Option<String>,
}

impl Source {
    pub(crate) async fn start(rows: Vec<Json>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Shared {
            rows,
            children: BTreeMap::new(),
            requests: Vec::new(),
            on_request: Box::new(|_, _| ()),
            failing: None,
            next_host: None,
        };
        let source = Self { url, shared: Arc::new(Mutex::new(shared)) };
        let app = Router::new().fallback(answer).with_state(source.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        source
    }

    pub(crate) fn with<T>(&self, change: impl FnOnce(&mut Vec<Json>) -> T) -> T {
        change(&mut self.shared.lock().unwrap().rows)
    }

    pub(crate) fn on_request(&self, on_request: impl FnMut(usize, &mut Vec<Json>) + Send + 'static) {
        self.shared.lock().unwrap().on_request = Box::new(on_request);
    }

    pub(crate) fn set_children(&self, parent: &str, children: Vec<Json>) {
        self.shared.lock().unwrap().children.insert(parent.to_owned(), children);
    }

    /// Answers the request of this number, from 1, with a status.
    pub(crate) fn fail(&self, number: usize, status: StatusCode) {
        self.shared.lock().unwrap().failing = Some((number, status));
    }

    pub(crate) fn send_next_elsewhere(&self, host: &str) {
        self.shared.lock().unwrap().next_host = Some(host.to_owned());
    }

    /// The requests since the last call, as `path?query`.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().unwrap().requests)
    }

    /// A connector with one table `rows`, written by the caller, and further ones.
    pub(crate) fn connect(&self, tables: &str) -> Arc<dyn LakeflowConnect> {
        let text = format!(
            "display_name: Test\nconnection: {{parameters: {{token: {{secret: true, required: true}}}}, \
             auth: {{bearer: '{{{{ connection.token }}}}'}}, check: /me}}\n\
             http: {{base_url: {}, pagination: link_header, page_size: {{param: per_page, default: 3, max: 100}}, \
             retry: {{attempts: 1}}}}\ntables:\n{tables}",
            self.url
        );
        let definition = Definition::parse(&text, "connector.yaml")
            .unwrap_or_else(|error| panic!("{error:?}\n{}", std::error::Error::source(&error).unwrap()));
        let settings = ConnectSettings { upstream: None, user_agent: "test".to_owned(), concurrency: 4, readers: 1 };
        definition.connect(&BTreeMap::from([("token".to_owned(), Secret::new("geheim"))]), settings).unwrap()
    }
}

async fn answer(
    State(source): State<Source>,
    Query(query): Query<BTreeMap<String, String>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let mut shared = source.shared.lock().unwrap();
    shared.requests.push(uri.to_string());
    if headers.get("authorization").and_then(|value| value.to_str().ok()) != Some("Bearer geheim") {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let number = shared.requests.len();
    if let Some((_, status)) = shared.failing.filter(|(failing, _)| *failing == number) {
        return status.into_response();
    }
    let Shared { on_request, rows, .. } = &mut *shared;
    on_request(number, rows);
    let list = match uri.path().split('/').collect::<Vec<_>>()[..] {
        ["", "rows"] => shared.rows.clone(),
        ["", "rows", parent, "children"] => match shared.children.get(parent) {
            Some(children) => children.clone(),
            None => return StatusCode::NOT_FOUND.into_response(),
        },
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let host = shared.next_host.clone().unwrap_or_else(|| source.url.clone());
    page(list, &query, &host, uri.path())
}

/// One page: filtered by `since` and `until`, sorted by `sort`, with links to the next and the last.
fn page(mut rows: Vec<Json>, query: &BTreeMap<String, String>, host: &str, path: &str) -> Response {
    let updated = |row: &Json| row["updated_at"].as_str().map(str::to_owned).unwrap_or_default();
    rows.retain(|row| query.get("since").is_none_or(|since| updated(row) >= *since));
    rows.retain(|row| query.get("until").is_none_or(|until| updated(row) <= *until));
    match query.get("direction").map(String::as_str) {
        Some("asc") => rows.sort_by_key(updated),
        Some("desc") => rows.sort_by_key(|row| std::cmp::Reverse(updated(row))),
        _ => {}
    }
    let number = |name: &str, default| query.get(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (size, page): (usize, usize) = (number("per_page", 30), number("page", 1));
    let last = rows.len().div_ceil(size).max(1);
    let body: Vec<Json> = rows.into_iter().skip((page - 1) * size).take(size).collect();
    let link = |page: usize, rel: &str| {
        let mut query = query.clone();
        query.insert("page".to_owned(), page.to_string());
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("<{host}{path}?{}>; rel=\"{rel}\"", query.join("&"))
    };
    let mut response = axum::Json(body).into_response();
    if page < last {
        let links = format!("{}, {}", link(page + 1, "next"), link(last, "last"));
        response.headers_mut().insert("link", HeaderValue::from_str(&links).unwrap());
    }
    response
}

/// A row that was changed at a minute of 2026-01-01.
pub(crate) fn row(id: u64, minute: u32) -> Json {
    json!({"id": id, "updated_at": at(minute)})
}

/// A minute of 2026-01-01.
pub(crate) fn at(minute: u32) -> String {
    format!("2026-01-01T{:02}:{:02}:00Z", minute / 60, minute % 60)
}

/// What a read gave.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// `id@updated_at` in the order in which they came.
    pub(crate) rows: Vec<String>,
    /// The checkpoints, and how many rows came before each.
    pub(crate) checkpoints: Vec<(usize, Offset)>,
    pub(crate) warnings: BTreeMap<String, u64>,
}

impl Seen {
    pub(crate) fn end(&self) -> &Offset {
        &self.checkpoints.last().unwrap().1
    }

    pub(crate) fn ids(&self) -> Vec<u64> {
        self.rows.iter().map(|row| row.split('@').next().unwrap().parse().unwrap()).collect()
    }

    pub(crate) fn sorted(&self) -> Vec<String> {
        let mut rows = self.rows.clone();
        rows.sort();
        rows.dedup();
        rows
    }
}

/// Reads a table up to a horizon at a minute of 2026-01-01.
pub(crate) async fn read(
    connector: &Arc<dyn LakeflowConnect>,
    table: &str,
    start: &Offset,
    options: &[(&str, &str)],
    horizon: u32,
) -> Result<Seen> {
    read_in(connector, table, start, options, ReadContext::new(until(horizon))).await
}

/// The horizon at a minute of 2026-01-01.
pub(crate) fn until(minute: u32) -> Horizon {
    Horizon::at(at(minute).parse::<DateTime<Utc>>().unwrap())
}

/// Reads a table in a context.
pub(crate) async fn read_in(
    connector: &Arc<dyn LakeflowConnect>,
    table: &str,
    start: &Offset,
    options: &[(&str, &str)],
    context: ReadContext,
) -> Result<Seen> {
    let options: TableOptions = options.iter().copied().collect();
    let mut stream = connector.read_table(table, start, &options, &context).await?;
    let mut seen = Seen::default();
    while let Some(item) = stream.next().await {
        match item? {
            ReadItem::Records(Records::Json(records)) => {
                for value in records.values() {
                    let text =
                        |name| value.get(name).and_then(|value| value.scalar_text().map(|text| text.into_owned()));
                    seen.rows.push(format!("{}@{}", text("id").unwrap(), text("updated_at").unwrap_or_default()));
                }
            }
            ReadItem::Checkpoint(offset) => seen.checkpoints.push((seen.rows.len(), offset)),
            other => panic!("unexpected item {other:?}"),
        }
    }
    assert_eq!(seen.checkpoints.last().map(|(rows, _)| *rows), Some(seen.rows.len()), "the last item is a checkpoint");
    seen.warnings = context.metrics.snapshot().warnings;
    Ok(seen)
}

/// Resumes a read from each of its checkpoints: with what came before, it gives what one read gave.
pub(crate) async fn assert_resumable(
    connector: &Arc<dyn LakeflowConnect>,
    table: &str,
    whole: &Seen,
    options: &[(&str, &str)],
    horizon: u32,
) {
    for (rows, offset) in &whole.checkpoints {
        let rest = read(connector, table, offset, options, horizon).await.unwrap();
        let mut resumed = whole.rows[..*rows].to_vec();
        resumed.extend(rest.rows);
        resumed.sort();
        resumed.dedup();
        assert_eq!(resumed, whole.sorted(), "resumed from {offset}");
    }
}
