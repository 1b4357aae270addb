//! `runs [RUN]`

use crate::support::{GitHub, Sandbox};

#[test]
fn every_run_is_recorded_also_one_that_changed_nothing() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["issues", "branches"]);
    let first = sandbox.objects(&["run", "spec.yaml", "--output", "json"]);
    assert!(sandbox.output(&["run", "spec.yaml"]).status.success());
    let records = sandbox.objects(&["runs", "--output", "json"]);
    let told: Vec<_> = records
        .iter()
        .map(|record| {
            (record["table"].as_str().unwrap(), record["result"].as_str().unwrap(), record["rows_inserted"].as_u64())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("default.branches", "unchanged", Some(0)),
            ("default.issues", "unchanged", Some(0)),
            ("default.branches", "complete", Some(12)),
            ("default.issues", "complete", Some(250)),
        ]
    );
    let name = first[0]["run"].as_str().unwrap();
    assert_eq!(records[3]["run"], name);
    let shown = sandbox.run(&["runs", &name[..8]]);
    assert!(shown.contains("of connection `github`") && shown.contains("default.issues: offset: {"), "{shown}");
    assert_eq!(sandbox.rows("lakeflow.runs").len(), 4, "it is a table like any other");
    assert_eq!(sandbox.objects(&["history", "lakeflow.runs", "--output", "json"]).len(), 3, "one commit a run");
}

#[test]
fn failed_run_is_recorded_with_its_error() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["issues"]);
    sandbox.write("connections.yaml", "github: {source: github, options: {token: wrong}}\n");
    assert!(!sandbox.output(&["run", "spec.yaml"]).status.success());
    let records = sandbox.objects(&["runs", "--output", "json"]);
    assert_eq!((records.len(), records[0]["result"].as_str()), (1, Some("failed")));
    assert!(
        records[0]["error_kind"].is_string() && records[0]["error"].as_str().unwrap().contains("401"),
        "{records:?}"
    );
}

#[test]
fn record_that_cannot_be_written_is_a_warning_and_the_rows_are_there() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["branches"]);
    std::fs::create_dir_all(sandbox.lakehouse()).unwrap();
    std::fs::write(sandbox.lakehouse().join("lakeflow"), "in the way").unwrap();
    let output = sandbox.output(&["run", "spec.yaml"]);
    assert!(output.status.success());
    let shown = sandbox.shown_stderr(&output);
    assert!(shown.contains("lakeflow.runs: the run's record was not written"), "{shown}");
    assert_eq!(sandbox.rows("branches").len(), github.expected("branches").len());
}

#[test]
fn run_that_is_not_recorded_is_named() {
    insta::assert_snapshot!(Sandbox::new().run(&["runs", "nobody"]), @r"
    exit code: 1
    ----- stderr -----
    error: there is no record of a run `nobody`
    hint: `community-connector runs` lists the runs; one that was killed leaves no record
    ");
}
