//! Runs that die anywhere and go on later agree with an obvious model, for every kind of flow.

pub(crate) mod model;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use lakeflow_interface::{ErrorKind, IngestionType};
use lakeflow_pipeline::{Cadence, Event, Observer, RunOptions};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use self::model::{SnapshotHistory, history, latest, sorted};
use crate::connector::{ScriptedConnector, ScriptedTable, Step};
use crate::workbench::{Workbench, after, patient, silent, spec};

const SCHEMA: &str = "id BIGINT, at BIGINT, text STRING";
const SCD_1: &str = "{}";
const SCD_2: &str = r#"{"scd_type": "SCD_TYPE_2", "primary_keys": ["id"]}"#;
const APPEND_ONLY: &str = r#"{"scd_type": "APPEND_ONLY"}"#;

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
    /// The process dies when the second read has come to this step.
    InDeletes(usize),
}

fn death() -> impl Strategy<Value = Death> {
    prop_oneof![
        (0..12_usize).prop_map(Death::AtStep),
        (0..4_usize).prop_map(Death::AfterCommit),
        (0..12_usize).prop_map(Death::SourceFails),
        (0..12_usize).prop_map(Death::Cancelled),
        (0..4_usize).prop_map(Death::InDeletes),
    ]
}

fn cadence() -> impl Strategy<Value = Cadence> {
    (1..12_u64).prop_map(|rows| Cadence { rows, bytes: u64::MAX, interval: Duration::from_secs(3600) })
}

fn change() -> impl Strategy<Value = Value> {
    (0..6_u64, 0..8_u64, 0..4_u64).prop_map(|(id, at, text)| json!({"id": id, "at": at, "text": text.to_string()}))
}

/// A page of changes, or of deletes where there are any in the stream, and whether a checkpoint follows.
pub(crate) type Pages = Vec<(Vec<Value>, bool, bool)>;

/// The steps of a read: its last page is always followed by a checkpoint.
pub(crate) fn script(pages: &Pages) -> Vec<Step> {
    let mut steps = Vec::new();
    for (position, (page, is_delete, checkpoint)) in pages.iter().enumerate() {
        steps.push(if *is_delete { Step::Deleted(page.clone()) } else { Step::Page(page.clone()) });
        if *checkpoint || position + 1 == pages.len() {
            steps.push(Step::Checkpoint(position as u64 + 1));
        }
    }
    steps
}

fn pages(deletes: f64) -> impl Strategy<Value = Pages> {
    vec((vec(change(), 1..4), any::<bool>(), any::<bool>(), 0.0..1.0), 1..8).prop_map(move |pages| {
        let page = |(page, _, checkpoint, delete): (Vec<Value>, bool, bool, f64)| (page, delete < deletes, checkpoint);
        pages.into_iter().map(page).collect()
    })
}

/// The second read: nothing but deletes.
fn second_read() -> impl Strategy<Value = Option<Pages>> {
    let pages = vec((vec(change(), 1..3), any::<bool>()), 1..4);
    let pages = pages.prop_map(|pages| pages.into_iter().map(|(page, checkpoint)| (page, true, checkpoint)).collect());
    proptest::option::of(pages)
}

/// How a table is ingested whose reads are changes.
fn changing_kind() -> impl Strategy<Value = IngestionType> {
    prop_oneof![Just(IngestionType::Append), Just(IngestionType::Cdc), Just(IngestionType::CdcWithDeletes)]
}

/// What the reads of a table of a kind can give: deletes only where there are any.
fn of_kind(kind: IngestionType, mut pages: Pages, deletes: Option<Pages>) -> (Pages, Option<Pages>) {
    if kind == IngestionType::CdcWithDeletes {
        return (pages, deletes);
    }
    pages.iter_mut().for_each(|(_, is_delete, _)| *is_delete = false);
    (pages, None)
}

/// Snapshots, each as pages, and how the run that reads it ends.
fn snapshots() -> impl Strategy<Value = Vec<(Vec<Vec<Value>>, Option<Death>)>> {
    vec((vec(vec(change(), 1..4), 0..4), proptest::option::of(death())), 1..5)
}

/// Deaths of runs, and when those that live commit.
fn deaths() -> impl Strategy<Value = Vec<(Death, Cadence)>> {
    vec((death(), cadence()), 0..4)
}

/// The threads of all runs: to make some for each would take longer than the run.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// A run; where it is abandoned, nothing of it is left.
struct Run<'r> {
    workbench: &'r Workbench,
    configuration: &'r str,
    script: Vec<Step>,
    deletes: Option<Vec<Step>>,
    minute: u64,
}

