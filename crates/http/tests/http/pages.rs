//! Lists of pages: every way of paging, read-ahead, and lists that change or never end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::routing::get;
use axum::{Json, Router};
use futures::{StreamExt, TryStreamExt};
use lakeflow_http::pagination::{Place, Signal, Target, Total};
use lakeflow_http::{Client, FetchedPage, PageSettings, Pagination, Request, pages};
use lakeflow_interface::{Error, ErrorKind, ReadMetrics, Result};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Barrier;

use crate::server::{Reply, Seen, Server, hasty};

fn body(path: &str) -> Place {
    Place::Body(path.split('.').map(str::to_owned).collect())
}

fn parameter(name: &str) -> Target {
    Target::Parameter(name.to_owned())
}

fn by_link() -> Pagination {
    Pagination::LinkHeader { rel: "next".into() }
}

/// Records in the field `data`, two to a page.
fn in_data(pagination: Pagination) -> PageSettings {
    PageSettings { records: vec!["data".into()], page_size: Some(2), ..PageSettings::new(pagination) }
}

async fn all(client: &Client, request: Request, settings: PageSettings) -> Result<Vec<FetchedPage>> {
    pages(client, request, settings, Arc::default()).try_collect().await
}

/// Reads all pages of a list whose requests carry a value at `parameter`; gives what the server was sent, and checks
/// that only the last page says so.
async fn parameters(server: &Server, settings: PageSettings, parameter: &str) -> Vec<String> {
    let read = all(&server.client(), Request::get("/x"), settings).await.unwrap();
    let last = read.iter().map(|page| page.is_last).collect::<Vec<_>>();
    assert_eq!(last.iter().filter(|is_last| **is_last).count(), 1);
    assert!(last.ends_with(&[true]));
    assert!(read.iter().map(|page| page.number).eq(1..=read.len() as u64));
    let mut sent: Vec<_> =
        server.seen().iter().map(|seen| seen.parameter(parameter).unwrap_or("-").to_owned()).collect();
    sent.sort_by_key(|text| (text.len(), text.clone()));
    sent
}

fn number(seen: &Seen, name: &str) -> usize {
    seen.parameter(name).map_or(1, |text| text.parse().unwrap())
}

fn data(count: usize) -> serde_json::Value {
    json!(vec![json!({"id": 1}); count])
}

/// A server whose page `n` names the next and the last page, like GitHub; `last` may depend on the page.
async fn linked(last: impl Fn(usize) -> usize + Send + Sync + 'static) -> Server {
    Server::start(move |_, seen| {
        let (page, last) = (number(seen, "page"), last(number(seen, "page")));
        let reply = Reply::json(format!("[{page}]"));
        let host = seen.header("host").unwrap();
        let link = |rel, page| format!("<http://{host}/x?page={page}>; rel=\"{rel}\"");
        if page < last {
            reply.header("link", format!("{}, {}", link("next", page + 1), link("last", last)))
        } else {
            reply
        }
    })
    .await
}

fn roots(pages: &[FetchedPage]) -> Vec<String> {
    pages.iter().map(|page| page.page.root().raw().to_owned()).collect()
}

#[tokio::test]
async fn linked_pages_come_in_order() {
    let server = linked(|_| 30).await;
    let read = all(&server.client(), Request::get("/x"), PageSettings::new(by_link())).await.unwrap();
    assert!(roots(&read).iter().eq((1..=30).map(|page| format!("[{page}]")).collect::<Vec<_>>().iter()));
    assert_eq!(server.count(), 30);
    assert_eq!(read.iter().position(|page| page.is_last), Some(29));
}

#[tokio::test]
async fn list_that_grows_while_it_is_read_is_read_to_its_new_end() {
    let server = linked(|page| if page < 5 { 5 } else { 12 }).await;
    let read = all(&server.client(), Request::get("/x"), PageSettings::new(by_link())).await.unwrap();
    assert_eq!((read.len(), server.count()), (12, 12));
}

