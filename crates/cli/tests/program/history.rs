//! `history TABLE`

use crate::support::{GitHub, Sandbox};

#[test]
fn versions_are_listed_with_what_made_them() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["issues"]);
    let run = sandbox.objects(&["run", "spec.yaml", "--output", "json"]);
    let entries = sandbox.objects(&["history", "issues", "--output", "json"]);
    let told: Vec<_> = entries.iter().map(|entry| (entry["version"].as_u64(), entry["operation"].as_str())).collect();
    assert_eq!(told, [(Some(1), Some("MERGE")), (Some(0), Some("CREATE TABLE"))]);
    assert_eq!(entries[0]["parameters"]["run"], run[0]["run"]);
    assert_eq!(entries[0]["parameters"]["flow"], "default.issues");
    let text = sandbox.run(&["history", "issues", "--limit", "1"]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[2].starts_with("version  at"), "{text}");
    assert!(lines[4].contains("MERGE") && lines[4].contains("250") && lines.len() == 5, "{text}");
}
