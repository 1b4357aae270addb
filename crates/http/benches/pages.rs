//! How fast pages arrive: fetched from a server on loopback, read ahead, parsed.

use std::hint::black_box;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName};
use axum::routing::get;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures::TryStreamExt;
use lakeflow_http::{Client, ClientSettings, PageSettings, Pagination, Request, Url, pages};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

const PAGES: usize = 1000;
const PAGE_BYTES: usize = 320 << 10;

/// A page of issues, more or less: a hundred records of short fields and one long text.
fn page_text() -> Bytes {
    let user = r#"{"login":"octocat","id":583231,"node_id":"MDQ6VXNlcjU4MzIzMQ==","type":"User","site_admin":false}"#;
    let labels = r#"[{"id":208045946,"name":"bug","color":"f29513","default":true}]"#;
    let record = |number: usize| {
        let head =
            format!(r#"{{"id":{number},"number":{number},"state":"open","user":{user},"labels":{labels},"body":""#);
        let tail = r#"","created_at":"2024-05-01T10:00:00Z","updated_at":"2024-05-02T10:00:00Z","closed_at":null}"#;
        let filler = "words of a report, ".repeat(PAGE_BYTES / 100);
        format!("{head}{}{tail}", &filler[..PAGE_BYTES / 100 - head.len() - tail.len() - 1])
    };
    format!("[{}]", (0..100).map(record).collect::<Vec<_>>().join(",")).into()
}

async fn page(
    State(text): State<Bytes>,
    Query(query): Query<Vec<(String, usize)>>,
    headers: HeaderMap,
) -> ([(HeaderName, String); 1], Bytes) {
    let page = query.first().map_or(1, |(_, page)| *page);
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let link = |rel, page| format!("<http://{host}/issues?page={page}>; rel=\"{rel}\"");
    let links =
        if page < PAGES { format!("{}, {}", link("next", page + 1), link("last", PAGES)) } else { String::new() };
    ([(HeaderName::from_static("link"), links)], text)
}

/// Starts the server on a thread of its own.
fn serve() -> std::io::Result<(Runtime, Url)> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let url = Url::parse(&format!("http://{}", listener.local_addr()?)).map_err(std::io::Error::other)?;
    let app = Router::new().route("/issues", get(page)).with_state(page_text());
    runtime.spawn(async move { axum::serve(listener, app).await });
    Ok((runtime, url))
}

async fn read_all(client: &Client, read_ahead: usize) -> lakeflow_interface::Result<usize> {
    let by_link = Pagination::LinkHeader { rel: "next".to_owned() };
    let settings = PageSettings { read_ahead: Some(read_ahead), ..PageSettings::new(by_link) };
    let stream = pages(client, Request::get("/issues"), settings, Arc::default());
    stream.try_fold(0, |bytes, page| async move { Ok(bytes + black_box(page.page.len())) }).await
}

fn pages_over_loopback(criterion: &mut Criterion) {
    let (Ok((_server, url)), Ok(runtime)) = (serve(), Runtime::new()) else { return };
    let expected = PAGES * page_text().len();
    let mut group = criterion.benchmark_group("pages");
    group.throughput(Throughput::Bytes(expected as u64)).sample_size(10);
    for read_ahead in [1, 8] {
        group.bench_function(BenchmarkId::new("read_ahead", read_ahead), |bencher| {
            bencher.iter(|| {
                let client = Client::new(ClientSettings::new(url.clone()));
                let read = client.map(|client| runtime.block_on(read_all(&client, read_ahead)));
                assert!(matches!(read, Ok(Ok(bytes)) if bytes == expected));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, pages_over_loopback);
criterion_main!(benches);
