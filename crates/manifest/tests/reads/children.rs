//! Children: once per row of a parent table.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};
use lakeflow_interface::Offset;
use lakeflow_manifest::{ConnectSettings, Definition};
use serde_json::json;
use tokio::sync::Barrier;

use crate::source::{Source, read, row};

const TABLES: &str = "
  rows:
    ingestion_type: cdc
    primary_keys: [id]
    cursor_field: updated_at
    request: {path: /rows, params: {direction: desc}}
    incremental: {order: descending}
    schema: id BIGINT NOT NULL, updated_at TIMESTAMP
  children:
    ingestion_type: append
    primary_keys: [parent, id]
    cursor_field: updated_at
    parent: {table: rows, as: {row: id}, changed_only: true}
    request: /rows/{{ parent.row }}/children
    errors: {404: skip}
    add_columns: {parent: '{{ parent.row }}'}
    schema: parent BIGINT NOT NULL, id BIGINT NOT NULL, updated_at TIMESTAMP
";

async fn family() -> Source {
    let source = Source::start((1..=5).map(|id| row(id, id as u32)).collect()).await;
    for parent in 1..=5 {
        let children = (0..parent).map(|child| row(10 * parent + child, parent as u32));
        source.set_children(&parent.to_string(), children.collect());
    }
    source
}

#[tokio::test]
async fn only_changed_parents_are_visited_and_only_new_children_handed_on() {
    let source = family().await;
    let connector = source.connect(TABLES);
    let first = read(&connector, "children", &Offset::beginning(), &[], 100).await.unwrap();
    assert_eq!(first.ids(), [50, 51, 52, 53, 54, 40, 41, 42, 43, 30, 31, 32, 20, 21, 10]);
    source.requests();
    let nothing = read(&connector, "children", first.end(), &[], 100).await.unwrap();
    assert_eq!((nothing.rows.len(), nothing.end()), (0, first.end()));
    // At the newest parent a child may have come at the same instant.
    let asked = source.requests();
    assert!(asked[1..].iter().all(|request| request.starts_with("/rows/5/")), "{asked:?}");
    source.with(|rows| rows[1] = row(2, 50));
    source.set_children("2", vec![row(20, 2), row(21, 2), row(22, 50)]);
    let changed = read(&connector, "children", first.end(), &[], 100).await.unwrap();
    assert_eq!(changed.ids(), [22]);
    let asked = source.requests();
    let of_changed = |request: &String| request.starts_with("/rows/2/") || request.starts_with("/rows/5/");
    assert!(asked[1..].iter().all(of_changed), "{asked:?}");
    let nothing = read(&connector, "children", changed.end(), &[], 100).await.unwrap();
    assert_eq!((nothing.rows.len(), nothing.end()), (0, changed.end()));
}

#[tokio::test]
async fn child_that_comes_at_the_instant_of_the_last_parent_is_not_lost() {
    let source = family().await;
    let connector = source.connect(TABLES);
    let first = read(&connector, "children", &Offset::beginning(), &[], 100).await.unwrap();
    source.set_children("5", (0..6).map(|child| row(50 + child, 5)).collect());
    let second = read(&connector, "children", first.end(), &[], 100).await.unwrap();
    assert_eq!(second.ids(), [55]);
}

#[tokio::test]
async fn removed_parent_is_skipped_and_counted() {
    let source = family().await;
    source.with(|rows| rows.push(row(6, 6)));
    let whole = read(&source.connect(TABLES), "children", &Offset::beginning(), &[], 100).await.unwrap();
    assert_eq!(whole.rows.len(), 15);
    let warning = "table `children`: a list was skipped, its status is 404".to_owned();
    assert_eq!(whole.warnings, [(warning, 1)].into());
}

#[tokio::test]
async fn status_that_is_not_named_fails_the_read() {
    let source = family().await;
    source.with(|rows| rows.push(row(6, 6)));
    let connector = source.connect(&TABLES.replace("    errors: {404: skip}\n", ""));
    let error = read(&connector, "children", &Offset::beginning(), &[], 100).await.unwrap_err();
    assert_eq!((error.context("table"), error.context("status")), (Some("children"), Some("404")));
}

#[tokio::test]
async fn old_child_of_a_parent_behind_the_horizon_is_not_lost() {
    let source = family().await;
    source.with(|rows| rows[0] = row(1, 500));
    let connector = source.connect(TABLES);
    let first = read(&connector, "children", &Offset::beginning(), &[], 100).await.unwrap();
    assert!(first.ids().contains(&10), "{:?}", first.ids());
    source.set_children("1", vec![row(10, 1), row(11, 500)]);
    let second = read(&connector, "children", first.end(), &[], 600).await.unwrap();
    assert_eq!(second.ids(), [11]);
}

