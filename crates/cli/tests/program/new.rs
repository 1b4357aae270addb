//! `new NAME`, and that what it makes passes `check` and `test`.

use crate::support::Sandbox;

#[test]
fn new_source_passes_check_and_test() {
    let sandbox = Sandbox::new();
    assert!(sandbox.output(&["new", "help_desk"]).status.success());
    insta::assert_snapshot!(sandbox.run(&["check", "help_desk"]), @r"
    exit code: 0
    ----- stdout -----
    help_desk: 3 tables, nothing to mend
    ");
    let tested = sandbox.objects(&["test", "help_desk", "--junit", "report.xml", "--output", "json"]);
    let last = tested.last().unwrap();
    assert_eq!((last["event"].as_str(), last["failed"].as_u64()), (Some("tested"), Some(0)), "{tested:?}");
    assert_eq!(sandbox.read("report.xml").matches("<testsuite ").count(), 4);
}

#[test]
fn new_source_is_used_from_its_folder() {
    let sandbox = Sandbox::new();
    sandbox.output(&["new", "help_desk", "--in", "team"]);
    insta::assert_snapshot!(sandbox.run(&["tables", "help_desk", "--source", "team/help_desk"]), @r"
    exit code: 0
    ----- stdout -----
    table     ingestion type  primary keys  cursor      description
    ──────────────────────────────────────────────────────────────────────────────────
    agents    snapshot        id                        People who answer tickets
    comments  append          id            created_at  Comments on tickets
    tickets   cdc             id            updated_at  Tickets, whatever their state
    ");
}

#[test]
fn connection_of_a_folder_says_how_to_try_it() {
    let sandbox = Sandbox::new();
    sandbox.output(&["new", "help_desk"]);
    let create = ["connection", "create", "help_desk", "desk", "-o", "token=env:TOKEN", "--source", "./help_desk"];
    insta::assert_snapshot!(sandbox.run(&create), @r"
    exit code: 0
    ----- stderr -----
    created connection `desk` in `connections.yaml`
    try it: `community-connector connection test desk --source ./help_desk`
    ");
}

#[test]
fn folder_that_exists_is_left_as_it_is() {
    let sandbox = Sandbox::new();
    sandbox.output(&["new", "help_desk"]);
    insta::assert_snapshot!(sandbox.run(&["new", "help_desk"]), @r"
    exit code: 2
    ----- stderr -----
    error: `./help_desk` exists already
    hint: nothing is overwritten: choose another name, or another folder with `--in`
    ");
    insta::assert_snapshot!(sandbox.run(&["new", "Help-Desk"]), @r"
    exit code: 2
    ----- stderr -----
    error: `Help-Desk` cannot be the name of a source
    hint: name the folder with lower-case letters, digits and `_`, beginning with a letter
    ");
}
