//! `run SPEC`

use std::collections::BTreeMap;

use lakeflow_simulator::{Advance, Fault, FaultKind, SimulatorSettings};
use serde_json::Value;

use crate::rows::assert_same;
use crate::support::{GitHub, Sandbox, entries};

const RUN: [&str; 2] = ["run", "spec.yaml"];

fn assert_complete(sandbox: &Sandbox, github: &GitHub) {
    for table in GitHub::TABLES {
        assert_same(table, &sandbox.rows(table), &github.expected(table));
    }
}

/// The number of versions of each destination table.
fn versions(sandbox: &Sandbox) -> BTreeMap<&'static str, usize> {
    let log = |table: &str| sandbox.lakehouse().join("default").join(table).join("_delta_log");
    GitHub::TABLES.map(|table| (table, entries(&log(table)).len())).into()
}

#[test]
fn all_twelve_tables_arrive_and_then_only_what_changes() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &GitHub::TABLES);

    sandbox.objects(&[&RUN[..], &["--output", "json"]].concat());
    assert_complete(&sandbox, &github);
    let first = versions(&sandbox);

    github.clear_requests();
    sandbox.objects(&[&RUN[..], &["--output", "json"]].concat());
    assert_eq!(versions(&sandbox), first, "a table without change was committed to");
    insta::assert_debug_snapshot!(github.request_counts(), @r#"
    {
        "GET /orgs/{org}/members": 1,
        "GET /orgs/{org}/repos": 1,
        "GET /orgs/{org}/teams": 1,
        "GET /repos/{owner}/{repo}/assignees": 1,
        "GET /repos/{owner}/{repo}/branches": 1,
        "GET /repos/{owner}/{repo}/collaborators": 1,
        "GET /repos/{owner}/{repo}/commits": 1,
        "GET /repos/{owner}/{repo}/issues": 1,
        "GET /repos/{owner}/{repo}/issues/comments": 1,
        "GET /repos/{owner}/{repo}/pulls": 2,
        "GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews": 1,
        "GET /user/orgs": 1,
    }
    "#);

    let advance = Advance::new()
        .table("issues", 3, 5, 0)
        .table("pull_requests", 1, 2, 0)
        .table("comments", 2, 2, 0)
        .table("commits", 4, 0, 0)
        .table("branches", 1, 0, 1)
        .table("teams", 0, 1, 0);
    github.advance(&advance).unwrap();
    let events = sandbox.objects(&[&RUN[..], &["--output", "json"]].concat());
    assert_complete(&sandbox, &github);
    let arrived = |table: &str| {
        let name = format!("default.{table}");
        let finished =
            events.iter().find(|event| event["event"] == "table_finished" && event["table"] == name.as_str());
        let count = |field: &str| finished.unwrap()[field].as_u64().unwrap();
        (count("rows_inserted"), count("rows_updated"), count("rows_deleted"))
    };
    assert_eq!(arrived("commits"), (4, 0, 0));
    assert_eq!(arrived("branches"), (1, 0, 1));
    assert_eq!(arrived("teams"), (0, 1, 0));
    assert_eq!(arrived("comments"), (2, 2, 0));
    assert_eq!(arrived("users"), (0, 0, 0));
}

