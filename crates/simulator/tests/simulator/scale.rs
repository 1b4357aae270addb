//! Tables of any size, and the same rows every time.

use std::time::{Duration, Instant};

use lakeflow_simulator::{Advance, SimulatorSettings};
use serde_json::Value;

use crate::client::{ISSUES, link, numbers, parsed, settings, start};

#[tokio::test]
async fn middle_of_a_billion_rows_answers_at_once_with_flat_memory() {
    let scaled = SimulatorSettings { scale: 4_000_000, ..settings() };
    let (simulator, client) = start(scaled).await;
    assert_eq!(simulator.counts()["issues"], 1_000_000_000);
    assert_eq!(simulator.counts()["users"], 60, "not scaled");
    let before = resident_bytes();
    let begun = Instant::now();
    let middle = format!("{ISSUES}?state=all&sort=updated&direction=asc&per_page=100&page=5000000");
    let response = client.get(&middle).send().await.unwrap();
    assert!(link(&response, "last").unwrap().ends_with("page=10000000"));
    let rows = parsed::<Vec<Value>>(response).await;
    assert_eq!(numbers(&rows), (499_999_901..=500_000_000).collect::<Vec<i64>>());
    let since = rows[50]["updated_at"].as_str().unwrap();
    let found = client.list(&format!("{ISSUES}?state=all&sort=updated&direction=asc&since={since}&per_page=10")).await;
    assert!(found.iter().all(|row| row["updated_at"].as_str().unwrap() >= since));
    assert_eq!(client.json(&format!("{ISSUES}/987654321")).await["id"], 5_987_654_321_i64);
    simulator.advance(&Advance::new().table("issues", 10, 10, 10)).unwrap();
    let newest = client.list(&format!("{ISSUES}?state=all&sort=updated&direction=desc&per_page=20")).await;
    assert_eq!(newest.len(), 20);
    let middle = client.list(&middle).await;
    assert_eq!(middle.len(), 100);
    // Whoever went through a billion rows would take far longer, on any machine.
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes");
}

#[tokio::test]
async fn same_seed_gives_the_same_rows_and_another_seed_others() {
    let (first, _) = start(settings()).await;
    let (second, _) = start(settings()).await;
    let (other, _) = start(SimulatorSettings { seed: 2, ..settings() }).await;
    for table in ["issues", "users", "pull_requests", "reviews", "labels"] {
        let rows: Vec<Value> = first.rows(table).unwrap().collect();
        assert_eq!(rows, second.rows(table).unwrap().collect::<Vec<_>>());
        assert_ne!(rows, other.rows(table).unwrap().collect::<Vec<_>>(), "{table}");
    }
    let advance = Advance::new().table("issues", 3, 9, 4).table("reviews", 2, 2, 2);
    first.advance(&advance).unwrap();
    second.advance(&advance).unwrap();
    for table in ["issues", "pull_requests", "reviews"] {
        assert!(first.rows(table).unwrap().eq(second.rows(table).unwrap()), "{table}");
    }
}

#[tokio::test]
async fn counts_of_single_tables_can_be_set() {
    let counts = [("issues".to_owned(), 7)].into();
    let (simulator, client) = start(SimulatorSettings { counts, ..settings() }).await;
    assert_eq!(client.all(&format!("{ISSUES}?state=all")).await.len(), 7);
    assert_eq!(simulator.counts()["issues"], 7);
    let counts = [("issues".to_owned(), 0)].into();
    let (_empty, client) = start(SimulatorSettings { counts, ..settings() }).await;
    assert!(client.all(&format!("{ISSUES}?state=all&since=2020-01-01")).await.is_empty());
}

#[tokio::test]
async fn records_are_rich_and_their_fields_agree() {
    let (simulator, _client) = start(settings()).await;
    let rows: Vec<Value> = simulator.rows("issues").unwrap().collect();
    let keys: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 27);
    for row in &rows {
        assert_eq!(row["url"], format!("https://api.github.com/repos/acme/widgets/issues/{}", row["number"]));
        assert!(row["labels_url"].as_str().unwrap().ends_with("/labels{/name}"));
        assert_eq!(row["closed_at"].is_null(), row["state"] == "open");
        assert_eq!(row["state_reason"].is_null(), row["state"] == "open");
        let labels: Vec<&Value> = row["labels"].as_array().unwrap().iter().map(|label| &label["id"]).collect();
        assert!(labels.iter().enumerate().all(|(position, id)| !labels[..position].contains(id)), "{labels:?}");
        assert_eq!(
            row["user"]["url"],
            format!("https://api.github.com/users/{}", row["user"]["login"].as_str().unwrap())
        );
        if let Some(body) = row["body"].as_str() {
            assert!((100..=1000).contains(&body.chars().count()));
        }
    }
    let some = |accept: &dyn Fn(&Value) -> bool| rows.iter().any(accept) && !rows.iter().all(accept);
    assert!(some(&|row| row["assignee"].is_null()));
    assert!(some(&|row| row["body"].is_null()));
    assert!(some(&|row| row["labels"].as_array().unwrap().is_empty()));
    let request = simulator.rows("pull_requests").unwrap().next().unwrap()["request"].as_str().unwrap().to_owned();
    assert_eq!((request.len(), &request[14..15]), (36, "4"));
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}
