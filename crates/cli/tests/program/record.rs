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
fn run_that_fails_leaves_a_recording() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["issues"]);
    sandbox.write("connections.yaml", "github: {source: github, options: {token: wrong-token-value}}\n");
    let output = sandbox.output(&["run", "spec.yaml", "--record", "failure.json"]);
    assert!(!output.status.success());
    let text = sandbox.read("failure.json");
    assert!(text.contains("401") && !text.contains("wrong-token-value"), "{text}");
}
