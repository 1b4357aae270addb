//! `show TABLE`

use crate::support::{GitHub, Sandbox};

#[test]
fn rows_of_a_destination_are_shown() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["branches"]);
    assert!(sandbox.output(&["run", "spec.yaml"]).status.success());
    let columns = ["--columns", "name,protected"];
    insta::assert_snapshot!(sandbox.run(&[&["show", "branches", "--limit", "2"][..], &columns].concat()), @"");
    let long_name = sandbox.objects(&["show", "default.branches", "--format", "jsonl"]);
    assert_eq!(long_name.len(), github.expected("branches").len());
}

#[test]
fn table_that_is_not_there_is_named() {
    insta::assert_snapshot!(Sandbox::new().run(&["show", "issues"]), @"");
    insta::assert_snapshot!(Sandbox::new().run(&["show", "a.b.c.d"]), @"");
}
