//! `describe CONNECTION|SOURCE TABLE`

use crate::support::Sandbox;

#[test]
fn table_is_described_with_columns_keys_and_options() {
    insta::assert_snapshot!(Sandbox::new().run(&["describe", "github", "branches"]), @"");
}

#[test]
fn description_for_programs_has_the_schema() {
    insta::assert_snapshot!(Sandbox::new().run(&["describe", "github", "branches", "--output", "json"]), @"");
}

#[test]
fn misspelt_table_names_the_nearest() {
    insta::assert_snapshot!(Sandbox::new().run(&["describe", "github", "isues"]), @"");
}
