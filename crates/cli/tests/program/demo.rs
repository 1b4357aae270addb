//! `demo`

use regex::Regex;

use crate::support::{Sandbox, entries};

#[test]
fn demo_shows_two_runs_and_what_to_try_next() {
    let sandbox = Sandbox::new();
    let shown = sandbox.run(&["demo", "--parallel", "1"]);
    let address = Regex::new(r"http://127\.0\.0\.1:\d+").unwrap();
    insta::assert_snapshot!(address.replace_all(&shown, "[SIMULATOR]"), @"");
    assert_eq!(entries(&sandbox.path("lakehouse/demo")).len(), 12);
    assert_eq!(entries(&sandbox.path("lakehouse")), ["demo"]);
}

#[test]
fn demo_can_be_shown_again() {
    let sandbox = Sandbox::new();
    for _ in 0..2 {
        let output = sandbox.output(&["demo"]);
        assert!(output.status.success(), "{}", sandbox.shown(&output));
    }
}
