//! `record`, `replay`, `drift`, `run --record`

use serde_json::Value;

use crate::support::{GitHub, Sandbox, TOKEN};

#[test]
fn recording_has_the_answers_and_no_secret_and_shows_no_drift() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["users"]);
    let record = ["record", "github", "users", "teams", "--to", "github.json", "-o", "org=acme"];
    let output = sandbox.output(&record);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = sandbox.read("github.json");
    assert!(!text.contains(TOKEN), "the token is in the recording");
    let cassette: Value = serde_json::from_str(&text).unwrap();
    assert!(cassette["exchanges"].as_array().unwrap().len() > 1);
    let drift = sandbox.output(&["drift", "github.json", "github", "--output", "json"]);
    assert!(drift.status.success(), "{}", String::from_utf8_lossy(&drift.stderr));
}

#[test]
fn pages_behind_links_are_recorded_of_what_stands_in_for_the_source() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["issues"]);
    let options = ["-o", "owner=acme", "-o", "repo=rocket", "-o", "per_page=10", "--limit", "30"];
    let record = sandbox.output(&[&["record", "github", "issues", "--to", "github.json"][..], &options].concat());
    assert!(record.status.success(), "{}", sandbox.shown(&record));
    let cassette: Value = serde_json::from_str(&sandbox.read("github.json")).unwrap();
    assert!(cassette["exchanges"].as_array().unwrap().len() > 2);
}

#[test]
fn run_that_fails_leaves_a_recording() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["issues"]);
    sandbox.write("connections.yaml", "github: {source: github, options: {token: wrong-token-value}}\n");
    let output = sandbox.output(&["run", "spec.yaml", "--record", "failure.json"]);
    assert!(!output.status.success());
    let text = sandbox.read("failure.json");
    assert!(text.contains("401") && !text.contains("wrong-token-value"), "{text}");
}