#[tokio::test]
async fn parent_that_moves_to_the_front_while_pages_are_read_is_visited() {
    let source = family().await;
    let mut is_done = false;
    source.on_request(move |_, rows| {
        if !std::mem::replace(&mut is_done, true) {
            return;
        }
        rows[0] = row(1, 500);
    });
    let first = read(&source.connect(TABLES), "children", &Offset::beginning(), &[], 100).await.unwrap();
    assert!(first.ids().contains(&10), "{:?}", first.ids());
}

#[tokio::test]
async fn parent_that_moves_behind_the_horizon_while_windows_are_read_is_visited() {
    for changed_only in ["true", "false"] {
        let source = family().await;
        source.on_request(|number, rows| {
            if number == 1 {
                rows[0] = row(1, 500);
            }
        });
        let windows = "{from: since, to: until, window: 2m, start_date: '2026-01-01'}";
        let tables = TABLES.replace("{order: descending}", windows);
        let connector = source.connect(&tables.replace("changed_only: true", &format!("changed_only: {changed_only}")));
        let first = read(&connector, "children", &Offset::beginning(), &[], 100).await.unwrap();
        assert!(first.ids().contains(&10), "{:?}", first.ids());
    }
}

#[tokio::test]
async fn start_date_leaves_out_no_parent_whose_children_do_not_move_it() {
    let source = family().await;
    source.set_children("1", vec![row(10, 1), row(11, 30)]);
    let start = [("start_date", "2026-01-01T00:05:00Z")];
    let tables = TABLES.replace(", changed_only: true", "");
    let whole = read(&source.connect(&tables), "children", &Offset::beginning(), &start, 100).await.unwrap();
    assert_eq!(whole.ids(), [50, 51, 52, 53, 54, 11]);
    source.requests();
    read(&source.connect(TABLES), "children", &Offset::beginning(), &start, 100).await.unwrap();
    let asked = source.requests();
    assert!(asked.iter().all(|request| !request.starts_with("/rows/1/")), "{asked:?}");
}

#[tokio::test]
async fn snapshot_of_children_reads_every_parent() {
    let source = family().await;
    let tables = TABLES.replace("append", "snapshot").replace(", changed_only: true", "");
    let connector = source.connect(&tables);
    let whole = read(&connector, "children", &Offset::beginning(), &[], 100).await.unwrap();
    assert_eq!(whole.rows.len(), 15);
    assert_eq!(whole.end(), &Offset::beginning());
}

#[tokio::test]
async fn parent_keeps_its_own_defaults() {
    let source = family().await;
    let tables = TABLES.replacen("{order: descending}", "{order: descending, lookback: 2m}", 1);
    let connector = source.connect(&tables);
    let first = read(&connector, "children", &Offset::beginning(), &[], 100).await.unwrap();
    source.requests();
    read(&connector, "children", first.end(), &[], 100).await.unwrap();
    assert!(source.requests()[1].contains("page=2"), "the lookback of two minutes leads to the second page");
}

#[tokio::test]
async fn no_parents_yield_the_start() {
    let source = Source::start(Vec::new()).await;
    let nothing = read(&source.connect(TABLES), "children", &Offset::beginning(), &[], 100).await.unwrap();
    assert_eq!(nothing.end(), &Offset::beginning());
}

/// Children are given only when ten requests for them are under way at once.
#[tokio::test]
async fn so_many_children_are_asked_for_at_once_as_the_definition_says() {
    let barrier = Arc::new(Barrier::new(10));
    let children = move || {
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            Json(json!([{"id": 1}]))
        }
    };
    let parents = || async { Json((1..=30).map(|id| json!({"id": id})).collect::<Vec<_>>()) };
    let app = Router::new().route("/rows", get(parents)).route("/rows/{id}/children", get(children));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let text = format!(
        "display_name: Test\nconnection: {{}}\nhttp: {{base_url: '{url}', concurrency: 10}}\ntables:
  rows: {{ingestion_type: snapshot, primary_keys: [id], request: /rows, schema: id BIGINT}}
  children:
    ingestion_type: snapshot
    primary_keys: [parent, id]
    parent: {{table: rows, as: {{row: id}}}}
    request: '/rows/{{{{ parent.row }}}}/children'
    add_columns: {{parent: '{{{{ parent.row }}}}'}}
    schema: parent BIGINT, id BIGINT\n"
    );
    let definition = Definition::parse(&text, "connector.yaml")
        .unwrap_or_else(|error| panic!("{error:?}\n{}", std::error::Error::source(&error).unwrap()));
    let settings = ConnectSettings { upstream: None, user_agent: "test".to_owned(), concurrency: 4, readers: 1 };
    let connector = definition.connect(&BTreeMap::new(), settings).unwrap();
    let whole = read(&connector, "children", &Offset::beginning(), &[], 100).await.unwrap();
    assert_eq!(whole.rows.len(), 30);
}
