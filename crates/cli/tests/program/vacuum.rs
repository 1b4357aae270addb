//! `vacuum TABLE…`

use crate::support::{GitHub, Sandbox};

#[test]
fn files_that_left_the_table_are_told_then_deleted() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["branches"]);
    assert!(sandbox.output(&["run", "spec.yaml"]).status.success());
    assert!(sandbox.output(&["run", "spec.yaml", "--full-refresh"]).status.success());
    insta::assert_snapshot!(sandbox.run(&["vacuum", "branches"]), @r"
    exit code: 0
    ----- stdout -----
    default.branches: 0 files (0 B) deleted
    ");
    let at_once = ["--retention", "0s", "--allow-short-retention"];
    let vacuum = |more: &[&str]| {
        let events = sandbox.objects(&[&["vacuum", "branches", "--output", "json"][..], &at_once, more].concat());
        events[0]["files"].as_array().unwrap().len()
    };
    assert_eq!(vacuum(&["--dry-run"]), 1);
    assert_eq!(vacuum(&[]), 1);
    assert_eq!(vacuum(&[]), 0);
    assert_eq!(sandbox.rows("branches").len(), github.expected("branches").len());
}

#[test]
fn short_retention_must_be_meant() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["branches"]);
    assert!(sandbox.output(&["run", "spec.yaml"]).status.success());
    insta::assert_snapshot!(sandbox.run(&["vacuum", "branches", "--retention", "1h"]), @r"
    exit code: 2
    ----- stderr -----
    error: a retention of 1 hours is shorter than the table's 168 (table `default.branches`, location `file://[FOLDER]/lakehouse/default/branches/`)
    hint: readers and runs that began before may still need the files; where there are none, add `--allow-short-retention`
    ");
}
