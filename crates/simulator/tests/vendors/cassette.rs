//! Recordings: what passes is kept without secrets and personal data, is served again, and is compared with the simulator.

use axum::Router;
use axum::http::{HeaderMap, Uri};
use axum::routing::get;
use lakeflow_interface::Secret;
use lakeflow_simulator::{Cassette, Drift, RecordedBody, Recorder, RecorderSettings, Replayer, SimulatorDefinition};
use serde_json::{Value, json};
use url::Url;

/// What must not be in a cassette, wherever it was: in paths, queries, headers and bodies, asked and answered.
const SENSITIVE: [&str; 19] = [
    "top-secret-token",
    "dG9wLXNlY3JldC10b2tlbg",
    "query-secret",
    "form-secret",
    "issued-access-token",
    "cookie-secret",
    "signed-url-secret",
    "ghp_1234567890abcdef",
    "eyJhbGciOiJIUzI1NiJ9",
    "userinfo-secret",
    "ada@lovelace.org",
    "ada%40lovelace.org",
    "grace@navy.mil",
    "Ada Lovelace",
    "adalove",
    "+44 20 7946 0000",
    "12 St James Square",
    "203.0.113.77",
    "my neighbour told me",
];

/// A live system that says much that nobody else may read.
async fn live() -> Url {
    let users = |headers: HeaderMap, uri: Uri| async move {
        assert!(headers.contains_key("authorization"), "the recorder passes credentials on");
        let page = if uri.query().is_some_and(|query| query.contains("page=2")) { 2 } else { 1 };
        let people: Vec<Value> = (0..25)
            .map(|n| {
                json!({
            "id": page * 100 + n, "name": "Ada Lovelace", "login": "adalove", "email": "ada@lovelace.org",
            "phone": "+44 20 7946 0000", "address": {"line1": "12 St James Square", "city": "London"},
            "last_ip": "203.0.113.77", "active": true, "score": 7,
            "html_url": "https://live.example/users/adalove?token=signed-url-secret&x=1",
            "note": "my neighbour told me", "api_key": "top-secret-token",
            "history": "write to grace@navy.mil, ghp_1234567890abcdef, eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            "home": "https://user:userinfo-secret@live.example/"})
            })
            .collect();
        let link = "<https://live.example/users?page=2&api_key=query-secret>; rel=\"next\"";
        let headers = [
            ("content-type", "application/json"),
            ("link", link),
            ("set-cookie", "s=cookie-secret"),
            ("x-ratelimit-remaining", "41"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        (axum::response::AppendHeaders(headers), json!({"users": people, "total": 50}).to_string())
    };
    let token = || async { json!({"access_token": "issued-access-token", "expires_in": 60}).to_string() };
    let refused =
        || async { (axum::http::StatusCode::FORBIDDEN, r#"{"message": "ada@lovelace.org may not see this"}"#) };
    let app = Router::new()
        .route("/users", get(users))
        .route("/users/adalove", get(users))
        .route("/token", axum::routing::post(token))
        .route("/forbidden", get(refused));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

/// The requests of a connector, sent to an address that stands in for the live system.
async fn requests(upstream: &Url) -> Vec<(u16, Value)> {
    let http = reqwest::Client::new();
    let mut answers = Vec::new();
    for path in [
        "/users?page=1&email=ada%40lovelace.org&api_key=query-secret",
        "/users?page=2&since=2026-01-01T00:00:00Z",
        "/users/adalove",
        "/forbidden",
    ] {
        let request = http.get(upstream.join(path).unwrap()).bearer_auth("top-secret-token");
        answers.push(answer(request.header("cookie", "s=cookie-secret")).await);
    }
    let form = http.post(upstream.join("/token").unwrap()).header("content-type", "application/x-www-form-urlencoded");
    answers.push(answer(form.body("grant_type=client_credentials&client_secret=form-secret")).await);
    answers
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
}

async fn recorded() -> (Vec<(u16, Value)>, Cassette) {
    let target = Some(live().await);
    let settings =
        RecorderSettings { target, secrets: vec![Secret::new("top-secret-token")], keep: 4, ..Default::default() };
    let recorder = Recorder::start(settings).await.unwrap();
    let answers = requests(recorder.url()).await;
    (answers, recorder.cassette())
}

#[tokio::test]
async fn nothing_secret_or_personal_survives_in_a_cassette() {
    let (_, cassette) = recorded().await;
    let text = cassette.to_text().unwrap();
    for sensitive in SENSITIVE {
        assert!(!text.contains(sensitive), "`{sensitive}` is in\n{text}");
    }
    for kept in
        ["\"score\": 7", "\"total\": 50", "x-ratelimit-remaining", "may not see this", "expires_in", "page", "users"]
    {
        assert!(text.contains(kept), "`{kept}` is not in\n{text}");
    }
}

#[tokio::test]
async fn passing_changes_nothing_and_only_the_recording_is_trimmed() {
    let (answers, cassette) = recorded().await;
    assert_eq!(answers[0].1["users"].as_array().unwrap().len(), 25);
    assert_eq!(answers[0].1["users"][0]["email"], "ada@lovelace.org");
    assert_eq!(answers[3].0, 403);
    assert_eq!(cassette.exchanges.len(), 5);
    let response = &cassette.exchanges[0].response;
    let RecordedBody::Json(body) = &response.body else { panic!("no JSON: {response:?}") };
    let ids: Vec<i64> =
        body.to_value()["users"].as_array().unwrap().iter().map(|user| user["id"].as_i64().unwrap()).collect();
    assert_eq!((ids, response.trimmed), (vec![100, 101, 102, 124], 21), "the first ones and the last");
}

/// A system whose pages name the next one by its whole address.
async fn naming_next_pages() -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let next = url.join("/pages?page=2").unwrap().to_string();
    let pages = move |uri: Uri| async move {
        let is_last = uri.query().is_some_and(|query| query.contains("page=2"));
        json!({"next_page": (!is_last).then_some(next), "rows": [1]}).to_string()
    };
    let app = Router::new().route("/pages", get(pages));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

#[tokio::test]
async fn next_page_that_a_body_names_passes_the_recorder_too() {
    let target = naming_next_pages().await;
    let settings = RecorderSettings { target: Some(target.clone()), ..Default::default() };
    let recorder = Recorder::start(settings).await.unwrap();
    let http = reqwest::Client::new();
    let (_, first) = answer(http.get(recorder.url().join("/pages").unwrap())).await;
    let (_, second) = answer(http.get(first["next_page"].as_str().unwrap())).await;
    assert_eq!(second, json!({"next_page": null, "rows": [1]}));
    let cassette = recorder.cassette();
    assert_eq!(cassette.exchanges.len(), 2, "both pages are kept");
    let RecordedBody::Json(body) = &cassette.exchanges[0].response.body else { panic!("no JSON") };
    let kept = body.to_value()["next_page"].as_str().unwrap().to_owned();
    assert_eq!(kept, target.join("/pages?page=2").unwrap().as_str(), "as the source wrote it");
}

#[tokio::test]
async fn same_person_is_the_same_everywhere() {
    let (_, cassette) = recorded().await;
    let RecordedBody::Json(body) = &cassette.exchanges[0].response.body else { panic!("no JSON") };
    let user = &body.to_value()["users"][0];
    assert_eq!(cassette.exchanges[2].request.path, format!("/users/{}", user["login"].as_str().unwrap()));
    assert!(user["html_url"].as_str().unwrap().contains(user["login"].as_str().unwrap()));
    assert_eq!(cassette.exchanges[0].request.query[1].1, user["email"].as_str().unwrap());
}

#[tokio::test]
async fn cassette_is_written_read_and_served_again() {
    let (answers, cassette) = recorded().await;
    let cassette = Cassette::parse(&cassette.to_text().unwrap()).unwrap();
    let replayer = Replayer::start(cassette, 0).await.unwrap();
    let http = reqwest::Client::new();
    let path = "/users?page=2&since=2027-05-05T00:00:00Z";
    let (status, second) = answer(http.get(replayer.url().join(path).unwrap())).await;
    assert_eq!(
        (status, &second["users"][0]["id"]),
        (200, &answers[1].1["users"][0]["id"]),
        "another instant is the same question"
    );
    assert_eq!(answer(http.get(replayer.url().join("/forbidden").unwrap())).await.0, 403);
    let response = http.get(replayer.url().join("/users?page=1&email=x&api_key=y").unwrap()).send().await.unwrap();
    assert!(response.headers()["link"].to_str().unwrap().contains("page=2"));
    assert_eq!(answer(http.get(replayer.url().join("/users?page=3&since=x").unwrap())).await.0, 404);
    assert_eq!(replayer.unknown_requests(), ["GET /users"]);
}

#[tokio::test]
async fn live_system_that_does_not_answer_is_a_bad_gateway_without_its_address() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let target = Some(Url::parse(&format!("http://{closed}")).unwrap());
    let recorder = Recorder::start(RecorderSettings { target, ..Default::default() }).await.unwrap();
    let request = reqwest::Client::new().get(recorder.url().join("/users?token=query-secret").unwrap());
    let (status, body) = answer(request).await;
    assert_eq!(status, 502);
    assert!(!body.to_string().contains("query-secret"));
}

#[test]
fn cassette_of_another_version_is_refused() {
    let error = Cassette::parse(r#"{"version": 9, "exchanges": []}"#).unwrap_err();
    assert_eq!(error.message(), "expected a cassette of version `1`, found version `9`");
}

#[tokio::test]
async fn drift_names_what_only_one_side_has_and_what_has_another_type() {
    let endpoints = "endpoints: [{path: /users, corpus: users, parameters: {page: page, per_page: {per_page: {default: 9, maximum: 9}}, \
        email: ignore}, response: {pagination: page_number, records_key: users, extras: {total: '{total}'}}}]";
    let users = r#"{"count": 3, "identity": "id", "record": {"id": {"$number": "n"}, "name": "x", "login": "x", "email": "x",
        "phone": "x", "address": {"line1": "x", "city": "x"}, "active": "yes", "score": 1, "html_url": "x", "note": "x",
        "api_key": "x", "history": "x", "home": "x", "extra": 1}}"#;
    let definition = SimulatorDefinition::parse([("endpoints.yaml", endpoints), ("corpus/users.json", users)]).unwrap();
    let schemas = [(
        "users".to_owned(),
        lakeflow_interface::ddl::parse("id BIGINT, active BOOLEAN, address STRUCT<line1: STRING, city: STRING>")
            .unwrap(),
    )]
    .into();
    let (_, cassette) = recorded().await;
    let drift = Drift::of(&cassette, &definition, &schemas).await.unwrap();
    let told: Vec<String> = drift
        .findings
        .iter()
        .map(|finding| format!("{} | {} | {}", finding.endpoint, finding.place, finding.difference))
        .collect();
    for expected in [
        "GET /users | active | a boolean, in the simulator a string",
        "GET /users | extra | only the simulator has it",
        "GET /users | last_ip | the simulator does not have it",
        "GET /users |  | the simulator does not know the parameter `since`",
        "POST /token |  | the simulator has no such endpoint",
        "GET /users | score | the schema of `users` does not have it",
    ] {
        assert!(told.iter().any(|found| found == expected), "{expected}\n{told:#?}");
    }
    assert!(!told.iter().any(|found| found.contains("address")), "{told:#?}");
    assert_eq!(drift.compared, 4);
}
