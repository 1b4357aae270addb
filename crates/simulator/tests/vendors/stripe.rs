//! Stripe: paging by the last record, forms that write, an events feed that tells of everything, expanded fields.

use lakeflow_simulator::Advance;
use serde_json::{Value, json};

use crate::support::{Vendor, column};

const ENDPOINTS: &str = r#"
auth: [bearer, basic_user]
strict: true
errors:
  invalid_parameter: {status: 400, body: {error: {type: invalid_request_error, param: "{parameter}", message: "{reason}"}}}
parameters:
  limit: {limit: {default: 10, maximum: 100}}
  starting_after: after_row
  ending_before: before_row
  "expand[]": {expand: {prefix: "data.", fields: {customer: customers}}}
endpoints:
  - {path: /v1/customers, corpus: customers, default_sort: created desc,
     parameters: {"expand[]": ignore, "created[gte]": {filter: {field: created, op: gte}}},
     response: &list {pagination: cursor, records_key: data, extras: {object: list, has_more: "{has_more}"}}}
  - {path: /v1/customers, method: POST, corpus: customers, action: create, write: {required: [email]}}
  - path: /v1/customers/{id}
    method: POST
    corpus: customers
    action: update
    path_parameters: &customer {id: {row: {of: customers, field: id}}}
  - path: /v1/customers/{id}
    method: DELETE
    corpus: customers
    action: delete
    path_parameters: *customer
    body: {id: "{id}", object: customer, deleted: true}
  - {path: "/v1/customers/{id}", corpus: customers, path_parameters: *customer, response: {single_entity: true}}
  - {path: /v1/charges, corpus: charges, default_sort: created desc, response: *list}
  - path: /v1/events
    corpus: events
    default_sort: created desc
    parameters:
      type: {filter: {field: type, op: like}}
      "types[]": {filter: {field: type, op: in}}
      "expand[]": ignore
    response: *list
"#;

const CUSTOMERS: &str = r#"{"count": 25, "identity": "id", "cursor": "created", "record": {
    "id": "cus_{n:08}", "object": "customer", "created": {"$timestamp": ["-90d", "-1d"], "format": "epoch_seconds"},
    "email": "user{n}@example.com", "name": {"$words": [1, 2]}, "metadata": {"order": null}},
    "changes": {"name": {"$words": [3, 3]}}, "deleted": {"deleted": true}}"#;

const CHARGES: &str = r#"{"count": 8, "identity": "id", "cursor": "created", "record": {
    "id": "ch_{n:08}", "created": {"$timestamp": ["-20d", "-1d"], "format": "epoch_seconds"},
    "customer": {"$row": "customers", "field": "id"}}}"#;

const EVENTS: &str = r#"{"count": 6, "identity": "id", "cursor": "created",
    "feed": {"customers": {"created": "customer.created", "changed": "customer.updated", "deleted": "customer.deleted"},
             "charges": {"created": "charge.succeeded"}},
    "record": {"id": "evt_{n:08}", "created": {"$timestamp": ["-30d", "-1h"], "format": "epoch_seconds"},
      "type": {"$event": "name"}, "about": "{type} of {subject.id}", "data": {"object": {"$field": "subject"}}}}"#;

async fn stripe() -> Vendor {
    Vendor::start(ENDPOINTS, &[("customers", CUSTOMERS), ("charges", CHARGES), ("events", EVENTS)]).await
}

async fn all(stripe: &Vendor, path: &str) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    loop {
        let after = ids.last().map(|id| format!("&starting_after={id}")).unwrap_or_default();
        let page = stripe.get(&format!("{path}?limit=7{after}")).await;
        ids.extend(column(&page["data"], "id"));
        if page["has_more"] == false {
            return ids;
        }
    }
}

#[tokio::test]
async fn pages_by_last_record_give_every_row_once_newest_first() {
    let stripe = stripe().await;
    let mut expected = column(&Value::Array(stripe.rows("customers")), "id");
    expected.reverse();
    assert_eq!(all(&stripe, "/v1/customers").await, expected);
}

#[tokio::test]
async fn page_before_a_row_is_the_last_one_before_it() {
    let stripe = stripe().await;
    let page = stripe.get("/v1/customers?limit=3&ending_before=cus_00000010").await;
    assert_eq!(column(&page["data"], "id"), ["cus_00000013", "cus_00000012", "cus_00000011"]);
    assert_eq!(page["has_more"], true);
}

