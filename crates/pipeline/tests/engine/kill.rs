//! `kill -9` at random instants of runs with every kind of flow: the tables are those of the model, whatever died where.
//!
//! An instant is a number of files in the lakehouse and a moment more, so that a busy machine kills as far in as an idle one.
//!
//! `KILLS=500 cargo test --release --workspace --test engine kill` kills more often than a usual run of the tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use lakeflow_interface::IngestionType;
use lakeflow_pipeline::{Cadence, RunOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::connector::{ScriptedConnector, ScriptedTable, Step};
use crate::crash::Pages;
use crate::crash::model::{SnapshotHistory, history, latest, sorted};
use crate::workbench::{Workbench, after, patient, silent, spec};

const SCHEMA: &str = "id BIGINT, at BIGINT, text STRING";
/// The environment variables that make a process a run that is to be killed.
const FOLDER: &str = "LAKEFLOW_KILL_FOLDER";
const ROUND: &str = "LAKEFLOW_KILL_ROUND";
const TEST: &str = "kill::killed_runs_of_every_flow_lead_to_the_tables_of_the_model";
const KILLS_A_ROUND: u64 = 4;
const PAGES_A_ROUND: usize = 16;

/// The flows: their tables, how these are ingested, and what the spec says.
const FLOWS: [(&str, IngestionType, &str); 8] = [
    ("appended", IngestionType::Append, "{}"),
    ("every_change", IngestionType::CdcWithDeletes, r#"{"scd_type": "APPEND_ONLY"}"#),
    ("upserted", IngestionType::Cdc, "{}"),
    ("deleted", IngestionType::CdcWithDeletes, "{}"),
    ("history", IngestionType::Cdc, r#"{"scd_type": "SCD_TYPE_2"}"#),
    ("closed", IngestionType::CdcWithDeletes, r#"{"scd_type": "SCD_TYPE_2"}"#),
    ("snapshot", IngestionType::Snapshot, "{}"),
    ("snapshot_history", IngestionType::Snapshot, r#"{"scd_type": "SCD_TYPE_2"}"#),
];

/// What the source has at a round: always the same, and more in each.
struct World {
    changes: Pages,
    deletes: Pages,
    /// One for each round so far.
    snapshots: Vec<BTreeMap<u64, Value>>,
}

impl World {
    fn at(round: u64) -> Self {
        let mut world = Self { changes: Pages::new(), deletes: Pages::new(), snapshots: Vec::new() };
        for round in 0..=round {
            let mut random = Rng::with_seed(round);
            for page in 0..PAGES_A_ROUND {
                let is_delete = random.u8(..) < 64;
                let rows = changes(&mut random, round);
                world.changes.push((rows, is_delete, page % 2 == 1));
            }
            for _ in 0..3 {
                world.deletes.push((changes(&mut random, round), true, true));
            }
            let rows = changes(&mut random, 0).into_iter().chain(changes(&mut random, 0));
            world.snapshots.push(rows.map(|row| (row["id"].as_u64().unwrap(), row)).collect());
        }
        world
    }

    /// The pages that a table of a kind is read from.
    fn pages(&self, kind: IngestionType) -> Pages {
        let has_deletes = kind == IngestionType::CdcWithDeletes;
        self.changes
            .iter()
            .map(|(rows, delete, checkpoint)| (rows.clone(), has_deletes && *delete, *checkpoint))
            .collect()
    }

    fn script(&self, kind: IngestionType) -> Vec<Step> {
        match (kind, self.snapshots.last()) {
            (IngestionType::Snapshot, Some(rows)) => {
                let rows: Vec<Value> = rows.values().cloned().collect();
                rows.chunks(3).map(|page| Step::Page(page.to_vec())).chain([Step::Checkpoint(0)]).collect()
            }
            _ => crate::crash::script(&self.pages(kind)),
        }
    }

    fn connector(&self) -> ScriptedConnector {
        let connector = FLOWS.iter().fold(ScriptedConnector::default(), |connector, (name, kind, _)| {
            connector.with_table(name, ScriptedTable::new(*kind, SCHEMA).with_script(self.script(*kind)))
        });
        for (name, ..) in FLOWS.iter().filter(|(_, kind, _)| *kind == IngestionType::CdcWithDeletes) {
            connector.set_deletes(name, crate::crash::script(&self.deletes));
        }
        connector
    }

    fn expected(&self, name: &str) -> Vec<Value> {
        let kind = FLOWS.iter().find(|flow| flow.0 == name).unwrap().1;
        let pages = self.pages(kind);
        let kept = || pages.iter().filter(|(_, delete, _)| !delete).flat_map(|(rows, ..)| rows.clone());
        match name {
            "appended" | "every_change" => sorted(kept()),
            "upserted" => latest(&pages, None),
            "deleted" => latest(&pages, Some(&self.deletes)),
            "history" => history(&pages, None),
            "closed" => history(&pages, Some(&self.deletes)),
            "snapshot" => sorted(self.snapshots.last().unwrap().values().cloned()),
            _ => {
                let rounds = self.snapshots.iter().zip(0..);
                rounds.fold(SnapshotHistory::default(), |model, (rows, round)| model.with(rows, round)).rows()
            }
        }
    }
}

fn changes(random: &mut Rng, round: u64) -> Vec<Value> {
    let change = |random: &mut Rng| {
        let (id, at, text) = (random.u64(0..12), 8 * round + random.u64(0..16), random.u8(0..4).to_string());
        json!({"id": id, "at": at, "text": text})
    };
    (0..random.usize(1..8)).map(|_| change(random)).collect()
}

async fn run(workbench: &Workbench, round: u64) -> bool {
    let cadence = Cadence { rows: 10, bytes: u64::MAX, interval: Duration::from_secs(3600) };
    let options = RunOptions { cadence, parallel: FLOWS.len(), ..after(patient(), round) };
    let tables = FLOWS.map(|(name, _, configuration)| (name, configuration));
    workbench.run_observed(&spec(&tables), options, silent()).await.is_complete()
}

/// The run that this process is, where another one has started it.
fn be_a_run() -> bool {
    let (Ok(folder), Ok(round)) = (std::env::var(FOLDER), std::env::var(ROUND)) else { return false };
    let round = round.parse().unwrap();
    let workbench = Workbench::at(folder.into(), World::at(round).connector());
    assert!(Runtime::new().unwrap().block_on(run(&workbench, round)));
    true
}

/// Starts a run in a process of its own: this program again, and in it this test.
fn start(folder: &TempDir, round: u64) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([TEST, "--exact"]).env(FOLDER, folder.path()).env(ROUND, round.to_string());
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// How many files there are in a folder and the folders in it. What vanishes meanwhile does not count.
fn files(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let of = |entry: fs::DirEntry| if entry.path().is_dir() { files(&entry.path()) } else { 1 };
    entries.map(of).sum()
}

/// Kills a run once it has added so many files; whether it was still running.
fn kill_after(folder: &TempDir, round: u64, added: u64, moment: Duration) -> bool {
    let enough = files(folder.path()) + added;
    let mut child = start(folder, round);
    while files(folder.path()) < enough && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(moment);
    let was_running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    was_running
}

fn finish(folder: &TempDir, round: u64) {
    assert!(start(folder, round).wait().unwrap().success(), "round {round}");
    let world = World::at(round);
    let workbench = Workbench::at(folder.path().to_owned(), world.connector());
    for (name, ..) in FLOWS {
        let found = Runtime::new().unwrap().block_on(workbench.rows(name));
        assert_eq!(sorted(found), world.expected(name), "{name} after round {round}");
    }
}

#[test]
fn killed_runs_of_every_flow_lead_to_the_tables_of_the_model() {
    if be_a_run() {
        return;
    }
    let kills: u64 = std::env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(16);
    let mut random = Rng::with_seed(7);
    let (mut folder, mut round, mut running) = (tempfile::tempdir().unwrap(), 0, 0);
    finish(&folder, round);
    let mut added = files(folder.path());
    for _ in 0..kills.div_ceil(KILLS_A_ROUND) {
        round += 1;
        // Tables grow with the rounds, and runs with them.
        if round == 12 {
            (folder, round) = (tempfile::tempdir().unwrap(), 0);
        }
        let before = files(folder.path());
        for _ in 0..KILLS_A_ROUND {
            // Four kills together get less far than a whole run, so that each finds something to do.
            let part = random.u64(0..=added / KILLS_A_ROUND);
            let moment = Duration::from_micros(random.u64(0..5_000));
            running += u64::from(kill_after(&folder, round, part, moment));
        }
        finish(&folder, round);
        added = files(folder.path()) - before;
    }
    assert!(running >= kills / 3, "only {running} of {kills} runs were still going when they were killed");
}
