//! `connection …`

use crate::support::{GitHub, Sandbox};

#[test]
fn created_connection_is_listed_shown_and_deleted() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["connection", "create", "github", "hub", "-o", "token=env:TOKEN"]), @r"
    exit code: 0
    ----- stderr -----
    created connection `hub` in `connections.yaml`
    try it: `community-connector connection test hub`
    ");
    insta::assert_snapshot!(sandbox.read("connections.yaml"), @r"
    hub:
      source: github
      options:
        token: env:TOKEN
    ");
    insta::assert_snapshot!(sandbox.run(&["connection", "list"]), @r"
    exit code: 0
    ----- stdout -----
    name  source
    ─────────────
    hub   github
    ");
    insta::assert_snapshot!(sandbox.run(&["connection", "show", "hub"]), @r"
    exit code: 0
    ----- stdout -----
    source: github

    option  value
    ──────────────────
    token   env:TOKEN
    ");
    insta::assert_snapshot!(sandbox.run(&["connection", "delete", "hub"]), @r"
    exit code: 0
    ----- stderr -----
    deleted connection `hub`
    ");
    insta::assert_snapshot!(sandbox.run(&["connection", "list"]), @r"
    exit code: 0
    ----- stderr -----
    there are no connections yet: `community-connector connection create SOURCE NAME`
    ");
}

#[test]
fn plain_secret_is_stored_with_a_warning_and_never_shown() {
    let sandbox = Sandbox::new();
    let url = "base_url=https://github.example/api/v3";
    let create = ["connection", "create", "github", "hub", "-o", "token=tops3cret", "-o", url];
    insta::assert_snapshot!(sandbox.run(&create), @r"
    exit code: 0
    ----- stderr -----
    warning: `token` is stored in plain text
    hint: a reference keeps it out of the file: `-o token=env:VARIABLE`
    created connection `hub` in `connections.yaml`
    try it: `community-connector connection test hub`
    ");
    insta::assert_snapshot!(sandbox.run(&["connection", "show", "hub"]), @r"
    exit code: 0
    ----- stdout -----
    source: github

    option    value
    ────────────────────────────────────────
    base_url  https://github.example/api/v3
    token     ***
    ");
    insta::assert_snapshot!(sandbox.run(&["connection", "show", "hub", "--output", "json"]), @r#"
    exit code: 0
    ----- stdout -----
    {"event":"connection","name":"hub","options":{"base_url":"https://github.example/api/v3","token":"***"},"source":"github"}
    "#);
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
    insta::assert_snapshot!(sandbox.run(&create), @r"
    exit code: 2
    ----- stderr -----
    error: connection `github` exists already
    hint: `--replace` replaces it
    ");
    let replace = [&create[..], &["--replace"]].concat();
    assert_eq!(sandbox.output(&replace).status.code(), Some(0));
    assert!(sandbox.read("connections.yaml").contains("env:OTHER"));
}

#[test]
fn missing_and_unknown_parameters_are_named() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["connection", "create", "github", "hub"]), @r"
    exit code: 2
    ----- stderr -----
    error: missing connection parameter `token`
    hint: add `-o token=env:VARIABLE`
    ");
    insta::assert_snapshot!(sandbox.run(&["connection", "create", "github", "hub", "-o", "tokn=env:T"]), @r"
    exit code: 2
    ----- stderr -----
    error: unknown connection parameter `tokn`
    hint: did you mean `token`? valid: `base_url`, `token`
    ");
    let bad_url = ["connection", "create", "github", "hub", "-o", "token=env:T", "-o", "base_url=github"];
    insta::assert_snapshot!(sandbox.run(&bad_url), @r"
    exit code: 2
    ----- stderr -----
    error: connection parameter `base_url`: expected a URL as `https://host/path`, found `github`
    ");
    insta::assert_snapshot!(sandbox.run(&["connection", "create", "githup", "hub", "-o", "token=env:T"]), @r"
    exit code: 2
    ----- stderr -----
    error: unknown source `githup`
    hint: did you mean `github`? valid: `amplitude`, `github`, `hubspot`, `mailchimp`, `microsoft_teams`, `mixpanel`, `shopify`, `stripe`, `surveymonkey`, `zendesk`
    ");
}

#[cfg(unix)]
#[test]
fn file_that_others_can_read_is_warned_of() {
    let sandbox = Sandbox::new().with_connection();
    sandbox.set_mode("connections.yaml", 0o640);
    insta::assert_snapshot!(sandbox.run(&["connection", "list"]), @r"
    exit code: 0
    ----- stdout -----
    name    source
    ───────────────
    github  github
    ----- stderr -----
    warning: others can read the connections file `connections.yaml`: its mode is 0640
    hint: `chmod 600 connections.yaml`
    ");
}

#[test]
fn connection_that_works_says_so() {
    let github = GitHub::start();
    let sandbox = Sandbox::new().with_upstream(github.url().as_str()).with_connection();
    insta::assert_snapshot!(sandbox.run(&["connection", "test", "github"]), @r"
    exit code: 0
    ----- stderr -----
    connection `github` works
    ");
}
