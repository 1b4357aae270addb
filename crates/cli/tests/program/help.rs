//! `--help`, `completions`, `man`, and how fast they are.

use std::time::{Duration, Instant};

use crate::support::Sandbox;

#[test]
fn help_lists_commands_and_exit_codes() {
    insta::assert_snapshot!(Sandbox::new().run(&["--help"]), @"");
}

#[test]
fn help_of_run_lists_its_options() {
    insta::assert_snapshot!(Sandbox::new().run(&["run", "-h"]), @"");
}

#[test]
fn misspelt_command_and_flag_name_the_nearest() {
    insta::assert_snapshot!(Sandbox::new().run(&["rnu", "spec.yaml"]), @"");
    insta::assert_snapshot!(Sandbox::new().run(&["run", "spec.yaml", "--full-refesh"]), @"");
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = Sandbox::new().output(&["completions", shell]);
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().contains("full-refresh"), "{shell}");
    }
}

#[test]
fn man_pages_cover_every_command() {
    let sandbox = Sandbox::new();
    let page = String::from_utf8(sandbox.output(&["man"]).stdout).unwrap();
    assert!(page.starts_with(".ie") && page.contains("Exit codes"), "{page}");
    assert!(sandbox.output(&["man", "--folder", "man"]).status.success());
    let pages = crate::support::entries(&sandbox.path("man"));
    assert!(pages.contains(&"community-connector-connection-create.1".to_owned()), "{pages:?}");
}

#[test]
fn program_starts_within_its_budget() {
    let sandbox = Sandbox::new();
    sandbox.write("spec.yaml", "connection_name: github\nobject: []\n");
    for arguments in [&["--help"][..], &["run", "spec.yaml"]] {
        let fastest = (0..10).map(|_| elapsed(|| drop(sandbox.output(arguments)))).min().unwrap();
        assert!(fastest < Duration::from_millis(50), "{arguments:?} took {fastest:?}");
    }
}

fn elapsed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
