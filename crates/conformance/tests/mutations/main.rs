//! Every check is seen to fail on a connector that is broken on purpose, with the message that its author gets; and none on
//! sound ones that are written otherwise.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod breakage;
mod deleting;
mod list;
mod source;
mod splitting;
mod variants;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use lakeflow_conformance::{CHECKS, Verdict, cases};

use list::{MUTATIONS, Mutation};
use variants::VARIANTS;

/// What the check that a mutation is for says of it.
fn verdict(mutation: &Mutation) -> Verdict {
    let subject = source::subject(mutation);
    let cases = cases(&subject, Some(mutation.table)).unwrap();
    let case = cases.iter().find(|case| case.check().name == mutation.check).unwrap();
    case.run().verdict
}

/// The verdicts of mutations, found side by side.
fn verdicts(mutations: &[Mutation]) -> Vec<Verdict> {
    let next = AtomicUsize::new(0);
    let found = Mutex::new(vec![None; mutations.len()]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((number, mutation)) = {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    mutations.get(number).map(|mutation| (number, mutation))
                } {
                    let verdict = verdict(mutation);
                    found.lock().unwrap()[number] = Some(verdict);
                }
            });
        }
    });
    found.into_inner().unwrap().into_iter().map(Option::unwrap).collect()
}

#[test]
fn every_check_fails_on_a_connector_that_is_broken_on_purpose() {
    let mut told = String::new();
    let mut survivors = Vec::new();
    for (mutation, verdict) in MUTATIONS.iter().zip(verdicts(MUTATIONS)) {
        match verdict {
            Verdict::Failed(finding) => {
                writeln!(told, "# {}: {}\n{finding}\n", mutation.check, mutation.what).unwrap();
            }
            other => survivors.push(format!("{}: {} ({other:?})", mutation.check, mutation.what)),
        }
    }
    assert_eq!(survivors, Vec::<String>::new());
    insta::assert_snapshot!(told);
}

#[test]
fn every_check_has_a_mutation() {
    let mutated: BTreeSet<&str> = MUTATIONS.iter().map(|mutation| mutation.check).collect();
    let missing: Vec<&str> = CHECKS.iter().map(|check| check.name).filter(|name| !mutated.contains(name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn connectors_that_are_written_otherwise_pass_every_check() {
    let mut failed = Vec::new();
    for variant in VARIANTS {
        let subject = source::subject(variant);
        for case in cases(&subject, Some(variant.table)).unwrap() {
            if let Verdict::Failed(finding) = case.run().verdict {
                failed.push(format!("{}: {}: {finding}", variant.what, case.check().name));
            }
        }
    }
    assert_eq!(failed, Vec::<String>::new());
}

#[test]
fn sound_connector_passes_what_its_mutations_fail() {
    let sound: Vec<Mutation> = MUTATIONS.iter().map(Mutation::undone).collect();
    let verdicts = verdicts(&sound);
    let failed = sound.iter().zip(verdicts).filter(|(_, verdict)| *verdict != Verdict::Passed);
    let failed: Vec<String> = failed.map(|(sound, verdict)| format!("{}: {verdict:?}", sound.check)).collect();
    assert_eq!(failed, Vec::<String>::new());
}
