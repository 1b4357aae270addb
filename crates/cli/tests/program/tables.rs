//! `tables CONNECTION|SOURCE`

use crate::support::Sandbox;

#[test]
fn tables_of_a_source_need_no_connection() {
    insta::assert_snapshot!(Sandbox::new().run(&["tables", "github"]), @"");
}

#[test]
fn tables_of_a_connection_are_events_for_programs() {
    let output = Sandbox::new().with_connection().output(&["tables", "github", "--output", "json"]);
    let lines: Vec<serde_json::Value> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 12);
    assert!(lines.iter().all(|line| line["event"] == "table"));
    let issues = lines.iter().find(|line| line["name"] == "issues").unwrap();
    insta::assert_snapshot!(issues, @"");
}

#[test]
fn unknown_target_names_the_nearest() {
    insta::assert_snapshot!(Sandbox::new().with_connection().run(&["tables", "gitub"]), @"");
}
