//! No message shows a secret, whatever goes wrong and whatever the server repeats of what it was sent.

use std::error::Error as _;
use std::time::Duration;

use lakeflow_http::auth::{ClientAuthentication, Grant, KeyPlace, OAuth};
use lakeflow_http::{Auth, Client, ClientSettings, Request, Url};
use lakeflow_interface::{Error, ReadMetrics, Secret};

use crate::server::{Reply, Server};

/// What the credentials are made of.
const SECRET: &str = "s3cr3t/ +value";

/// What a template may have put into headers, paths and queries.
const OTHER: &str = "0th3r/ +value";

fn auths(token_url: &Url) -> Vec<Auth> {
    let oauth = |grant, client_authentication| {
        Auth::OAuth(OAuth {
            token_url: token_url.clone(),
            client_id: "id".into(),
            client_secret: Some(Secret::new(SECRET)),
            grant,
            scopes: Vec::new(),
            parameters: vec![("assertion".into(), Secret::new(SECRET))],
            client_authentication,
        })
    };
    let key = |place| Auth::ApiKey { place, value: Secret::new(format!("Token {SECRET}")) };
    vec![
        Auth::None,
        Auth::Bearer(Secret::new(SECRET)),
        Auth::Basic { username: "user".into(), password: Secret::new(SECRET) },
        Auth::Basic { username: SECRET.into(), password: Secret::new("X") },
        key(KeyPlace::Header("x-key".into())),
        key(KeyPlace::Query("k".into())),
        oauth(Grant::ClientCredentials, ClientAuthentication::Body),
        oauth(Grant::RefreshToken(Secret::new(SECRET)), ClientAuthentication::Basic),
    ]
}

fn settings(server: &Server, auth: Auth) -> ClientSettings {
    let mut settings = server.settings();
    settings.auth = auth;
    settings.headers = vec![("x-other".into(), OTHER.into())];
    settings.secrets = vec![Secret::new(OTHER)];
    settings.retry.max_attempts = 2;
    settings.timeouts.read = Duration::from_millis(200);
    settings.rate_limit.patience = Duration::ZERO;
    settings
}

/// The parts of the secret in every encoding in which it could leak.
fn assert_hidden(shown: &str) {
    for form in ["s3cr3t", "0th3r", "czNjcjN0", "OnMzY3IzdC8gK3ZhbHVl", "c2VjcmV0"] {
        assert!(!shown.contains(form), "{form} in {shown}");
    }
}

fn assert_error_hidden(error: &Error) {
    let mut shown = format!("{error} {error:?} {:?}", error.hint());
    let mut cause = error.source();
    while let Some(inner) = cause {
        shown.push_str(&format!(" {inner} {inner:?}"));
        cause = inner.source();
    }
    assert_hidden(&shown);
}

#[tokio::test]
async fn no_error_shows_a_secret() {
    let faults: [fn(String) -> Reply; 9] = [
        |echo| Reply::status(401).body(echo),
        |echo| Reply::status(403).body(serde_json::json!({"message": echo}).to_string()),
        |echo| Reply::status(404).body(format!("<p>{echo}</p>")),
        |echo| Reply::status(422).body(serde_json::json!({"errors": [{"message": echo}]}).to_string()),
        |echo| Reply::status(429).header("retry-after", "60").body(echo),
        |echo| Reply::status(503).body(echo),
        |echo| Reply::status(302).header("location", format!("http://elsewhere.example/?token={}", echo.len())),
        |echo| Reply::json(echo).reset_at(5),
        |echo| Reply::json(echo).stalled_at(5),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        let server = Server::start(move |_, seen| match seen.target.as_str() {
            "/oauth/token" if number % 2 == 0 => Reply::json(r#"{"access_token":"s3cr3t-token"}"#),
            _ => fault(seen.echo()),
        })
        .await;
        for auth in auths(&server.url.join("/oauth/token").unwrap()) {
            let client = Client::new(settings(&server, auth)).unwrap();
            let encoded = "0th3r%2F+%2Bvalue";
            let request = Request::get(format!("/{encoded}/x?token={encoded}")).with_query("q", OTHER);
            let error = client.send(&request, &ReadMetrics::default()).await.unwrap_err();
            assert_error_hidden(&error);
            assert_hidden(&format!("{client:?}"));
        }
    }
}

#[tokio::test]
async fn page_that_is_not_json_shows_no_secret() {
    let server = Server::start(|_, seen| Reply::status(200).body(format!("<b>{}</b>", seen.echo()))).await;
    for auth in auths(&server.url).into_iter().take(6) {
        let client = Client::new(settings(&server, auth)).unwrap();
        let response = client.send(&Request::get("/x").with_query("q", OTHER), &ReadMetrics::default()).await.unwrap();
        assert_hidden(&format!("{response:?}"));
        assert_error_hidden(&response.into_page().await.unwrap_err());
    }
}

#[tokio::test]
async fn settings_show_no_secret() {
    let server = Server::with_replies([Reply::json("{}")]).await;
    let token_url = Url::parse("https://h.example/token?client_secret=s3cr3t").unwrap();
    for auth in auths(&token_url) {
        let mut settings = settings(&server, auth);
        settings.upstream = Some(Url::parse("https://user:s3cr3t@h.example/?key=s3cr3t").unwrap());
        assert_hidden(&format!("{settings:?}"));
        assert_error_hidden(&Client::new(settings).unwrap_err());
    }
}
