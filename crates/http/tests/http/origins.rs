//! Credentials stay at the origin of the connection.

use futures::StreamExt;
use lakeflow_http::{Auth, Client, PageSettings, Pagination, Request, pages};
use lakeflow_interface::{ErrorKind, ReadMetrics, Secret};

use crate::server::{Reply, Server, hasty};

fn with_token(server: &Server) -> Client {
    let mut settings = server.settings();
    settings.auth = Auth::Bearer(Secret::new("geheim"));
    settings.headers = vec![("x-key".into(), "geheim".into())];
    Client::new(settings).unwrap()
}

#[tokio::test]
async fn redirect_within_the_origin_is_followed_with_credentials() {
    for status in [301, 302, 303, 307, 308] {
        let server = Server::start(move |_, seen| match seen.target.as_str() {
            "/old" => Reply::status(status).header("location", "/new?page=1"),
            _ => Reply::json("{}"),
        })
        .await;
        let response = with_token(&server).send(&Request::get("/old"), &ReadMetrics::default()).await.unwrap();
        assert_eq!(response.url().path(), "/new");
        assert_eq!(server.seen()[1].header("authorization"), Some("Bearer geheim"));
    }
}

#[tokio::test]
async fn redirect_decides_whether_a_post_stays_one() {
    for (status, method, body) in [(303, "GET", ""), (308, "POST", r#"{"a":1}"#)] {
        let server = Server::start(move |number, _| match number {
            0 => Reply::status(status).header("location", "/new"),
            _ => Reply::json("{}"),
        })
        .await;
        let request = Request::post("/old").with_json(serde_json::json!({"a": 1}));
        with_token(&server).send(&request, &ReadMetrics::default()).await.unwrap();
        assert_eq!((server.seen()[1].method.as_str(), server.seen()[1].body.as_str()), (method, body));
    }
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let server = Server::with_replies([Reply::status(302).header("location", "/x")]).await;
    let error = with_token(&server).send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::BadResponse, 11));
    assert!(error.message().ends_with("was redirected more than 10 times"), "{error}");
}

#[tokio::test]
async fn redirect_to_another_host_is_refused_unless_the_request_allows_it() {
    let other = Server::with_replies([Reply::json("{}")]).await;
    let location = other.url.join("/file?signature=abc").unwrap();
    let server = Server::with_replies([Reply::status(302).header("location", location)]).await;
    let client = with_token(&server);
    let error = client.send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap_err();
    let origins = [&server.url, &other.url].map(|url| url.origin().ascii_serialization());
    let expected = format!("expected redirect at `{}`, found one at `{}`", origins[0], origins[1]);
    assert_eq!((error.kind(), error.message()), (ErrorKind::BadResponse, expected.as_str()));
    assert_eq!(other.count(), 0);

    let request = Request::get("/x").with_header("x-request", "geheim").following_redirects_elsewhere();
    client.send(&request, &ReadMetrics::default()).await.unwrap();
    assert_eq!(other.count(), 1);
    assert!(!other.seen()[0].echo().contains("geheim"), "{}", other.seen()[0].echo());
    assert_eq!(other.seen()[0].target, "/file?signature=abc");
}

#[tokio::test]
async fn next_link_to_another_host_is_refused() {
    let other = Server::with_replies([Reply::json("[]")]).await;
    let link = format!("<{}steal>; rel=\"next\"", other.url);
    let server = Server::with_replies([Reply::json("[1]").header("link", link)]).await;
    let settings = PageSettings::new(Pagination::LinkHeader { rel: "next".into() });
    let stream = pages(&with_token(&server), Request::get("/x"), settings, Default::default());
    let results: Vec<_> = stream.collect().await;
    let error = results.last().unwrap().as_ref().unwrap_err();
    assert!(error.message().starts_with("expected link at `http://127.0.0.1:"), "{error}");
    assert_eq!(other.count(), 0);
}

#[tokio::test]
async fn upstream_stands_in_for_the_origin() {
    let server = Server::start(|number, seen| match number {
        0 => Reply::json("[1]")
            .header("link", format!("<http://{}/v1/x?page=2>; rel=\"next\"", seen.header("host").unwrap())),
        1 => Reply::json("[2]").header("link", "<https://api.example:8443/v1/x?page=3>; rel=\"next\""),
        2 => Reply::status(302).header("location", "/v1/y"),
        _ => Reply::json("[3]"),
    })
    .await;
    let mut settings = hasty("https://api.example:8443/v1".parse().unwrap());
    settings.upstream = Some(server.url.clone());
    settings.auth = Auth::Bearer(Secret::new("geheim"));
    let client = Client::new(settings).unwrap();
    let by_link = PageSettings::new(Pagination::LinkHeader { rel: "next".into() });
    let pages: Vec<_> = pages(&client, Request::get("/x"), by_link, Default::default()).collect().await;
    let addresses: Vec<String> = pages.into_iter().map(|page| page.unwrap().url.into()).collect();
    let expected = ["x", "x?page=2", "y"].map(|rest| format!("https://api.example:8443/v1/{rest}"));
    assert_eq!(addresses, expected);
    for seen in server.seen() {
        assert_eq!(seen.header("x-forwarded-host"), Some("api.example:8443"));
        assert_eq!(seen.header("authorization"), Some("Bearer geheim"));
    }
}
