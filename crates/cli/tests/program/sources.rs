//! `sources [NAME]`

use crate::support::Sandbox;

#[test]
fn sources_are_listed() {
    insta::assert_snapshot!(Sandbox::new().run(&["sources"]), @"");
}

#[test]
fn source_is_shown_with_its_parameters_and_tables() {
    insta::assert_snapshot!(Sandbox::new().run(&["sources", "github"]), @"");
}

#[test]
fn misspelt_source_names_the_nearest() {
    insta::assert_snapshot!(Sandbox::new().run(&["sources", "gihtub"]), @"");
}
