//! Rows that are added, changed and deleted.

use std::time::Duration;

use lakeflow_simulator::{Advance, AdvanceAfter, SimulatorSettings};
use serde_json::Value;

use crate::client::{ISSUES, numbers, settings, start, texts};

const BY_UPDATE: &str = "?state=all&sort=updated&direction=asc&per_page=100";

#[tokio::test]
async fn changes_get_later_cursors_in_their_order() {
    let (simulator, client) = start(settings()).await;
    let before = client.all(&format!("{ISSUES}{BY_UPDATE}")).await;
    let newest = before.last().unwrap()["updated_at"].as_str().unwrap().to_owned();
    simulator.advance(&Advance::new().table("issues", 5, 20, 3).by(Duration::from_secs(3_600))).unwrap();
    let after = client.all(&format!("{ISSUES}{BY_UPDATE}")).await;
    assert_eq!(after.len(), 252);
    assert!(texts(&after, "updated_at").is_sorted());
    let changes: Vec<&Value> = after.iter().filter(|row| !before.contains(row)).collect();
    assert_eq!(changes.len(), 25);
    assert!(changes.iter().all(|row| row["updated_at"].as_str().unwrap() > newest.as_str()));
    assert!(changes.iter().all(|row| row["updated_at"].as_str().unwrap() <= "2026-01-15T13:00:00Z"));
    assert_eq!(&after[227..].iter().collect::<Vec<_>>(), &changes, "they come last");
    let since = client.all(&format!("{ISSUES}{BY_UPDATE}&since=2026-01-15T12:00:00Z")).await;
    assert_eq!(since.iter().collect::<Vec<_>>(), changes);
}

#[tokio::test]
async fn change_keeps_what_it_does_not_name() {
    let (simulator, client) = start(settings()).await;
    let before = client.json(&format!("{ISSUES}/42")).await;
    simulator.advance(&Advance::new().change("issues", 5_000_000_042_i64)).unwrap();
    let after = client.json(&format!("{ISSUES}/42")).await;
    let differing: Vec<&String> =
        before.as_object().unwrap().iter().filter(|(key, value)| after[*key] != **value).map(|(key, _)| key).collect();
    assert_eq!(differing, ["comments", "reactions", "updated_at"]);
    assert!(after["comments"].as_i64().unwrap() >= 1000);
    assert_eq!(after["reactions"]["eyes"], 1);
    assert_eq!(after["updated_at"], "2026-01-15T12:01:00Z", "a fixed clock moves by a minute");
    simulator.advance(&Advance::new().change("issues", 5_000_000_042_i64)).unwrap();
    let again = client.json(&format!("{ISSUES}/42")).await;
    assert_ne!(again["comments"], after["comments"]);
    assert_eq!(again["updated_at"], "2026-01-15T12:02:00Z");
    let newest = client.list(&format!("{ISSUES}?state=all&sort=updated&direction=desc&per_page=2")).await;
    assert_eq!(newest[0], again);
    assert_ne!(newest[1]["number"], 42, "it is there once");
}

#[tokio::test]
async fn every_listing_shows_the_same_rows_after_many_advances() {
    let (simulator, client) = start(settings()).await;
    for _ in 0..4 {
        simulator.advance(&Advance::new().table("issues", 7, 30, 9).table("users", 1, 3, 1)).unwrap();
    }
    let expected: Vec<Value> = simulator.rows("issues").unwrap().collect();
    assert_eq!(expected.len() as u64, simulator.counts()["issues"]);
    assert_eq!(expected.len(), 250 + 4 * 7 - 4 * 9);
    let sorted = |mut rows: Vec<Value>| {
        rows.sort_by_key(|row| row["number"].as_i64());
        rows
    };
    for query in [
        "",
        "sort=updated",
        "sort=comments",
        "sort=number&direction=asc",
        "sort=created&since=2020-01-01",
        "per_page=7",
    ] {
        let found = client.all(&format!("{ISSUES}?state=all&{query}")).await;
        assert_eq!(sorted(found), expected, "{query}");
    }
    let open: Vec<&Value> = expected.iter().filter(|row| row["state"] == "open").collect();
    for query in ["sort=updated", "sort=number", "sort=created&since=2019-01-01&per_page=11"] {
        let found = sorted(client.all(&format!("{ISSUES}?{query}")).await);
        assert_eq!(found.iter().collect::<Vec<_>>(), open, "{query}");
    }
    let since = "2026-01-15T12:02:00Z";
    let late: Vec<&Value> = expected.iter().filter(|row| row["updated_at"].as_str().unwrap() >= since).collect();
    assert!(late.len() > 20);
    for sort in ["updated", "created", "number", "comments"] {
        let found = sorted(client.all(&format!("{ISSUES}?state=all&sort={sort}&since={since}&per_page=9")).await);
        assert_eq!(found.iter().collect::<Vec<_>>(), late, "{sort}");
    }
    let numbers = numbers(&client.all(&format!("{ISSUES}?state=all&sort=number&direction=asc&per_page=13")).await);
    assert!(numbers.is_sorted_by(|a, b| a < b));
}

