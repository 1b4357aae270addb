//! `kill -9` at random instants of a run: no row is lost, and none is there twice.

use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

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

/// Kills a run after a while; whether it was still running.
fn kill_after(sandbox: &Sandbox, delay: Duration) -> bool {
    let mut child = start(sandbox);
    thread::sleep(delay);
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
    let begun = Instant::now();
    assert!(start(&whole).wait().unwrap().success());
    let duration = begun.elapsed();
    finish(&whole, &github);

    let mut random = fastrand::Rng::with_seed(11);
    let (mut running, mut round) = (0, 0);
    while round < KILLS {
        let sandbox = sandbox(&github);
        for _ in 0..2 {
            running += u64::from(kill_after(&sandbox, duration.mul_f64(random.f64() * 0.9)));
            round += 1;
        }
        finish(&sandbox, &github);
        github.advance(&Advance::new().table("issues", 1, 2, 0).table("commits", 2, 0, 0)).unwrap();
    }
    assert!(running >= KILLS / 2, "only {running} of {KILLS} runs were still going when they were killed");
}
