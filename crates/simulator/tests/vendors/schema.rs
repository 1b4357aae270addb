//! Corpora from schemas: every column has a value somewhere, of its type, the same for the same seed.

use lakeflow_interface::ddl;
use lakeflow_simulator::{Schemas, SimulatorDefinition};
use serde_json::Value;

use crate::support::Vendor;

const ENDPOINTS: &str =
    "endpoints: [{path: /orders, corpus: orders, parameters: {since: {filter: {field: updatedAt, op: gte}}}}]";

const DDL: &str = "id BIGINT NOT NULL, number STRING, createdAt TIMESTAMP, updatedAt TIMESTAMP NOT NULL, due DATE, \
    status STRING, totalPrice DECIMAL(12, 2), quantity INT, weight DOUBLE, isPaid BOOLEAN, customer_id BIGINT, \
    customer STRUCT<id: BIGINT, email: STRING NOT NULL, website: STRING>, \
    lines ARRAY<STRUCT<id: BIGINT, name: STRING, tags: ARRAY<STRING>>>, attributes MAP<STRING, STRING>, raw VARIANT, \
    picture BINARY, `$kind` STRING, seconds BIGINT";

const CORPUS: &str = r#"{"count": 60, "identity": "id", "cursor": "updatedAt", "record": {"$schema": "orders",
    "with": {"customer_id": {"$number": "n % 5"}, "customer.email": "mail{n}@example.org", "lines[].name": "line {i}", "extra": 1},
    "without": ["number", "customer.website"]}}"#;

fn schemas() -> Schemas {
    [("orders".to_owned(), ddl::parse(DDL).unwrap())].into()
}

fn definition(corpus: &str) -> SimulatorDefinition {
    let files = [("endpoints.yaml", ENDPOINTS), ("corpus/orders.json", corpus)];
    SimulatorDefinition::parse_with_schemas(files, &schemas()).unwrap_or_else(|error| panic!("{error:?}"))
}

#[tokio::test]
async fn every_column_is_filled_somewhere_and_null_somewhere_where_it_may_be() {
    let rows = Vendor::serve(&definition(CORPUS)).await.rows("orders");
    for path in [
        "/id",
        "/createdAt",
        "/updatedAt",
        "/due",
        "/status",
        "/totalPrice",
        "/quantity",
        "/weight",
        "/isPaid",
        "/customer/id",
        "/customer/email",
        "/lines/0/id",
        "/lines/0/tags/0",
        "/attributes/first",
        "/raw/kind",
        "/picture",
        "/$kind",
        "/seconds",
    ] {
        assert!(rows.iter().any(|row| row.pointer(path).is_some_and(|value| !value.is_null())), "{path}");
    }
    assert!(rows.iter().all(|row| row["updatedAt"].is_string() && row["id"].is_i64()));
    assert!(rows.iter().any(|row| row["status"].is_null()) && rows.iter().any(|row| row["customer"].is_null()));
}

#[tokio::test]
async fn what_is_written_by_hand_replaces_what_the_schema_gives() {
    let rows = Vendor::serve(&definition(CORPUS)).await.rows("orders");
    for (row, n) in rows.iter().zip(1..) {
        assert_eq!((&row["customer_id"], &row["extra"]), (&Value::from(n % 5), &1.into()));
        assert!(row.get("number").is_none());
        if let Some(customer) = row["customer"].as_object() {
            assert_eq!(customer["email"], format!("mail{n}@example.org"));
            assert!(!customer.contains_key("website"));
        }
        for (line, i) in row["lines"].as_array().unwrap().iter().zip(1..) {
            assert_eq!(line["name"], format!("line {i}"));
        }
    }
}

#[tokio::test]
async fn corpus_without_a_record_takes_the_schema_of_its_table() {
    let vendor = Vendor::serve(&definition(r#"{"count": 5, "identity": "id", "cursor": "updatedAt"}"#)).await;
    assert_eq!(vendor.rows("orders")[0].as_object().unwrap().len(), schemas()["orders"].fields().len());
    let since = vendor.rows("orders")[3]["updatedAt"].as_str().unwrap().to_owned();
    assert_eq!(vendor.get(&format!("/orders?since={since}")).await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn instants_are_written_as_the_corpus_says() {
    let corpus = r#"{"count": 5, "identity": "id", "cursor": "updatedAt", "record": {"$schema": null, "timestamps": "epoch_millis"}}"#;
    let rows = Vendor::serve(&definition(corpus)).await.rows("orders");
    assert!(rows.iter().all(|row| row["updatedAt"].as_i64() > Some(1_600_000_000_000)), "{rows:?}");
}

#[test]
fn schema_that_is_not_there_is_explained() {
    let files = |corpus: &'static str| [("endpoints.yaml", ENDPOINTS), ("corpus/orders.json", corpus)];
    let corpus = r#"{"count": 5, "identity": "id", "record": {"$schema": "order"}}"#;
    let error = SimulatorDefinition::parse_with_schemas(files(corpus), &schemas()).unwrap_err();
    assert_eq!(error.hint(), Some("did you mean `orders`? valid: `orders`"), "{error:?}");
    let error = SimulatorDefinition::parse(files(corpus)).unwrap_err();
    assert!(error.to_string().contains("needs the schemas"), "{error:?}");
}