#[tokio::test]
async fn list_that_shrinks_while_it_is_read_ends_at_its_new_end() {
    let server = linked(|page| if page < 3 { 50 } else { 3 }).await;
    let read = all(&server.client(), Request::get("/x"), PageSettings::new(by_link())).await.unwrap();
    assert_eq!(roots(&read), ["[1]", "[2]", "[3]"]);
    assert!(server.count() <= 3 + 8);
}

/// Pages from the second on answer only when eight of them are under way at once.
#[tokio::test]
async fn pages_whose_addresses_are_known_are_fetched_side_by_side() {
    async fn page(
        State(barrier): State<Arc<Barrier>>,
        Query(query): Query<Vec<(String, String)>>,
        headers: HeaderMap,
    ) -> ([(&'static str, String); 1], Json<Vec<usize>>) {
        let page: usize = query.first().map_or(1, |(_, page)| page.parse().unwrap());
        if page > 1 {
            barrier.wait().await;
        }
        let host = headers["host"].to_str().unwrap();
        let link = |rel, page| format!("<http://{host}/x?page={page}>; rel=\"{rel}\"");
        let links = if page < 17 { format!("{}, {}", link("next", page + 1), link("last", 17)) } else { String::new() };
        ([("link", links)], Json(vec![page]))
    }
    let app = Router::new().route("/x", get(page)).with_state(Arc::new(Barrier::new(8)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = hasty(format!("http://{}", listener.local_addr().unwrap()).parse().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let client = Client::new(settings).unwrap();
    let settings = PageSettings { read_ahead: Some(8), ..PageSettings::new(by_link()) };
    let read = all(&client, Request::get("/x"), settings).await.unwrap();
    assert!(roots(&read).iter().eq((1..=17).map(|page| format!("[{page}]")).collect::<Vec<_>>().iter()));
}

#[tokio::test]
async fn read_ahead_of_one_fetches_only_what_is_asked_for() {
    let server = linked(|_| 30).await;
    let settings = PageSettings { read_ahead: Some(1), ..PageSettings::new(by_link()) };
    let mut stream = pages(&server.client(), Request::get("/x"), settings, Arc::default());
    for expected in 1..=3 {
        stream.next().await.unwrap().unwrap();
        assert_eq!(server.count(), expected);
    }
}

#[tokio::test]
async fn read_ahead_is_bounded_by_what_the_caller_takes() {
    let server = linked(|_| 1000).await;
    let metrics = Arc::new(ReadMetrics::default());
    let settings = PageSettings { read_ahead: Some(4), ..PageSettings::new(by_link()) };
    let mut stream = pages(&server.client(), Request::get("/x"), settings, metrics.clone());
    for taken in 1..=20 {
        stream.next().await.unwrap().unwrap();
        assert!(metrics.snapshot().requests <= taken + 4);
    }
}

#[tokio::test]
async fn links_that_lead_in_a_circle_are_an_error() {
    let circles: [fn(usize) -> usize; 2] = [|page| page, |page| page % 3 + 1];
    for next in circles {
        let server = Server::start(move |_, seen| {
            let link = format!("</x?page={}>; rel=next", next(number(seen, "page")));
            Reply::json("[1]").header("link", link)
        })
        .await;
        let request = Request::get("/x").with_query("page", "1");
        let error = all(&server.client(), request, PageSettings::new(by_link())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse);
        let expected = format!("expected a page not read before, found `{}x?page=1` to follow", server.url);
        assert!(error.message().starts_with(&expected), "{error}");
    }
}

#[tokio::test]
async fn pages_without_end_are_an_error() {
    let server = linked(|page| page + 1).await;
    let settings = PageSettings { most_pages: 20, ..PageSettings::new(by_link()) };
    let error = all(&server.client(), Request::get("/x"), settings).await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::BadResponse, 20));
    assert!(error.message().starts_with("expected at most 20 pages, found `http"), "{error}");
}

#[tokio::test]
async fn page_that_comes_again_and_again_is_an_error_however_the_list_is_paged() {
    let size = || Some(Total::Pages(body("pages")));
    let numbered = |total, signal| Pagination::PageNumber {
        into: parameter("page"),
        first: 1,
        total,
        size: None,
        signal,
        carry: Vec::new(),
    };
    let more = || Some(Signal::More(body("more")));
    let ways = [
        numbered(None, None),
        numbered(size(), None),
        numbered(None, more()),
        Pagination::Offset { into: parameter("page"), first: 0, total: None, size: None, signal: None },
        Pagination::Cursor { from: body("next"), into: parameter("page"), signal: None },
        Pagination::NextUrl { from: body("url"), signal: None },
        by_link(),
    ];
    for pagination in ways {
        let asked = Arc::new(AtomicUsize::new(1));
        let server = Server::start(move |_, _| {
            let next = asked.fetch_add(1, Ordering::Relaxed);
            let url = format!("/x?page=n{next}");
            let body = json!({"data": data(2), "pages": 1_000_000, "more": true, "next": next, "url": url});
            Reply::json(body.to_string()).header("link", format!("<{url}>; rel=next"))
        })
        .await;
        let error = all(&server.client(), Request::get("/x"), in_data(pagination.clone())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse, "{pagination:?}");
        let expected = "expected other records on each page, found the same on 10 in a row, as of `http";
        assert!(error.message().starts_with(expected), "{pagination:?}: {error}");
        assert!(server.count() < 100, "{pagination:?}: {} requests", server.count());
    }
}

#[tokio::test]
async fn page_that_fails_fails_the_list() {
    let server = Server::start(|_, seen| match number(seen, "page") {
        3 => Reply::status(404).body("{}"),
        page => Reply::json(json!({"data": data(2), "pages": 6, "page": page}).to_string()),
    })
    .await;
    let total = Some(Total::Pages(body("pages")));
    let settings = in_data(Pagination::PageNumber {
        into: parameter("page"),
        first: 1,
        total,
        size: None,
        signal: None,
        carry: Vec::new(),
    });
    let stream = pages(&server.client(), Request::get("/x"), settings, Arc::default());
    let results: Vec<Result<FetchedPage>> = stream.collect().await;
    let kinds: Vec<Option<ErrorKind>> = results.iter().map(|page| page.as_ref().err().map(Error::kind)).collect();
    assert_eq!(kinds, [None, None, Some(ErrorKind::NotFound)]);
}

#[tokio::test]
async fn page_that_is_not_json_fails_the_list() {
    let server =
        Server::with_replies([Reply::status(200).header("content-type", "text/html").body("<h1>Hi</h1>")]).await;
    let error = all(&server.client(), Request::get("/x"), PageSettings::new(Pagination::None)).await.unwrap_err();
    assert!(error.message().ends_with("expected JSON, found `text/html` that begins `Hi`"), "{error}");
}

#[tokio::test]
async fn accepted_status_ends_the_list() {
    let server = Server::with_replies([Reply::status(404).body("gone").header("link", "</x?page=2>; rel=next")]).await;
    let read = all(&server.client(), Request::get("/x").accepting([404]), PageSettings::new(by_link())).await.unwrap();
    assert_eq!((read.len(), read[0].status.as_u16(), read[0].is_last), (1, 404, true));
    assert!(read[0].page.root().is_null());
}

#[tokio::test]
async fn page_numbers_end_at_the_total_or_at_a_short_page() {
    for (total, is_told) in
        [(None, false), (Some(Total::Pages(body("pages"))), true), (Some(Total::Records(body("count"))), true)]
    {
        for (records, pages) in [(5, 3), (6, if is_told { 3 } else { 4 })] {
            let server = Server::start(move |_, seen| {
                let rest = (records + 2_usize).saturating_sub(2 * number(seen, "page")).min(2);
                Reply::json(json!({"data": data(rest), "pages": 3, "count": records}).to_string())
            })
            .await;
            let settings = in_data(Pagination::PageNumber {
                into: parameter("page"),
                first: 1,
                total: total.clone(),
                size: None,
                signal: None,
                carry: Vec::new(),
            });
            let sent = parameters(&server, settings, "page").await;
            assert!(sent.iter().eq((1..=pages).map(|page| page.to_string()).collect::<Vec<_>>().iter()), "{sent:?}");
        }
    }
}

#[tokio::test]
async fn size_of_the_first_page_tells_how_many_pages_a_number_of_records_takes() {
    let server = Server::start(|_, seen| {
        let rest = 7_usize.saturating_sub(2 * number(seen, "page")).min(2);
        Reply::json(json!({"data": data(rest), "count": 5}).to_string())
    })
    .await;
    let total = Some(Total::Records(body("count")));
    let pagination = Pagination::PageNumber {
        into: parameter("page"),
        first: 1,
        total,
        size: None,
        signal: None,
        carry: Vec::new(),
    };
    let settings = PageSettings { page_size: None, ..in_data(pagination) };
    assert_eq!(parameters(&server, settings, "page").await, ["1", "2", "3"]);
}

#[tokio::test]
async fn records_that_are_no_array_are_an_error_where_their_number_matters() {
    for (reply, is_error) in [(r#"{"data":{}}"#, true), (r#"{"data":null}"#, false), ("{}", false)] {
        let server = Server::with_replies([Reply::json(reply)]).await;
        let settings = in_data(Pagination::PageNumber {
            into: parameter("page"),
            first: 1,
            total: None,
            size: None,
            signal: None,
            carry: Vec::new(),
        });
        let read = all(&server.client(), Request::get("/x"), settings).await;
        assert_eq!(read.is_err(), is_error, "{read:?}");
    }
}

#[tokio::test]
async fn offsets_end_at_the_total_or_at_a_short_page() {
    for (total, expected) in [(None, 3), (Some(Total::Records(Place::Header("x-total".into()))), 3)] {
        let server = Server::start(|_, seen| {
            let offset: usize = seen.parameter("offset").unwrap().parse().unwrap();
            Reply::json(json!({"data": data((5 - offset).min(2))}).to_string()).header("x-total", "5")
        })
        .await;
        let settings =
            in_data(Pagination::Offset { into: parameter("offset"), first: 0, total, size: None, signal: None });
        let sent = parameters(&server, settings, "offset").await;
        assert_eq!((sent.len(), sent), (expected, vec!["0".to_owned(), "2".into(), "4".into()]));
    }
}

#[tokio::test]
async fn size_that_a_page_tells_counts_instead_of_the_one_asked_for() {
    let server = Server::start(|_, seen| {
        let offset: usize = seen.parameter("offset").unwrap().parse().unwrap();
        Reply::json(json!({"data": data((5_usize.saturating_sub(offset)).min(2)), "granted": 2}).to_string())
    })
    .await;
    let size = Some(body("granted"));
    let pagination = Pagination::Offset { into: parameter("offset"), first: 0, total: None, size, signal: None };
    let settings = PageSettings { page_size: Some(100), ..in_data(pagination) };
    assert_eq!(parameters(&server, settings, "offset").await, ["0", "2", "4"]);
}

#[tokio::test]
async fn cursor_is_carried_from_page_to_request() {
    let cursors = |reply: fn(Option<&str>) -> Reply| Server::start(move |_, seen| reply(seen.parameter("after")));
    let in_body = cursors(|after| match after {
        None => Reply::json(r#"{"data":[1],"meta":{"next":"a b"}}"#),
        Some("a+b") => Reply::json(r#"{"data":[1],"meta":{"next":42}}"#),
        _ => Reply::json(r#"{"data":[1],"meta":{"next":null}}"#),
    })
    .await;
    let in_header = cursors(|after| match after {
        None => Reply::json("[1]").header("x-next", "a b"),
        Some("a+b") => Reply::json("[1]").header("x-next", "42"),
        _ => Reply::json("[1]"),
    })
    .await;
    for (server, from) in [(in_body, body("meta.next")), (in_header, Place::Header("x-next".into()))] {
        let settings = PageSettings::new(Pagination::Cursor { from, into: parameter("after"), signal: None });
        assert_eq!(parameters(&server, settings, "after").await, ["-", "42", "a+b"]);
    }
}

#[tokio::test]
async fn cursor_that_is_given_beyond_the_end_stops_at_the_signal() {
    for signal in [Signal::End(body("end")), Signal::More(body("more"))] {
        let server = Server::start(|number, _| {
            let is_end = number == 2;
            Reply::json(json!({"after": format!("c{number}"), "end": is_end, "more": !is_end}).to_string())
        })
        .await;
        let (from, into) = (body("after"), parameter("after"));
        let settings = PageSettings::new(Pagination::Cursor { from, into, signal: Some(signal) });
        assert_eq!(parameters(&server, settings, "after").await, ["-", "c0", "c1"]);
    }
}

#[tokio::test]
async fn cursor_goes_into_the_body_of_a_search() {
    let server = Server::start(|number, _| match number {
        0 | 1 => Reply::json(format!(r#"{{"paging":{{"next":{{"after":{}}}}}}}"#, (number + 1) * 100)),
        _ => Reply::json("{}"),
    })
    .await;
    let into = Target::BodyField(vec!["after".into()]);
    let settings = PageSettings::new(Pagination::Cursor { from: body("paging.next.after"), into, signal: None });
    let request = Request::post("/search").repeatable().with_json(json!({"limit": 100}));
    all(&server.client(), request, settings).await.unwrap();
    let bodies: Vec<String> = server.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies, [r#"{"limit":100}"#, r#"{"after":100,"limit":100}"#, r#"{"after":200,"limit":100}"#]);
}

#[tokio::test]
async fn next_address_may_be_whole_or_relative() {
    let server = Server::start(|number, seen| {
        let next = [
            "/api/x?page=2".to_owned(),
            format!("http://{}/api/x?page=3", seen.header("host").unwrap()),
            String::new(),
        ];
        Reply::json(json!({"next": next[number]}).to_string())
    })
    .await;
    let settings = PageSettings::new(Pagination::NextUrl { from: body("next"), signal: None });
    assert_eq!(parameters(&server, settings, "page").await, ["-", "2", "3"]);
}

#[tokio::test]
async fn field_of_the_last_record_leads_to_the_next_page() {
    let replies = |more: bool| {
        let page =
            move |ids: [u32; 2], more| json!({"data": ids.map(|id| json!({"id": format!("c{id}")})), "more": more});
        let empty = json!({"data": [], "more": false});
        let last = if more { page([3, 4], false) } else { page([3, 4], true) };
        [page([1, 2], true), last, empty].map(|page| Reply::json(page.to_string()))
    };
    for (signal, expected) in [(Some(Signal::More(body("more"))), vec!["-", "c2"]), (None, vec!["-", "c2", "c4"])] {
        let server = Server::with_replies(replies(signal.is_some())).await;
        let pagination = Pagination::LastRecord { field: vec!["id".into()], into: parameter("after"), signal };
        assert_eq!(parameters(&server, in_data(pagination), "after").await, expected);
    }
}

#[tokio::test]
async fn stream_that_is_dropped_stops_its_fetches() {
    let answered = Arc::new(AtomicUsize::new(0));
    let count = answered.clone();
    let server = Server::start(move |_, seen| {
        count.fetch_add(1, Ordering::SeqCst);
        let reply = Reply::json(json!({"data": data(2), "pages": 1000}).to_string());
        if number(seen, "page") > 1 { reply.stalled_at(3) } else { reply }
    })
    .await;
    let total = Some(Total::Pages(body("pages")));
    let settings = in_data(Pagination::PageNumber {
        into: parameter("page"),
        first: 1,
        total,
        size: None,
        signal: None,
        carry: Vec::new(),
    });
    let client = server.client();
    let mut stream = pages(&client, Request::get("/x"), settings, Arc::default());
    stream.next().await.unwrap().unwrap();
    while answered.load(Ordering::SeqCst) < 9 {
        tokio::task::yield_now().await;
    }
    drop(stream);
    // All eight places are free again: eight requests that are answered get through.
    let metrics = ReadMetrics::default();
    for _ in 0..8 {
        client.send(&Request::get("/y"), &metrics).await.unwrap();
    }
}
