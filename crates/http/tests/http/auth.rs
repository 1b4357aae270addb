//! Credentials on requests, and tokens that are obtained, expire and are refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use lakeflow_http::auth::{ClientAuthentication, Grant, KeyPlace, OAuth};
use lakeflow_http::{Auth, Client, Request};
use lakeflow_interface::{ErrorKind, ReadMetrics, Secret};

use crate::server::{Reply, Server};

fn client(server: &Server, auth: Auth) -> Client {
    let mut settings = server.settings();
    settings.auth = auth;
    settings.concurrency = 50;
    Client::new(settings).unwrap()
}

fn oauth(server: &Server, grant: Grant) -> OAuth {
    OAuth {
        token_url: server.url.join("/oauth/token").unwrap(),
        client_id: "id".into(),
        client_secret: Some(Secret::new("geheim")),
        grant,
        scopes: vec!["read".into(), "list".into()],
        parameters: vec![("audience".into(), Secret::new("api"))],
        client_authentication: ClientAuthentication::Body,
    }
}

/// A server whose token endpoint gives `token0`, `token1`, …, of which only those from `first_valid` on are accepted.
async fn token_server(first_valid: usize) -> Server {
    let given = AtomicUsize::new(0);
    Server::start(move |_, seen| {
        if seen.target == "/oauth/token" {
            let number = given.fetch_add(1, Ordering::SeqCst);
            return Reply::json(format!(
                r#"{{"access_token":"token{number}","expires_in":"3600","refresh_token":"refresh{number}"}}"#
            ));
        }
        let token = seen.header("authorization").and_then(|value| value.strip_prefix("Bearer token"));
        match token.and_then(|number| number.parse::<usize>().ok()) {
            Some(number) if number >= first_valid => Reply::json("{}"),
            _ => Reply::status(401).body(r#"{"message":"token expired"}"#),
        }
    })
    .await
}

fn token_requests(server: &Server) -> Vec<String> {
    let requests = server.seen().into_iter().filter(|seen| seen.target == "/oauth/token");
    requests.map(|seen| seen.body).collect()
}

#[tokio::test]
async fn fixed_credentials_are_sent() {
    let server = Server::with_replies([Reply::json("{}")]).await;
    let basic = Auth::Basic { username: "user".into(), password: Secret::new("pass") };
    let in_header = Auth::ApiKey { place: KeyPlace::Header("x-api-key".into()), value: Secret::new("k") };
    for auth in [Auth::Bearer(Secret::new("t")), basic, in_header] {
        client(&server, auth).send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap();
    }
    let seen = server.seen();
    assert_eq!(seen[0].header("authorization"), Some("Bearer t"));
    assert_eq!(seen[1].header("authorization"), Some("Basic dXNlcjpwYXNz"));
    assert_eq!(seen[2].header("x-api-key"), Some("k"));
}

#[tokio::test]
async fn key_in_the_query_is_sent_once_and_not_shown() {
    let server = Server::with_replies([Reply::json("{}")]).await;
    let key = Auth::ApiKey { place: KeyPlace::Query("k".into()), value: Secret::new("a b") };
    let request = Request::get("/x?k=old&page=2");
    let response = client(&server, key).send(&request, &ReadMetrics::default()).await.unwrap();
    assert_eq!(server.seen()[0].target, "/x?page=2&k=a+b");
    assert_eq!(response.url().query(), Some("k=old&page=2"));
    assert!(format!("{response:?}").contains("/x?k=***&page=2"), "{response:?}");
}

#[tokio::test]
async fn credentials_that_http_cannot_carry_are_refused_at_once() {
    let mut settings = Server::with_replies([Reply::json("{}")]).await.settings();
    settings.auth = Auth::Bearer(Secret::new("geheim\n"));
    let error = Client::new(settings).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(!format!("{error:?}").contains("geheim"), "{error:?}");
}

#[tokio::test]
async fn token_is_obtained_once_for_concurrent_requests() {
    let server = token_server(0).await;
    let client = client(&server, Auth::OAuth(oauth(&server, Grant::ClientCredentials)));
    let (request, metrics) = (Request::get("/x"), ReadMetrics::default());
    let responses = join_all((0..50).map(|_| client.send(&request, &metrics))).await;
    assert!(responses.iter().all(Result::is_ok));
    let expected = "grant_type=client_credentials&scope=read+list&audience=api&client_id=id&client_secret=geheim";
    assert_eq!(token_requests(&server), [expected]);
}

#[tokio::test]
async fn expired_token_is_refreshed_once_under_concurrency() {
    let server = token_server(1).await;
    let client = client(&server, Auth::OAuth(oauth(&server, Grant::RefreshToken(Secret::new("refresh")))));
    let (request, metrics) = (Request::get("/x"), ReadMetrics::default());
    let responses = join_all((0..50).map(|_| client.send(&request, &metrics))).await;
    assert!(responses.iter().all(Result::is_ok));
    let refreshes: Vec<String> = token_requests(&server)
        .iter()
        .map(|body| body.split('&').find(|field| field.starts_with("refresh_token")).unwrap().to_owned())
        .collect();
    assert_eq!(refreshes, ["refresh_token=refresh", "refresh_token=refresh0"]);
}

#[tokio::test]
async fn token_that_is_refused_again_ends_after_one_refresh() {
    let server = token_server(9).await;
    let client = client(&server, Auth::OAuth(oauth(&server, Grant::ClientCredentials)));
    let error = client.send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap_err();
    assert_eq!((error.kind(), error.context("status")), (ErrorKind::Authentication, Some("401")));
    assert!(error.message().ends_with("token expired"), "{error}");
    assert_eq!((token_requests(&server).len(), server.count()), (2, 4));
}

#[tokio::test]
async fn fixed_token_that_is_refused_is_not_tried_again() {
    let server = token_server(9).await;
    let auth = Auth::Bearer(Secret::new("fixed"));
    let error = client(&server, auth).send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::Authentication, 1));
}

#[tokio::test]
async fn refusal_of_the_token_endpoint_is_told_in_its_words() {
    let refusal = r#"{"error":"invalid_grant","error_description":"the token was revoked"}"#;
    for status in [200, 400, 401] {
        let server = Server::with_replies([Reply::status(status).body(refusal)]).await;
        let mut settings = oauth(&server, Grant::RefreshToken(Secret::new("refresh")));
        settings.client_authentication = ClientAuthentication::Basic;
        let client = client(&server, Auth::OAuth(settings));
        let error = client.send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Authentication);
        let expected = format!("`POST {}oauth/token` gave no token: invalid_grant: the token was revoked", server.url);
        assert_eq!(error.message(), expected);
        assert_eq!(server.seen()[0].header("authorization"), Some("Basic aWQ6Z2VoZWlt"));
        assert!(!server.seen()[0].body.contains("geheim"));
    }
}

#[tokio::test]
async fn token_endpoint_that_is_down_for_a_moment_is_asked_again() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let server = Server::start(move |_, seen| match seen.target.as_str() {
        "/oauth/token" if count.fetch_add(1, Ordering::SeqCst) < 2 => Reply::status(503),
        "/oauth/token" => Reply::json(r#"{"access_token":"t"}"#),
        _ => Reply::json("{}"),
    })
    .await;
    let client = client(&server, Auth::OAuth(oauth(&server, Grant::ClientCredentials)));
    client.send(&Request::get("/x"), &ReadMetrics::default()).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}
