//! `connection …`

use crate::support::{GitHub, Sandbox};

#[test]
fn created_connection_is_listed_shown_and_deleted() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["connection", "create", "github", "hub", "-o", "token=env:TOKEN"]), @"");
    insta::assert_snapshot!(sandbox.read("connections.yaml"), @"");
    insta::assert_snapshot!(sandbox.run(&["connection", "list"]), @"");
    insta::assert_snapshot!(sandbox.run(&["connection", "show", "hub"]), @"");
    insta::assert_snapshot!(sandbox.run(&["connection", "delete", "hub"]), @"");
    insta::assert_snapshot!(sandbox.run(&["connection", "list"]), @"");
}

#[test]
fn plain_secret_is_stored_with_a_warning_and_never_shown() {
    let sandbox = Sandbox::new();
    let url = "base_url=https://github.example/api/v3";
    let create = ["connection", "create", "github", "hub", "-o", "token=tops3cret", "-o", url];
    insta::assert_snapshot!(sandbox.run(&create), @"");
    insta::assert_snapshot!(sandbox.run(&["connection", "show", "hub"]), @"");
    insta::assert_snapshot!(sandbox.run(&["connection", "show", "hub", "--output", "json"]), @"");
    assert!(sandbox.read("connections.yaml").contains("tops3cret"));
}

#[test]
fn secret_is_read_from_stdin() {
    let sandbox = Sandbox::new();
    let create = ["connection", "create", "github", "hub", "-o", "token=@-"];
    let output = sandbox.output_with_stdin(&create, "tops3cret\n");
    assert_eq!(output.status.code(), Some(0));
    assert!(sandbox.read("connections.yaml").contains("token: tops3cret\n"));
}

#[test]
fn existing_connection_is_replaced_only_when_asked_to() {
    let sandbox = Sandbox::new().with_connection();
    let create = ["connection", "create", "github", "github", "-o", "token=env:OTHER"];
    insta::assert_snapshot!(sandbox.run(&create), @"");
    let replace = [&create[..], &["--replace"]].concat();
    assert_eq!(sandbox.output(&replace).status.code(), Some(0));
    assert!(sandbox.read("connections.yaml").contains("env:OTHER"));
}

#[test]
fn missing_and_unknown_parameters_are_named() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["connection", "create", "github", "hub"]), @"");
    insta::assert_snapshot!(sandbox.run(&["connection", "create", "github", "hub", "-o", "tokn=env:T"]), @"");
    let bad_url = ["connection", "create", "github", "hub", "-o", "token=env:T", "-o", "base_url=github"];
    insta::assert_snapshot!(sandbox.run(&bad_url), @"");
    insta::assert_snapshot!(sandbox.run(&["connection", "create", "githup", "hub", "-o", "token=env:T"]), @"");
}

#[cfg(unix)]
#[test]
fn file_that_others_can_read_is_warned_of() {
    let sandbox = Sandbox::new().with_connection();
    sandbox.set_mode("connections.yaml", 0o640);
    insta::assert_snapshot!(sandbox.run(&["connection", "list"]), @"");
}

#[test]
fn connection_that_works_says_so() {
    let github = GitHub::start();
    let sandbox = Sandbox::new().with_upstream(github.url().as_str()).with_connection();
    insta::assert_snapshot!(sandbox.run(&["connection", "test", "github"]), @"");
}
