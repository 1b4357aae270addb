//! Where records are, and what they get from around them.

use crate::scripted::{Scripted, json, read, rows, status};
use axum::response::IntoResponse;
use lakeflow_interface::ErrorKind;
use serde_json::json;

fn table(words: &str, schema: &str) -> String {
    format!(
        "tables:\n  rows:\n    ingestion_type: snapshot\n    primary_keys: [id]\n    request: /rows\n{words}\n    \
         schema: {schema}\n"
    )
}

#[tokio::test]
async fn nested_records_are_exploded_with_fields_from_around_them() {
    let source = Scripted::start(|_| {
        json(json!({"account": "a", "events": [
            {"ticket": 7, "at": {"s": 1}, "parts": [{"id": 1, "kind": "note"}, {"id": 2, "kind": "change"}]},
            {"ticket": 8, "parts": []}, {"ticket": 9},
            {"ticket": 10, "at": null, "parts": [{"kind": "note", "id": 3, "ticket": "own"}]}
        ]}))
    })
    .await;
    let words = "    records: \"$.events[*].parts[?@.kind == 'note']\"\n    \
                 add_fields: {ticket: $parent.ticket, at: $parent.at, account: $page.account, copy: $.id}";
    let schema = "id BIGINT, ticket BIGINT, at STRING, account STRING, copy BIGINT, kind STRING";
    let items = read(&source.connect(&table(words, schema)), "rows", "{}").await.unwrap();
    assert_eq!(
        rows(&items),
        [
            r#"+{"id":1,"kind":"note","account":"a","at":{"s":1},"copy":1,"ticket":7}"#,
            r#"+{"id":3,"kind":"note","ticket":"own","account":"a","at":null,"copy":3,"ticket":10}"#,
        ]
    );
}

#[tokio::test]
async fn values_of_an_object_are_records_and_their_keys_a_column() {
    let source = Scripted::start(|_| json(json!({"users": {"a \"b\"": {"n": 1}, "c": {}}}))).await;
    let words = "    records: {path: $.users, keyed_by: id}";
    let items = read(&source.connect(&table(words, "id STRING, n BIGINT")), "rows", "{}").await.unwrap();
    assert_eq!(rows(&items), [r#"+{"n":1,"id":"a \"b\""}"#, r#"+{"id":"c"}"#]);
}

#[tokio::test]
async fn arrays_side_by_side_are_columns() {
    let source = Scripted::start(|_| json(json!({"data": {"x": ["d1", "d2"], "series": [[1, 2], [3, 4]]}}))).await;
    let words = "    records: {columns: {id: $.data.x, n: \"$.data.series[1]\"}}";
    let items = read(&source.connect(&table(words, "id STRING, n BIGINT")), "rows", "{}").await.unwrap();
    assert_eq!(rows(&items), [r#"+{"id":"d1","n":3}"#, r#"+{"id":"d2","n":4}"#]);
    let source = Scripted::start(|_| json(json!({"data": {"x": ["d1"], "series": [[], []]}}))).await;
    let error = read(&source.connect(&table(words, "id STRING, n BIGINT")), "rows", "{}").await.unwrap_err();
    assert_eq!(error.message(), "expected 1 elements for the column `n`, found 0");
}

#[tokio::test]
async fn body_tells_errors_apart() {
    let mut count = 0;
    let source = Scripted::start(move |asked| {
        count += 1;
        match asked.path.as_str() {
            "/rows" if count == 1 => status(400, json!({"code": "not_ready"})),
            "/rows" => json(json!([{"id": 1}])),
            "/off" => status(400, json!({"code": "off"})),
            "/refused" => json(json!({"ok": false, "error": "no_scope"})),
            _ => status(400, json!({"code": "other"})),
        }
    })
    .await;
    let rules = "    errors:\n      400: [{when: $.code == 'not_ready', then: retry}, {when: $.code == 'off', then: skip}]\n      \
                 200: [{when: $.ok == false, then: {fail: \"ask for the scope\"}}]";
    let of = |path: &str| source.connect(&table(rules, "id BIGINT").replace("/rows", path));
    assert_eq!(rows(&read(&of("/rows"), "rows", "{}").await.unwrap()), [r#"+{"id":1}"#]);
    assert_eq!(rows(&read(&of("/off"), "rows", "{}").await.unwrap()), [""; 0]);
    let error = read(&of("/refused"), "rows", "{}").await.unwrap_err();
    assert_eq!(error.hint(), Some("ask for the scope"));
    let error = read(&of("/else"), "rows", "{}").await.unwrap_err();
    assert_eq!(error.context("status"), Some("400"));
}

#[tokio::test]
async fn lists_repeat_parameters_and_values_keep_their_type_in_a_body() {
    let source = Scripted::start(|_| json(json!([]))).await;
    let words = "    options: [{n: {type: integer, default: 3}}]";
    let text = table(words, "id BIGINT").replace(
        "request: /rows",
        "request: {method: post, path: /rows, params: {\"expand[]\": [a, b], \"e[]\": \"{{ 'x,y' | split(',') }}\"}, \
         body: {n: \"{{ options.n }}\", text: \"n is {{ options.n }}\", list: \"{{ [options.n, 4] }}\"}}",
    );
    read(&source.connect(&text), "rows", "{}").await.unwrap();
    let asked = source.take().remove(0);
    let query: Vec<String> = asked.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(query, ["e[]=x", "e[]=y", "expand[]=a", "expand[]=b"]);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&asked.body).unwrap(),
        json!({"n": 3, "text": "n is 3", "list": [3, 4]})
    );
}

#[tokio::test]
async fn hostile_answers_end_with_an_error() {
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let source = Scripted::start(move |asked| match asked.path.as_str() {
        "/deep" => deep.clone().into_response(),
        "/circle" => json(json!({"next": "/circle", "items": [{"id": 1}]})),
        _ => json(json!({"next": "http://169.254.169.254/latest", "items": [{"id": 1}]})),
    })
    .await;
    for path in ["/deep", "/circle", "/elsewhere"] {
        let words = "    records: $.items\n    pagination: {next_url: {next: $.next}}";
        let text = table(words, "id BIGINT").replace("/rows", path);
        let error = read(&source.connect(&text), "rows", "{}").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadResponse, "{path}: {error:?}");
    }
}