#[tokio::test]
async fn unknown_row_and_unknown_parameter_are_refused_as_the_vendor_does() {
    let stripe = stripe().await;
    for (query, parameter) in [("starting_after=cus_x", "starting_after"), ("lmit=3", "lmit"), ("limit=500", "limit")] {
        let (status, body) = stripe.ask("GET", &format!("/v1/customers?{query}"), None).await;
        assert_eq!((status, &body["error"]["param"]), (400, &parameter.into()), "{body}");
    }
}

#[tokio::test]
async fn written_rows_are_read_back_and_told_by_the_feed() {
    let stripe = stripe().await;
    let post = |path: &str, form: &str| {
        let request = stripe.request("POST", path).header("content-type", "application/x-www-form-urlencoded");
        request.body(form.to_owned()).send()
    };
    let response = post("/v1/customers", "email=new%40example.com&metadata[order]=7").await.unwrap();
    assert_eq!(response.status(), 200);
    let created: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    let id = created["id"].as_str().unwrap();
    assert_eq!(
        (id, &created["email"], &created["metadata"]["order"]),
        ("cus_00000026", &"new@example.com".into(), &"7".into())
    );
    post(&format!("/v1/customers/{id}"), "name=Renamed").await.unwrap();
    let found = stripe.get(&format!("/v1/customers/{id}")).await;
    assert_eq!((&found["name"], &found["email"]), (&"Renamed".into(), &"new@example.com".into()));
    let (status, deleted) = stripe.ask("DELETE", &format!("/v1/customers/{id}"), None).await;
    assert_eq!((status, deleted), (200, json!({"id": id, "object": "customer", "deleted": true})));
    assert_eq!(stripe.ask("GET", &format!("/v1/customers/{id}"), None).await.0, 404);
    let events = stripe.get("/v1/events?limit=3").await;
    assert_eq!(column(&events["data"], "type"), ["customer.deleted", "customer.updated", "customer.created"]);
    let objects: Vec<&Value> =
        events["data"].as_array().unwrap().iter().map(|event| &event["data"]["object"]).collect();
    assert_eq!(objects[0]["deleted"], true);
    assert_eq!((&objects[1]["name"], &objects[2]["email"]), (&"Renamed".into(), &"new@example.com".into()));
    assert_ne!(objects[2]["name"], "Renamed");
}

#[tokio::test]
async fn required_field_that_is_missing_is_refused() {
    let (status, body) = stripe().await.post("/v1/customers", json!({"name": "x"})).await;
    assert_eq!((status, &body["error"]["param"]), (400, &"email".into()));
}

#[tokio::test]
async fn feed_tells_every_step_of_a_row_as_it_was_then() {
    let stripe = stripe().await;
    let before = stripe.get("/v1/customers/cus_00000003").await;
    for _ in 0..2 {
        stripe.simulator.advance(&Advance::new().change("customers", "cus_00000003")).unwrap();
    }
    stripe.simulator.advance(&Advance::new().delete("customers", "cus_00000003").table("charges", 1, 0, 0)).unwrap();
    let events = stripe.get("/v1/events?type=customer.*&limit=3").await;
    assert_eq!(column(&events["data"], "about")[0], "customer.deleted of cus_00000003");
    let names = ["data", "data", "data"].iter().enumerate().map(|(n, _)| &events["data"][n]["data"]["object"]["name"]);
    let names: Vec<&Value> = names.collect();
    assert_ne!(names[1], names[2], "the two changes differ");
    assert_ne!(names[2], &before["name"]);
    let some = stripe.get("/v1/events?types[]=charge.succeeded&types[]=customer.deleted&limit=100").await;
    let types = column(&some["data"], "type");
    assert!(types.contains(&"charge.succeeded".to_owned()) && !types.contains(&"customer.updated".to_owned()));
}

#[tokio::test]
async fn feed_has_events_from_the_start_about_rows_that_exist() {
    let stripe = stripe().await;
    let events = stripe.rows("events");
    assert_eq!(events.len(), 6);
    let customers = column(&Value::Array(stripe.rows("customers")), "id");
    let about_customers = events.iter().filter(|event| event["type"] == "customer.created");
    for event in about_customers {
        assert!(customers.contains(&event["data"]["object"]["id"].as_str().unwrap().to_owned()), "{event}");
    }
}

#[tokio::test]
async fn identity_is_expanded_to_its_row() {
    let stripe = stripe().await;
    let plain = stripe.get("/v1/charges?limit=1").await;
    let expanded = stripe.get("/v1/charges?limit=1&expand[]=data.customer").await;
    assert_eq!(expanded["data"][0]["customer"]["id"], plain["data"][0]["customer"]);
    assert_eq!(expanded["data"][0]["customer"]["object"], "customer");
}
