//! `kill -9` at random instants of a run: no row is lost, and none is there twice.
//!
//! An instant is a number of answered requests and a moment more, so that a busy machine kills as far in as an idle one.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use lakeflow_simulator::{Advance, SimulatorSettings};

use crate::rows::assert_same;
use crate::support::{GitHub, Sandbox};

const KILLS: u64 = 50;
const TABLES: [&str; 4] = ["issues", "comments", "commits", "branches"];
const RUN: [&str; 6] = ["run", "spec.yaml", "--commit-rows", "15", "--parallel", "4"];

fn sandbox(github: &GitHub) -> Sandbox {
    let sandbox = Sandbox::with_pipeline(github, &TABLES);
    let small_pages = sandbox.read("spec.yaml").replace("repo: rocket", "repo: rocket, per_page: '10'");
    sandbox.write("spec.yaml", &small_pages);
    sandbox
}

fn start(sandbox: &Sandbox) -> Child {
    let mut command: Command = sandbox.command(&RUN);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Kills a run once the source has answered so many requests of it; whether it was still running.
fn kill_after(sandbox: &Sandbox, github: &GitHub, requests: usize, moment: Duration) -> bool {
    github.clear_requests();
    let mut child = start(sandbox);
    while github.requests().len() < requests && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(moment);
    let was_running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    was_running
}

fn finish(sandbox: &Sandbox, github: &GitHub) {
    let output = sandbox.output(&RUN);
    assert!(output.status.success(), "{}", sandbox.shown(&output));
    for table in TABLES {
        assert_same(table, &sandbox.rows(table), &github.expected(table));
    }
}

#[test]
fn killed_runs_are_resumed_without_loss_or_repetition() {
    let latency = Duration::from_millis(5);
    let github = GitHub::start_with(SimulatorSettings { latency, ..SimulatorSettings::default() });
    let whole = sandbox(&github);
    assert!(start(&whole).wait().unwrap().success());
    let requests = github.requests().len();
    finish(&whole, &github);

    let mut random = fastrand::Rng::with_seed(11);
    let (mut running, mut round) = (0, 0);
    while round < KILLS {
        let sandbox = sandbox(&github);
        for _ in 0..2 {
            let moment = Duration::from_micros(random.u64(0..5_000));
            running += u64::from(kill_after(&sandbox, &github, random.usize(0..requests), moment));
            round += 1;
        }
        finish(&sandbox, &github);
        github.advance(&Advance::new().table("issues", 1, 2, 0).table("commits", 2, 0, 0)).unwrap();
    }
    assert!(running >= KILLS / 2, "only {running} of {KILLS} runs were still going when they were killed");
}