#[test]
fn closing_table_says_what_was_done() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["issues", "branches"]);
    let run = ["run", "spec.yaml", "--parallel", "1"];
    insta::assert_snapshot!(sandbox.run(&run), @r"
    exit code: 0
    ----- stdout -----
    table             flow      read  inserted  updated  deleted  rescued  requests    time  result
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    default.issues    upsert     250       250        0        0        0         3  N.NN s  complete: read to its end
    default.branches  snapshot    12        12        0        0        0         1  N.NN s  complete: whole snapshot read
    ----- stderr -----
    default.issues: 250 rows read, 250 inserted, 0 updated, 0 deleted in N.NN s
    default.branches: 12 rows read, 12 inserted, 0 updated, 0 deleted in N.NN s
    ");
    insta::assert_snapshot!(sandbox.run(&run), @r"
    exit code: 0
    ----- stdout -----
    table             flow      read  inserted  updated  deleted  rescued  requests    time  result
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    default.issues    upsert       0         0        0        0        0         1  N.NN s  unchanged: nothing new
    default.branches  snapshot    12         0        0        0        0         1  N.NN s  unchanged: whole snapshot read
    ----- stderr -----
    default.issues: 0 rows read, 0 inserted, 0 updated, 0 deleted in N.NN s
    default.branches: 12 rows read, 0 inserted, 0 updated, 0 deleted in N.NN s
    ");
}

#[test]
fn run_can_be_narrowed_to_some_tables() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["teams", "users", "branches"]);
    insta::assert_snapshot!(sandbox.run(&["run", "spec.yaml", "--tables", "teams,users", "--parallel", "1"]), @r"
    exit code: 0
    ----- stdout -----
    table          flow      read  inserted  updated  deleted  rescued  requests    time  result
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    default.teams  snapshot     4         4        0        0        0         1  N.NN s  complete: whole snapshot read
    default.users  snapshot    20        20        0        0        0         1  N.NN s  complete: whole snapshot read
    ----- stderr -----
    default.teams: 4 rows read, 4 inserted, 0 updated, 0 deleted in N.NN s
    default.users: 20 rows read, 20 inserted, 0 updated, 0 deleted in N.NN s
    ");
    insta::assert_snapshot!(sandbox.run(&["run", "spec.yaml", "--tables", "team"]), @r"
    exit code: 2
    ----- stderr -----
    error: unknown table of this pipeline `team`
    hint: did you mean `teams`? valid: `branches`, `teams`, `users`
    ");
    assert_eq!(entries(&sandbox.path("lakehouse/default")), ["teams", "users"]);
}

#[test]
fn full_refresh_reads_everything_again() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["commits", "teams"]);
    assert!(sandbox.output(&RUN).status.success());
    let refresh = ["run", "spec.yaml", "--full-refresh=commits", "--parallel", "1"];
    insta::assert_snapshot!(sandbox.run(&refresh), @r"
    exit code: 0
    ----- stdout -----
    table            flow      read  inserted  updated  deleted  rescued  requests    time  result
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    default.commits  append     200       200        0        0        0        11  N.NN s  complete: read to its end
    default.teams    snapshot     4         0        0        0        0         1  N.NN s  unchanged: whole snapshot read
    ----- stderr -----
    default.commits: 200 rows read, 200 inserted, 0 updated, 0 deleted in N.NN s
    default.teams: 4 rows read, 0 inserted, 0 updated, 0 deleted in N.NN s
    ");
    assert_same("commits", &sandbox.rows("commits"), &github.expected("commits"));
    insta::assert_snapshot!(sandbox.run(&["run", "spec.yaml", "--full-refresh=comits"]), @r"
    exit code: 2
    ----- stderr -----
    error: unknown table of this pipeline `comits`
    hint: did you mean `commits`? valid: `commits`, `teams`
    ");
}

#[test]
fn dry_run_says_what_would_be_done_and_does_nothing() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["commits", "teams"]);
    insta::assert_snapshot!(sandbox.run(&["run", "spec.yaml", "--dry-run"]), @r"
    exit code: 0
    ----- stdout -----
    table            source table  flow      rows now  would
    ──────────────────────────────────────────────────────────────
    default.commits  commits       append              be created
    default.teams    teams         snapshot            be created
    ");
    insta::assert_snapshot!(sandbox.run(&["run", "spec.yaml", "--dry-run", "--output", "json"]), @r#"
    exit code: 0
    ----- stdout -----
    {"action":"create","event":"planned","flow":"append","offset":{},"source_table":"commits","table":"default.commits"}
    {"action":"create","event":"planned","flow":"snapshot","offset":{},"source_table":"teams","table":"default.teams"}
    "#);
    assert!(!sandbox.lakehouse().exists());
    assert_eq!(github.requests().len(), 0);
}

#[test]
fn spec_is_read_from_stdin() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &[]);
    let output = sandbox.output_with_stdin(&["run", "-"], &crate::support::spec(&["teams"]));
    assert!(output.status.success(), "{}", sandbox.shown(&output));
    assert_same("teams", &sandbox.rows("teams"), &github.expected("teams"));
}

