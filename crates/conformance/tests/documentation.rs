//! The guide, the contract's documentation and the suite say the same.

use lakeflow_conformance::CHECKS;

const GUIDE: &str = include_str!("../../../docs/guides/conformance.md");
const CONTRACT: &str = include_str!("../../interface/src/connect.rs");

fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn guide_has_every_check_with_what_it_demands_and_what_to_do() {
    let guide = joined(GUIDE);
    for check in CHECKS {
        let section = format!("**`{}`** {} When it fails: {}.", check.name, joined(check.demand), joined(check.advice));
        assert!(guide.contains(&section), "docs/guides/conformance.md has not: {section}");
    }
}

#[test]
fn behaviors_of_the_contract_are_checks() {
    let behaviors = CONTRACT.lines().filter_map(|line| line.trim().strip_prefix("/// - `")?.split('`').next());
    let behaviors: Vec<&str> = behaviors.collect();
    assert!(behaviors.len() > 5);
    for behavior in behaviors {
        assert!(CHECKS.iter().any(|check| check.name == behavior), "`{behavior}` is no check");
    }
}

#[test]
fn names_of_checks_are_unique() {
    let mut names: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CHECKS.len());
}
