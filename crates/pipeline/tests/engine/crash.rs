//! Runs that die anywhere and go on later agree with an obvious model.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lakeflow_interface::{ErrorKind, IngestionType};
use lakeflow_pipeline::{Cadence, Event, Observer, RunOptions};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use crate::connector::{ScriptedConnector, ScriptedTable, Step};
use crate::workbench::{Workbench, patient, silent, spec};

const SCHEMA: &str = "id BIGINT, at BIGINT, text STRING";

/// How a run ends before its time.
#[derive(Clone, Debug)]
enum Death {
    /// The process dies when the read has come to this step.
    AtStep(usize),
    /// The process dies after this many commits.
    AfterCommit(usize),
    /// The source fails at this step.
    SourceFails(usize),
    /// The user stops the run when the read has come to this step.
    Cancelled(usize),
}

fn death() -> impl Strategy<Value = Death> {
    prop_oneof![
        (0..12_usize).prop_map(Death::AtStep),
        (0..4_usize).prop_map(Death::AfterCommit),
        (0..12_usize).prop_map(Death::SourceFails),
        (0..12_usize).prop_map(Death::Cancelled),
    ]
}

fn cadence() -> impl Strategy<Value = Cadence> {
    (1..12_u64).prop_map(|rows| Cadence { rows, bytes: u64::MAX, interval: Duration::from_secs(3600) })
}

fn change() -> impl Strategy<Value = Value> {
    (0..6_u64, 0..8_u64, 0..4_u64).prop_map(|(id, at, text)| json!({"id": id, "at": at, "text": text.to_string()}))
}

/// Pages, some of them followed by a checkpoint, the last one always.
fn script(pages: &[(Vec<Value>, bool)]) -> Vec<Step> {
    let mut steps = Vec::new();
    for (position, (page, checkpoint)) in pages.iter().enumerate() {
        steps.push(Step::Page(page.clone()));
        if *checkpoint || position + 1 == pages.len() {
            steps.push(Step::Checkpoint(position as u64 + 1));
        }
    }
    steps
}

fn pages() -> impl Strategy<Value = Vec<(Vec<Value>, bool)>> {
    vec((vec(change(), 1..4), any::<bool>()), 1..8)
}

/// A run in a runtime of its own, which goes with it; true where it came to its end.
fn run(workbench: &Workbench, script: &[Step], death: Option<&Death>, cadence: Cadence) -> bool {
    let mut steps = script.to_vec();
    // Positions count from the table's beginning, so that a resumed read meets its start.
    let at = |step: &usize| (*step).min(script.len());
    match death {
        Some(Death::AtStep(step) | Death::Cancelled(step)) => steps.insert(at(step), Step::Gate),
        Some(Death::SourceFails(step)) => steps.insert(at(step), Step::Fail(ErrorKind::Unavailable)),
        Some(Death::AfterCommit(_)) | None => {}
    }
    workbench.connector.set_script("table", steps);
    Runtime::new().unwrap().block_on(async {
        let options = RunOptions { cadence, ..patient() };
        let cancellation = options.cancellation.clone();
        let (observer, killed) = killer(death);
        let spec = spec(&[("table", "{}")]);
        let run = workbench.run_observed(&spec, options, observer);
        tokio::pin!(run);
        let mut is_cancelled = false;
        loop {
            tokio::select! {
                report = &mut run => return report.is_complete(),
                () = killed.notified() => return false,
                () = workbench.connector.gate_reached(), if !is_cancelled => match death {
                    Some(Death::Cancelled(_)) => {
                        is_cancelled = true;
                        cancellation.cancel();
                    }
                    _ => return false,
                },
            }
        }
    })
}

