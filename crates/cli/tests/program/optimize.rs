//! `optimize TABLE…`

use crate::support::{GitHub, Sandbox};

#[test]
fn files_of_a_table_are_joined_and_its_rows_stay() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["issues"]);
    assert!(sandbox.output(&["run", "spec.yaml", "--commit-rows", "60"]).status.success());
    let before = sandbox.rows("issues");
    let events = sandbox.objects(&["optimize", "issues", "--output", "json"]);
    assert_eq!((events[0]["event"].as_str(), events[0]["table"].as_str()), (Some("optimized"), Some("default.issues")));
    assert!(events[0]["files_removed"].as_u64() > Some(1), "{events:?}");
    assert_eq!(events[0]["files_added"], 1);
    let key = |row: &serde_json::Value| row["id"].as_i64();
    let mut after = sandbox.rows("issues");
    let mut expected = before;
    after.sort_by_key(key);
    expected.sort_by_key(key);
    assert_eq!(after, expected);
    insta::assert_snapshot!(sandbox.run(&["optimize", "issues"]), @r"
    exit code: 0
    ----- stdout -----
    default.issues: nothing to rewrite
    ");
    let again = sandbox.objects(&["run", "spec.yaml", "--output", "json"]);
    assert_eq!(again.last().unwrap()["commits"], 0, "the flow stands where it stood");
}

#[test]
fn table_must_be_there() {
    insta::assert_snapshot!(Sandbox::new().run(&["optimize", "issues"]), @r"
    exit code: 2
    ----- stderr -----
    error: there is no table `default.issues` in the lakehouse `./lakehouse`
    hint: `--lakehouse URL` names another lakehouse; `community-connector run SPEC` fills one
    ");
}
