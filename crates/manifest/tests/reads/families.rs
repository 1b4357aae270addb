//! Tables that stand for several, tables and columns that the source tells of, deletes of their own, test rows.

use crate::scripted::{Scripted, context, end, items, json, options, read, rows, status};
use lakeflow_interface::{Offset, ddl};
use serde_json::json;

#[tokio::test]
async fn one_description_stands_for_tables_that_differ_in_words() {
    let source = Scripted::start(|asked| json(json!([{"id": asked.path}]))).await;
    let connector = source.connect(
        "tables:\n  any:\n    each: {installs: {report: in}, uninstalls: {report: un}}\n    ingestion_type: snapshot\n    \
         primary_keys: [id]\n    request: /{{ table.report }}\n    add_columns: {report: \"{{ table.report }}\"}\n    \
         schema: id STRING, report STRING\n",
    );
    assert_eq!(connector.list_tables().await.unwrap(), ["installs", "uninstalls"]);
    assert_eq!(rows(&read(&connector, "uninstalls", "{}").await.unwrap()), [r#"+{"id":"/un"}"#]);
}

const DISCOVERED: &str = "
types: {money: \"DECIMAL(18,2)\"}
tables:
  custom:
    discovery:
      tables: {request: /schemas, records: $.results, name: $.name, as: {type: $.id}, where: $.archived != true}
      columns:
        request: /properties/{{ table.type }}
        records: $.results
        name: $.name
        type: $.type
        types: {number: DOUBLE, price: money}
        otherwise: STRING
        comment: $.label
        into: properties
    ingestion_type: snapshot
    primary_keys: [id]
    request: {path: \"/objects/{{ table.type }}\", params: {properties: \"{{ discovered.columns | join(',') }}\"}}
    schema: id STRING NOT NULL
";

#[tokio::test]
async fn tables_and_columns_are_what_the_source_tells() {
    let source = Scripted::start(|asked| match asked.path.as_str() {
        "/schemas" => json(json!({"results": [
            {"name": "My Cars", "id": "2-1"}, {"name": "old", "id": "2-2", "archived": true}
        ]})),
        "/properties/2-1" => json(json!({"results": [
            {"name": "seats", "type": "number", "label": "Seats"}, {"name": "cost", "type": "price"}, {"name": "x", "type": "?"}
        ]})),
        "/objects/2-1" => json(json!([{"id": "1", "properties": {"seats": "4"}}])),
        _ => status(404, json!({})),
    })
    .await;
    let connector = source.connect(DISCOVERED);
    assert_eq!(connector.list_tables().await.unwrap(), ["my_cars"]);
    let schema = connector.get_table_schema("my_cars", &options(&[])).await.unwrap();
    assert_eq!(
        ddl::to_ddl(&schema),
        "id STRING NOT NULL, properties STRUCT<seats: DOUBLE COMMENT 'Seats', cost: DECIMAL(18,2), x: STRING>"
    );
    read(&connector, "my_cars", "{}").await.unwrap();
    assert_eq!(source.requests(), ["/schemas", "/properties/2-1", "/objects/2-1?properties=seats,cost,x"]);
    let error = connector.get_table_schema("my_car", &options(&[])).await.unwrap_err();
    assert!(error.hint().unwrap().contains("my_cars"), "{error:?}");
}

const DELETES: &str = "
tables:
  rows:
    ingestion_type: cdc_with_deletes
    primary_keys: [id]
    cursor_field: at
    request: {path: /rows, params: {archived: \"false\"}}
    incremental: {from: since, order: ascending}
    deletes:
      request: {path: /rows, params: {archived: \"true\"}}
      records: $.results
      add_fields: {at: $.archived_at}
    schema: id STRING NOT NULL, at TIMESTAMP
    write_back:
      values: {name: \"Test {{ test.id }}\"}
      insert: {method: post, path: /rows, body: {name: \"{{ values.name }}\"}}
      row: $.row
      update: {method: patch, path: \"/rows/{{ row.id }}\", form: {name: \"{{ values.name }}\"}}
      delete: {method: delete, path: \"/rows/{{ row.id }}\"}
      columns: {name: properties.name}
";

#[tokio::test]
async fn deletes_of_their_own_are_handed_on_once() {
    let source = Scripted::start(|_| {
        json(json!({"results": [{"id": "1", "archived_at": "2026-01-01T00:00:00Z"}, {"id": "2", "archived_at": "2026-01-02T00:00:00Z"}]}))
    })
    .await;
    let connector = source.connect(DELETES);
    let at = context("2026-06-30T00:00:00Z");
    let first =
        items(connector.read_table_deletes("rows", &Offset::beginning(), &options(&[]), &at).await).await.unwrap();
    assert_eq!(rows(&first).iter().filter(|row| row.starts_with("-{")).count(), 2);
    let start: Offset = serde_json::from_str(end(&first)).unwrap();
    let second = items(connector.read_table_deletes("rows", &start, &options(&[]), &at).await).await.unwrap();
    assert_eq!(second, [format!("={start}")]);
    assert_eq!(source.requests(), ["/rows?archived=true", "/rows?archived=true"]);
}

#[tokio::test]
async fn test_row_is_written_changed_and_deleted() {
    let source = Scripted::start(|_| json(json!({"row": {"id": 7}}))).await;
    let connector = source.connect(DELETES);
    let (given, at) = (options(&[]), context("2026-06-30T00:00:00Z"));
    let write_back = connector.write_back().unwrap();
    let tables = write_back.writable_tables();
    assert!(tables[0].table == "rows" && tables[0].can_update && tables[0].can_delete);
    let row = write_back.insert_row("rows", &given, &at).await.unwrap();
    assert_eq!(row.keys["id"], "7");
    let changed = write_back.update_row("rows", &row, &given, &at).await.unwrap();
    assert_ne!(row.columns["properties.name"], changed.columns["properties.name"]);
    write_back.delete_row("rows", &changed, &given, &at).await.unwrap();
    let asked = source.take();
    let lines: Vec<String> = asked.iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect();
    assert_eq!(lines, ["POST /rows", "PATCH /rows/7", "DELETE /rows/7"]);
    assert_eq!(asked[0].body, json!({"name": row.columns["properties.name"]}).to_string());
}

#[tokio::test]
async fn session_is_opened_once_and_again_when_it_is_refused() {
    let mut sessions = 0;
    let source = Scripted::start(move |asked| {
        if asked.path == "/login" {
            sessions += 1;
            return json(json!({"token": format!("s{sessions}")}));
        }
        let is_known = asked.headers.get("x-session").is_some_and(|value| value == "id s2");
        if is_known { json(json!([{"id": 1}])) } else { status(401, json!({})) }
    })
    .await;
    let auth = "{session: {login: {method: post, path: /login, body: {password: '{{ connection.token }}'}}, \
                token: $.token, header: X-Session, value: 'id {{ session.token }}'}}";
    let table = "tables:\n  rows: {ingestion_type: snapshot, primary_keys: [id], request: /rows, schema: id BIGINT}\n";
    let connector = source.connect_with(auth, table);
    assert_eq!(rows(&read(&connector, "rows", "{}").await.unwrap()), [r#"+{"id":1}"#]);
    assert_eq!(source.requests(), ["/login", "/rows", "/login", "/rows"]);
}

#[tokio::test]
async fn one_request_serves_several_parents() {
    let source = Scripted::start(|asked| match asked.path.as_str() {
        "/users" => json(json!([{"id": 1}, {"id": 2}, {"id": 3}])),
        _ => json(json!([{"id": asked.body.len()}])),
    })
    .await;
    let connector = source.connect(
        "tables:\n  users: {ingestion_type: snapshot, primary_keys: [id], request: /users, schema: id BIGINT}\n  \
         teams:\n    ingestion_type: snapshot\n    primary_keys: [id]\n    parent: {table: users, as: {id: id}, batch: 2}\n    \
         request: {method: post, path: /batch, params: {ids: \"{{ parents | map(attribute='id') | join(',') }}\"}, \
         body: {inputs: \"{{ parents }}\"}}\n    schema: id BIGINT\n",
    );
    read(&connector, "teams", "{}").await.unwrap();
    let asked: Vec<String> =
        source.take().iter().skip(1).map(|asked| format!("{} {}", asked.param("ids").unwrap(), asked.body)).collect();
    assert_eq!(asked, [r#"1,2 {"inputs":[{"id":"1"},{"id":"2"}]}"#, r#"3 {"inputs":[{"id":"3"}]}"#]);
}
