//! Shopify: a cursor in a `Link` header that forbids other parameters; GitHub: long lists by cursor.

use lakeflow_simulator::{Advance, Simulator, SimulatorDefinition, SimulatorSettings};
use serde_json::Value;

use crate::support::{Vendor, column, now};

const ENDPOINTS: &str = r#"
auth: [{api_key_header: X-Shopify-Access-Token}, bearer]
rate_limit: {requests: 40, window: 20s, used_of_limit_header: X-Shopify-Shop-Api-Call-Limit}
errors: {invalid_parameter: {status: 400, body: {errors: "{reason}"}}}
parameters:
  limit: {limit: {default: 50, maximum: 250}}
  page_info: {cursor: {alone_with: [limit, fields]}}
  fields: {select: {}}
endpoints:
  - path: /admin/api/orders.json
    corpus: orders
    default_sort: id
    parameters:
      updated_at_min: {filter: {field: updated_at, op: gte}}
      order: {sort: {fields: {updated_at: updated_at, id: id}}}
      status: {filter: {field: status, default: open, off: any}}
    response: {pagination: link_header, records_key: orders}
  - {path: /admin/api/events.json, corpus: events, default_sort: created_at, response: {pagination: link_header, records_key: events}}
  - path: /issues
    corpus: orders
    parameters: {page: page, after: {cursor: {}}, page_info: ignore}
    response: {pagination: link_header}
"#;

const ORDERS: &str = r#"{"count": 30, "identity": "id", "cursor": "updated_at", "record": {"id": {"$number": "n"},
    "status": {"$choice": ["open", "closed"]}, "updated_at": {"$timestamp": ["-30d", "-1h"], "format": "rfc3339_offset"}}}"#;

const EVENTS: &str = r#"{"count": 2, "identity": "id", "cursor": "created_at", "feed": {"orders": {"deleted": "destroy"}},
    "record": {"id": {"$number": "n"}, "subject_id": {"$field": "subject.id"}, "verb": {"$event": "name"},
      "subject_type": {"$event": "corpus"}, "created_at": {"$timestamp": ["-3d", "-1h"]}}}"#;

async fn shopify() -> Vendor {
    Vendor::start(ENDPOINTS, &[("orders", ORDERS), ("events", EVENTS)]).await
}

async fn page(shopify: &Vendor, url: &str) -> (Value, Option<String>) {
    let response = shopify.request("GET", url).send().await.unwrap();
    assert_eq!(response.status(), 200, "{url}");
    let link = response.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
    let next = link.map(|link| {
        assert!(link.ends_with("; rel=\"next\""), "{link}");
        link.split(['<', '>']).nth(1).unwrap().to_owned()
    });
    (serde_json::from_slice(&response.bytes().await.unwrap()).unwrap(), next)
}

#[tokio::test]
async fn cursor_remembers_filters_and_order_and_stands_alone() {
    let shopify = shopify().await;
    let (first, next) =
        page(&shopify, "/admin/api/orders.json?limit=8&status=any&order=updated_at%20desc&fields=id").await;
    assert_eq!(column(&first["orders"], "id"), (23..=30).rev().map(|id| id.to_string()).collect::<Vec<_>>());
    assert_eq!(first["orders"][0].as_object().unwrap().len(), 1);
    let next = next.unwrap();
    assert!(!next.contains("status=") && !next.contains("order="), "{next}");
    let (second, _) = page(&shopify, &next).await;
    assert_eq!(column(&second["orders"], "id")[0], "22");
    let (status, body) = shopify.ask("GET", &format!("{next}&status=any"), None).await;
    assert_eq!((status, body["errors"].as_str().unwrap()), (400, "`status` cannot stand beside `page_info`"));
}

#[tokio::test]
async fn last_page_has_no_link_and_budget_is_told_as_used_of_limit() {
    let shopify = shopify().await;
    assert_eq!(page(&shopify, "/admin/api/orders.json?status=any").await.1, None);
    let response = shopify.request("GET", "/admin/api/orders.json").send().await.unwrap();
    assert!(response.headers()["x-shopify-shop-api-call-limit"].to_str().unwrap().starts_with("2/"));
}

#[tokio::test]
async fn only_deletions_are_told_where_only_they_have_a_name() {
    let shopify = shopify().await;
    shopify.simulator.advance(&Advance::new().delete("orders", 4).table("orders", 1, 1, 0)).unwrap();
    let events = shopify.get("/admin/api/events.json").await;
    let rows = events["events"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(
        (&rows[2]["subject_id"], &rows[2]["verb"], &rows[2]["subject_type"]),
        (&4.into(), &"destroy".into(), &"orders".into())
    );
    assert!(
        rows[..2].iter().all(|event| event["subject_id"].as_i64() > Some(30)),
        "who was deleted before was never listed"
    );
}

#[tokio::test]
async fn numbered_pages_become_cursors_where_the_simulator_is_told_so() {
    let files = [("endpoints.yaml", ENDPOINTS), ("corpus/orders.json", ORDERS), ("corpus/events.json", EVENTS)];
    let definition = SimulatorDefinition::parse(files).unwrap();
    for cursor_links in [false, true] {
        let settings = SimulatorSettings { now: Some(now()), cursor_links, ..SimulatorSettings::default() };
        let simulator = Simulator::start(&definition, settings).await.unwrap();
        let vendor = Vendor { simulator, http: reqwest::Client::new() };
        let response = vendor.request("GET", "/issues?limit=10").send().await.unwrap();
        let link = response.headers()["link"].to_str().unwrap();
        assert_eq!((link.contains("after="), link.contains("rel=\"last\"")), (cursor_links, !cursor_links), "{link}");
    }
}