#[tokio::test]
async fn deleted_parent_takes_its_children_with_it() {
    let (simulator, client) = start(settings()).await;
    let review = simulator.rows("reviews").unwrap().next().unwrap();
    let number = &review["pull_number"];
    let pull = simulator.rows("pull_requests").unwrap().find(|pull| pull["number"] == *number).unwrap();
    let of_it = client.all(&format!("/repos/acme/widgets/pulls/{number}/reviews")).await.len() as u64;
    let before = simulator.counts()["reviews"];
    simulator.advance(&Advance::new().delete("pull_requests", pull["id"].clone())).unwrap();
    assert_eq!(client.status(&format!("/repos/acme/widgets/pulls/{number}/reviews")).await.0, 404);
    assert_eq!(simulator.counts()["reviews"], before - of_it);
    assert_eq!(simulator.rows("reviews").unwrap().count() as u64, before - of_it);
    assert_eq!(client.json("/reviews").await["data"]["total"], before - of_it);
}

#[tokio::test]
async fn change_of_a_child_moves_its_parent() {
    let (simulator, client) = start(settings()).await;
    let pulls = "/repos/acme/widgets/pulls";
    let before: Vec<Value> = simulator.rows("reviews").unwrap().collect();
    simulator.advance(&Advance::new().table("reviews", 6, 2, 2)).unwrap();
    let after: Vec<Value> = simulator.rows("reviews").unwrap().collect();
    assert_eq!(after.len(), before.len() + 4);
    assert_eq!(simulator.counts()["reviews"], after.len() as u64);
    let changed: Vec<&Value> = after
        .iter()
        .filter(|row| !before.contains(row))
        .chain(before.iter().filter(|row| !after.contains(row)))
        .collect();
    for review in changed {
        let listed = client.all(&format!("{pulls}?sort=updated&direction=desc")).await;
        let pull = listed.iter().find(|pull| pull["number"] == review["pull_number"]).unwrap();
        assert!(pull["updated_at"].as_str().unwrap() > "2026-01-15T12:00:00Z", "{pull}");
    }
    for review in &after {
        let of_parent = client.all(&format!("{pulls}/{}/reviews", review["pull_number"])).await;
        assert!(of_parent.contains(review));
    }
}

#[tokio::test]
async fn rows_move_in_the_middle_of_a_read() {
    let after = AdvanceAfter {
        path: ISSUES.to_owned(),
        request: 2,
        advance: Advance::new().change("issues", 5_000_000_010_i64),
    };
    let (_simulator, client) = start(SimulatorSettings { advances: vec![after], ..settings() }).await;
    let read = numbers(&client.all(&format!("{ISSUES}?state=all&sort=updated&direction=asc&per_page=20")).await);
    assert_eq!(read.iter().filter(|number| **number == 10).count(), 2, "before and after its change");
    assert_eq!(read.last(), Some(&10));
    assert!(!read.contains(&41), "the row at the edge of the page slipped back");
    assert_eq!(read.len(), 250);
}

#[tokio::test]
async fn real_clock_gives_cursors_that_are_not_in_the_future() {
    let (simulator, client) = start(SimulatorSettings { now: None, ..settings() }).await;
    simulator.advance(&Advance::new().table("issues", 1, 1, 0)).unwrap();
    let newest = client.list(&format!("{ISSUES}?state=all&sort=updated&direction=desc&per_page=1")).await;
    let updated: chrono::DateTime<chrono::Utc> = newest[0]["updated_at"].as_str().unwrap().parse().unwrap();
    assert!(updated <= chrono::Utc::now());
    assert!(updated > chrono::Utc::now() - Duration::from_secs(600));
}

#[tokio::test]
async fn impossible_advance_is_refused_and_changes_nothing() {
    let (simulator, client) = start(settings()).await;
    let before: Vec<Value> = simulator.rows("issues").unwrap().collect();
    for (advance, message) in [
        (Advance::new().table("isues", 1, 0, 0), "unknown table `isues`"),
        (Advance::new().table("labels", 0, 1, 0), "rows of `labels` cannot change"),
        (Advance::new().change("issues", 7), "table `issues` has no row `7`"),
        (Advance::new().table("issues", 0, 200, 51), "table `issues` has no more rows to choose from"),
    ] {
        assert_eq!(simulator.advance(&advance).unwrap_err().message(), message);
    }
    assert!(simulator.rows("issues").unwrap().eq(before));
    let response = client.http.post(format!("{}/_simulator/advance", client.url)).body(r#"{"tables": {"isues": {}}}"#);
    let response = response.send().await.unwrap();
    assert_eq!(response.status(), 400);
    assert!(response.text().await.unwrap().contains("did you mean `issues`?"));
}
