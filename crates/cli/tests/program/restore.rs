//! `restore TABLE`

use lakeflow_simulator::Advance;

use crate::support::{GitHub, Sandbox};

#[test]
fn restored_table_is_filled_again_from_where_it_stood() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["branches"]);
    assert!(sandbox.output(&["run", "spec.yaml"]).status.success());
    let first = sandbox.rows("branches");
    github.advance(&Advance::new().table("branches", 3, 0, 0)).unwrap();
    assert!(sandbox.output(&["run", "spec.yaml"]).status.success());
    assert_ne!(sandbox.rows("branches").len(), first.len());
    let text = sandbox.run(&["restore", "branches", "--version", "1"]);
    assert!(text.contains("default.branches: version 3 is version 1 again; 1 file left the table"), "{text}");
    assert_eq!(sandbox.rows("branches").len(), first.len());
    assert!(sandbox.output(&["run", "spec.yaml"]).status.success());
    assert_eq!(sandbox.rows("branches").len(), github.expected("branches").len());
}

#[test]
fn version_or_instant_must_be_given_and_be_there() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["branches"]);
    assert!(sandbox.output(&["run", "spec.yaml"]).status.success());
    assert_eq!(sandbox.output(&["restore", "branches"]).status.code(), Some(2));
    insta::assert_snapshot!(sandbox.run(&["restore", "branches", "--version", "9"]), @r"
    exit code: 1
    ----- stderr -----
    error: the table has no version 9: its latest is 1 (table `default.branches`, location `file://[FOLDER]/lakehouse/default/branches/`)
    hint: `history` lists them
    ");
    let error = sandbox.run(&["restore", "branches", "--timestamp", "2001-01-01T00:00:00Z"]);
    assert!(error.contains("the log has no version as old as 2001-01-01T00:00:00+00:00"), "{error}");
}
