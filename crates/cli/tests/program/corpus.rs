//! `corpus`

use crate::support::{GitHub, Sandbox};

/// The definition of the source `github`, without a simulator beside it.
const DEFINITION: &str = include_str!("../../../../sources/github/connector.yaml");

/// A sandbox with a recording of some tables, and a source of its own that has no simulator.
fn recorded() -> (GitHub, Sandbox) {
    let github = GitHub::start();
    let sandbox = Sandbox::new().with_upstream(github.url().as_str()).with_connection();
    let record = ["record", "github", "users", "teams", "--to", "github.json", "-o", "org=acme"];
    let recorded = sandbox.output(&record);
    assert!(recorded.status.success(), "{}", sandbox.shown(&recorded));
    std::fs::create_dir(sandbox.path("hub")).unwrap();
    sandbox.write("hub/connector.yaml", DEFINITION);
    (github, sandbox)
}

#[test]
fn source_without_a_simulator_is_tried_against_what_was_recorded() {
    let (_github, sandbox) = recorded();
    let made = sandbox.output(&["corpus", "github.json", "hub"]);
    assert!(made.status.success(), "{}", sandbox.shown(&made));
    for table in ["users", "teams"] {
        let test = ["test", "hub", "--table", table, "-o", "org=acme"];
        for check in ["rows_are_those_of_the_source", "page_size_changes_nothing", "rows_fit_the_schema"] {
            let tested = sandbox.output(&[&test[..], &["--check", check]].concat());
            assert!(tested.status.success(), "{}", sandbox.shown(&tested));
        }
    }
    assert!(sandbox.read("hub/simulator/corpus/users.json").contains("\"identity\": \"id\""));
}

#[test]
fn files_that_are_there_stay_unless_they_may_be_replaced() {
    let (_github, sandbox) = recorded();
    sandbox.output(&["corpus", "github.json", "hub"]);
    let made = sandbox.read("hub/simulator/corpus/users.json");
    sandbox.write("hub/simulator/corpus/users.json", "{}");
    let again = sandbox.shown(&sandbox.output(&["corpus", "github.json", "hub"]));
    assert!(again.contains("`--replace` writes over it"), "{again}");
    assert_eq!(sandbox.read("hub/simulator/corpus/users.json"), "{}");
    sandbox.output(&["corpus", "github.json", "hub", "--replace"]);
    assert_eq!(sandbox.read("hub/simulator/corpus/users.json"), made);
}

#[test]
fn built_in_source_needs_a_folder_to_write_to() {
    let (_github, sandbox) = recorded();
    let refused = sandbox.shown(&sandbox.output(&["corpus", "github.json", "github"]));
    assert!(refused.contains("`--to DIR`"), "{refused}");
    let made = sandbox.output(&["corpus", "github.json", "github", "--to", "made"]);
    assert!(made.status.success() && sandbox.path("made/corpus/users.json").is_file(), "{}", sandbox.shown(&made));
}
