//! `test SOURCE|DIR`

use crate::support::{GitHub, Sandbox, TOKEN};

/// A new source whose tickets are not read as its API wants it.
fn broken() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.output(&["new", "shop"]);
    let text = sandbox.read("shop/connector.yaml");
    sandbox.write("shop/connector.yaml", &text.replace("pagination: link_header", "pagination: none"));
    sandbox
}

#[test]
fn failed_check_says_what_was_expected_and_found_and_what_to_do() {
    let sandbox = broken();
    let test =
        ["test", "shop", "--table", "tickets", "--check", "rows_are_those_of_the_source", "--junit", "report.xml"];
    insta::assert_snapshot!(sandbox.run(&test), @r"
    exit code: 1
    ----- stdout -----
       table    passed  failed  do not apply
    ─────────────────────────────────────────
    ✗  tickets       0       1             0

    tickets: rows_are_those_of_the_source
      A read from the beginning gives every row of the source, each once, with the values that it has there.
      expected  60 rows, each once
      found     30 rows
                30 missing: id=5093; id=5096; id=5099; and 27 more
      where     the read from the beginning
      do        compare the request that lists the table with the API's documentation: the path, parameters that leave rows out, `records`, and how the list goes on (`pagination`)

    0 checks passed, 1 check failed, 0 do not apply, in N.NN s
    ----- stderr -----
    shop: 1 check to try
    ");
    assert!(sandbox.read("report.xml").contains("<failure message="));
}

#[test]
fn unknown_names_are_told_with_the_nearest() {
    let sandbox = Sandbox::new();
    for test in [["github", "--table", "isues"], ["github", "--check", "reads_ends"], ["githup", "--table", "issues"]] {
        let output = sandbox.output(&[&["test"][..], &test].concat());
        let told = sandbox.shown(&output);
        assert!(output.status.code() == Some(2) && told.contains("did you mean"), "{told}");
    }
}

#[test]
fn live_account_that_is_tried_leaves_a_recording() {
    let github = GitHub::start();
    let sandbox = Sandbox::new().with_upstream(github.url().as_str()).with_connection();
    let test = ["test", "github", "--table", "teams", "--live", "--connection", "github", "-o", "org=acme"];
    let output = sandbox.output(&[&test[..], &["--record", "teams.json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = sandbox.read("teams.json");
    assert!(!text.contains(TOKEN), "the token is in the recording");
    let cassette: serde_json::Value = serde_json::from_str(&text).unwrap();
    let exchanges = cassette["exchanges"].as_array().unwrap();
    assert!(exchanges.iter().any(|exchange| exchange["request"]["path"] == "/orgs/acme/teams"), "{text}");
}

#[test]
fn live_account_is_asked_through_a_connection() {
    let github = GitHub::start();
    let sandbox = Sandbox::new().with_upstream(github.url().as_str()).with_connection();
    let options = ["-o", "owner=acme", "-o", "repo=rocket"];
    let test = ["test", "github", "--table", "issues", "--live", "--connection", "github", "--output", "json"];
    let tested = sandbox.objects(&[&test[..], &options].concat());
    let last = tested.last().unwrap();
    assert_eq!(last["failed"].as_u64(), Some(0), "{tested:?}");
    assert!(last["passed"].as_u64() > Some(8) && last["skipped"].as_u64() > Some(8), "{last}");
    assert!(github.request_counts().keys().all(|endpoint| endpoint.ends_with("/issues")));
}