impl<'r> Run<'r> {
    fn new(workbench: &'r Workbench, configuration: &'r str, script: Vec<Step>) -> Self {
        Self { workbench, configuration, script, deletes: None, minute: 0 }
    }

    /// Whether the run came to its end.
    fn go(&self, death: Option<&Death>, cadence: Cadence) -> bool {
        self.set_scripts(death);
        RUNTIME.block_on(async {
            let is_complete = self.until(death, cadence).await;
            self.workbench.left_alone().await;
            is_complete
        })
    }

    async fn until(&self, death: Option<&Death>, cadence: Cadence) -> bool {
        let options = RunOptions { cadence, ..after(patient(), self.minute) };
        let cancellation = options.cancellation.clone();
        let (observer, killed) = killer(death);
        let spec = spec(&[("table", self.configuration)]);
        let run = self.workbench.run_observed(&spec, options, observer);
        tokio::pin!(run);
        let mut is_cancelled = false;
        loop {
            tokio::select! {
                report = &mut run => {
                    let failure = report.failures().next().map(|(_, error)| format!("{error:?}"));
                    assert!(death.is_some() || failure.is_none(), "{failure:?}");
                    return failure.is_none();
                }
                () = killed.notified() => return false,
                () = self.workbench.connector.gate_reached(), if !is_cancelled => match death {
                    Some(Death::Cancelled(_)) => {
                        is_cancelled = true;
                        cancellation.cancel();
                    }
                    _ => return false,
                },
            }
        }
    }

    fn set_scripts(&self, death: Option<&Death>) {
        let mut steps = self.script.clone();
        let mut deletes = self.deletes.clone();
        // Positions count from the table's beginning, so that a resumed read meets its start.
        let at = |step: &usize| (*step).min(self.script.len());
        match (death, &mut deletes) {
            (Some(Death::AtStep(step) | Death::Cancelled(step)), _) => steps.insert(at(step), Step::Gate),
            (Some(Death::SourceFails(step)), _) => steps.insert(at(step), Step::Fail(ErrorKind::Unavailable)),
            (Some(Death::InDeletes(step)), Some(deletes)) => deletes.insert((*step).min(deletes.len()), Step::Gate),
            (Some(Death::AfterCommit(_) | Death::InDeletes(_)) | None, _) => {}
        }
        self.workbench.connector.set_script("table", steps);
        if let Some(deletes) = deletes {
            self.workbench.connector.set_deletes("table", deletes);
        }
    }

    /// Runs that die, one that comes to its end, and one that has nothing left to do; gives the rows.
    fn to_the_end(&self, deaths: &[(Death, Cadence)], last: Cadence) -> Result<Vec<Value>, TestCaseError> {
        for (death, cadence) in deaths {
            self.go(Some(death), *cadence);
        }
        prop_assert!(self.go(None, last));
        let found = sorted(rows(self.workbench));
        let before = version(self.workbench);
        prop_assert!(self.go(None, last));
        prop_assert_eq!(version(self.workbench), before, "a run with nothing new committed");
        Ok(found)
    }
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
    Workbench::in_memory(ScriptedConnector::default().with_table("table", ScriptedTable::new(kind, SCHEMA)))
}

fn rows(workbench: &Workbench) -> Vec<Value> {
    RUNTIME.block_on(workbench.rows("table"))
}

fn version(workbench: &Workbench) -> Option<u64> {
    RUNTIME.block_on(workbench.version("table"))
}

fn changes(pages: &Pages, is_delete: bool) -> impl Iterator<Item = &Value> {
    pages.iter().filter(move |(_, delete, _)| *delete == is_delete).flat_map(|(page, ..)| page)
}