/// An observer that gives the sign after some commits.
fn killer(death: Option<&Death>) -> (Observer, Arc<Notify>) {
    let killed = Arc::new(Notify::new());
    let Some(Death::AfterCommit(wanted)) = death.cloned() else { return (silent(), killed) };
    let (commits, sign) = (AtomicUsize::new(0), Arc::clone(&killed));
    let observer: Observer = Arc::new(move |event| {
        if matches!(event, Event::Committed { .. }) && commits.fetch_add(1, Ordering::Relaxed) == wanted {
            sign.notify_one();
        }
    });
    (observer, killed)
}

fn workbench(kind: IngestionType) -> Workbench {
    Workbench::new(ScriptedConnector::default().with_table("table", ScriptedTable::new(kind, SCHEMA)))
}

fn rows(workbench: &Workbench) -> Vec<Value> {
    Runtime::new().unwrap().block_on(workbench.rows("table"))
}

fn version(workbench: &Workbench) -> Option<u64> {
    Runtime::new().unwrap().block_on(workbench.version("table"))
}

fn sorted(rows: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let mut rows: Vec<Value> = rows.into_iter().collect();
    rows.sort_by_key(Value::to_string);
    rows
}

/// The latest row of each key; of equal sequences the later one.
fn latest<'a>(changes: impl Iterator<Item = &'a Value>) -> BTreeMap<u64, Value> {
    let mut table: BTreeMap<u64, Value> = BTreeMap::new();
    for change in changes {
        let id = change["id"].as_u64().unwrap();
        let is_late = table.get(&id).is_some_and(|row| row["at"].as_u64() > change["at"].as_u64());
        if !is_late {
            table.insert(id, change.clone());
        }
    }
    table
}

/// The number of cases: a few in every run of the tests, more by `PROPTEST_CASES`.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn appended_rows_arrive_once(pages in pages(), deaths in vec((death(), cadence()), 0..4), last in cadence()) {
        let workbench = workbench(IngestionType::Append);
        let script = script(&pages);
        for (death, cadence) in &deaths {
            run(&workbench, &script, Some(death), *cadence);
        }
        prop_assert!(run(&workbench, &script, None, last));
        let expected = sorted(pages.iter().flat_map(|(page, _)| page.clone()));
        prop_assert_eq!(sorted(rows(&workbench)), expected);
        let before = version(&workbench);
        prop_assert!(run(&workbench, &script, None, last));
        prop_assert_eq!(version(&workbench), before);
    }

    #[test]
    fn upserted_table_has_the_latest_rows(pages in pages(), deaths in vec((death(), cadence()), 0..4), last in cadence()) {
        let workbench = workbench(IngestionType::Cdc);
        let script = script(&pages);
        for (death, cadence) in &deaths {
            run(&workbench, &script, Some(death), *cadence);
        }
        prop_assert!(run(&workbench, &script, None, last));
        let expected = sorted(latest(pages.iter().flat_map(|(page, _)| page)).into_values());
        prop_assert_eq!(sorted(rows(&workbench)), expected);
        let before = version(&workbench);
        prop_assert!(run(&workbench, &script, None, last));
        prop_assert_eq!(version(&workbench), before);
    }

    #[test]
    fn snapshot_is_applied_as_a_whole_or_not_at_all(
        snapshots in vec((vec(vec(change(), 1..4), 0..4), proptest::option::of(death())), 1..5),
        cadence in cadence(),
    ) {
        let workbench = workbench(IngestionType::Snapshot);
        let mut present = Vec::new();
        for (pages, death) in snapshots {
            let mut by_key = BTreeMap::new();
            for row in pages.iter().flatten() {
                by_key.insert(row["id"].as_u64(), row.clone());
            }
            let mut script: Vec<Step> = pages.into_iter().map(Step::Page).collect();
            script.push(Step::Checkpoint(0));
            let is_complete = run(&workbench, &script, death.as_ref(), cadence);
            let (next, found) = (sorted(by_key.into_values()), sorted(rows(&workbench)));
            prop_assert!(found == next || (!is_complete && found == present), "{:?}: neither {:?} nor {:?}", found, present, next);
            present = found;
        }
    }
}
