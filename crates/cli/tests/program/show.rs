//! `show TABLE`

use crate::support::{GitHub, Sandbox};

#[test]
fn rows_of_a_destination_are_shown() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["branches"]);
    assert!(sandbox.output(&["run", "spec.yaml"]).status.success());
    let columns = ["--columns", "name,protected"];
    insta::assert_snapshot!(sandbox.run(&[&["show", "branches", "--limit", "2"][..], &columns].concat()), @r"
    exit code: 0
    ----- stdout -----
    name                 protected
    ───────────────────────────────
    feature/telemetry-5  true
    fix/größe-2          false
    ----- stderr -----
    … there are more rows: `--limit N` prints more of them
    ");
    let long_name = sandbox.objects(&["show", "default.branches", "--format", "jsonl"]);
    assert_eq!(long_name.len(), github.expected("branches").len());
}

#[test]
fn table_that_is_not_there_is_named() {
    insta::assert_snapshot!(Sandbox::new().run(&["show", "issues"]), @r"
    exit code: 2
    ----- stderr -----
    error: there is no table `default.issues` in the lakehouse `./lakehouse`
    hint: `--lakehouse URL` names another lakehouse; `community-connector run SPEC` fills one
    ");
    insta::assert_snapshot!(Sandbox::new().run(&["show", "a.b.c.d"]), @r"
    exit code: 2
    ----- stderr -----
    error: `a.b.c.d` is not a destination
    hint: write `table`, `schema.table` or `catalog.schema.table`
    ");
}