#[test]
fn events_tell_the_whole_run() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["teams"]);
    let events = sandbox.objects(&["run", "spec.yaml", "--output", "json"]);
    let steps: Vec<_> =
        events.iter().map(|event| event["event"].as_str().unwrap()).filter(|name| *name != "progress").collect();
    assert_eq!(steps, ["run_started", "table_started", "committed", "table_finished", "run_finished"]);
    let finished = &events[events.len() - 2];
    let fields: Vec<_> = finished.as_object().unwrap().keys().collect();
    insta::assert_debug_snapshot!(fields, @r#"
    [
        "bytes",
        "commits",
        "event",
        "evidence",
        "files",
        "offset",
        "requests",
        "retries",
        "rows_deleted",
        "rows_inserted",
        "rows_read",
        "rows_rescued",
        "rows_updated",
        "seconds",
        "table",
    ]
    "#);
}

#[test]
fn other_tables_arrive_when_one_fails() {
    let github = GitHub::start();
    github.set_faults(vec![Fault::new(FaultKind::Garbage).on("/orgs/*/teams*")]);
    let sandbox = Sandbox::with_pipeline(&github, &["teams", "users"]);
    insta::assert_snapshot!(sandbox.run(&["run", "spec.yaml", "--parallel", "1"]), @r"
    exit code: 3
    ----- stdout -----
    table          flow      read  inserted  updated  deleted  rescued  requests    time  result
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    default.teams  snapshot     0         0        0        0        0         1  N.NN s  failed
    default.users  snapshot    20        20        0        0        0         1  N.NN s  complete: whole snapshot read
    ----- stderr -----
    default.teams: not complete after N.NN s
    default.users: 20 rows read, 20 inserted, 0 updated, 0 deleted in N.NN s
    error: default.teams: `GET https://api.github.com/orgs/acme/teams?per_page=100` was not answered with JSON: expected UTF-8, found another byte at position 32 (status `200`, table `teams`)
    hint: check the address of the connection: a log-in page or a proxy may have answered
    ");
    assert_same("users", &sandbox.rows("users"), &github.expected("users"));
}

#[cfg(unix)]
#[test]
fn interrupted_run_stops_in_good_order_and_goes_on_later() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let latency = std::time::Duration::from_millis(50);
    let github = GitHub::start_with(SimulatorSettings { latency, ..SimulatorSettings::default() });
    let sandbox = Sandbox::with_pipeline(&github, &["issues"]);
    let spec =
        sandbox.read("spec.yaml").replace("repo: rocket", "repo: rocket, per_page: '5', max_records_per_batch: '10'");
    sandbox.write("spec.yaml", &spec);
    let mut command = sandbox.command(&["run", "spec.yaml", "--output", "json", "--commit-rows", "10"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut interrupted = false;
    for line in lines {
        let event: Value = serde_json::from_str(&line).unwrap();
        if event["event"] == "committed" && !interrupted {
            interrupted = true;
            let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
            assert!(kill.unwrap().success());
        }
    }
    insta::assert_snapshot!(sandbox.shown(&child.wait_with_output().unwrap()), @r"
    exit code: 130
    ----- stderr -----
    stopping: what is being committed is finished first; press Ctrl-C again to leave at once
    stopped; the next run goes on from there
    ");
    let there = sandbox.rows("issues").len();
    assert!(0 < there && there < github.expected("issues").len(), "{there}");
    assert!(sandbox.output(&RUN).status.success());
    assert_same("issues", &sandbox.rows("issues"), &github.expected("issues"));
}