/// The number of cases of each test: more than ten thousand over all, more still by `PROPTEST_CASES`.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1_200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn appended_rows_arrive_once(pages in pages(0.0), deaths in deaths(), last in cadence()) {
        let workbench = workbench(IngestionType::Append);
        let found = Run::new(&workbench, SCD_1, script(&pages)).to_the_end(&deaths, last)?;
        prop_assert_eq!(found, sorted(changes(&pages, false).cloned()));
    }

    #[test]
    fn append_only_keeps_every_change_once(
        kind in changing_kind(), pages in pages(0.3), deletes in second_read(), deaths in deaths(), last in cadence(),
    ) {
        let workbench = workbench(kind);
        let (pages, deletes) = of_kind(kind, pages, deletes);
        let mut run = Run::new(&workbench, APPEND_ONLY, script(&pages));
        run.deletes = deletes.as_ref().map(script);
        prop_assert_eq!(run.to_the_end(&deaths, last)?, sorted(changes(&pages, false).cloned()));
    }

    #[test]
    fn upserted_table_has_the_latest_rows(pages in pages(0.0), deaths in deaths(), last in cadence()) {
        let workbench = workbench(IngestionType::Cdc);
        let found = Run::new(&workbench, SCD_1, script(&pages)).to_the_end(&deaths, last)?;
        prop_assert_eq!(found, latest(&pages, None));
    }

    #[test]
    fn deletes_of_both_reads_count_where_they_belong(
        pages in pages(0.3), deletes in second_read(), deaths in deaths(), last in cadence(),
    ) {
        let workbench = workbench(IngestionType::CdcWithDeletes);
        let mut run = Run::new(&workbench, SCD_1, script(&pages));
        run.deletes = deletes.as_ref().map(script);
        prop_assert_eq!(run.to_the_end(&deaths, last)?, latest(&pages, deletes.as_ref()));
    }

    #[test]
    fn history_has_every_version(pages in pages(0.0), deaths in deaths(), last in cadence(), is_append in any::<bool>()) {
        let workbench = workbench(if is_append { IngestionType::Append } else { IngestionType::Cdc });
        let found = Run::new(&workbench, SCD_2, script(&pages)).to_the_end(&deaths, last)?;
        prop_assert_eq!(found, history(&pages, None));
    }

    #[test]
    fn history_closes_deleted_rows(
        pages in pages(0.3), deletes in second_read(), deaths in deaths(), last in cadence(),
    ) {
        let workbench = workbench(IngestionType::CdcWithDeletes);
        let mut run = Run::new(&workbench, SCD_2, script(&pages));
        run.deletes = deletes.as_ref().map(script);
        prop_assert_eq!(run.to_the_end(&deaths, last)?, history(&pages, deletes.as_ref()));
    }

    #[test]
    fn snapshot_is_applied_as_a_whole_or_not_at_all(
        snapshots in snapshots(), cadence in cadence(),
    ) {
        let workbench = workbench(IngestionType::Snapshot);
        let mut present = Vec::new();
        for (pages, death) in snapshots {
            let next = sorted(by_key(&pages).into_values());
            let is_complete = Run::new(&workbench, SCD_1, whole(pages)).go(death.as_ref(), cadence);
            let found = sorted(rows(&workbench));
            prop_assert!(found == next || (!is_complete && found == present), "{:?}: neither {:?} nor {:?}", found, present, next);
            present = found;
        }
    }

    #[test]
    fn snapshots_are_appended_as_a_whole_or_not_at_all(snapshots in snapshots(), cadence in cadence()) {
        let workbench = workbench(IngestionType::Snapshot);
        let mut present = Vec::new();
        for (pages, death) in snapshots {
            let next = sorted(present.iter().chain(pages.iter().flatten()).cloned());
            let is_complete = Run::new(&workbench, APPEND_ONLY, whole(pages)).go(death.as_ref(), cadence);
            let found = sorted(rows(&workbench));
            prop_assert!(found == next || (!is_complete && found == present), "{:?}: neither {:?} nor {:?}", found, present, next);
            present = found;
        }
    }

    #[test]
    fn history_of_snapshots_is_applied_as_a_whole_or_not_at_all(
        snapshots in snapshots(), cadence in cadence(),
    ) {
        let workbench = workbench(IngestionType::Snapshot);
        let mut model = SnapshotHistory::default();
        for (minute, (pages, death)) in (0..).zip(snapshots) {
            let next = model.with(&by_key(&pages), minute);
            let mut run = Run::new(&workbench, SCD_2, whole(pages));
            run.minute = minute;
            let is_complete = run.go(death.as_ref(), cadence);
            let found = sorted(rows(&workbench));
            if found == next.rows() {
                model = next;
            } else {
                prop_assert!(!is_complete && found == model.rows(), "{:?}: neither {:?} nor {:?}", found, model, next);
            }
        }
    }
}

/// A read of a whole table.
fn whole(pages: Vec<Vec<Value>>) -> Vec<Step> {
    pages.into_iter().map(Step::Page).chain([Step::Checkpoint(0)]).collect()
}

/// The last row of each key.
fn by_key(pages: &[Vec<Value>]) -> BTreeMap<u64, Value> {
    pages.iter().flatten().map(|row| (row["id"].as_u64().unwrap(), row.clone())).collect()
}
