//! `simulate SOURCE`

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::Sandbox;

fn next_event(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> Value {
    serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap()
}

fn interrupt(child: Child) -> std::process::Output {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    child.wait_with_output().unwrap()
}

#[cfg(unix)]
#[test]
fn simulator_serves_moves_on_and_stops() {
    let sandbox = Sandbox::new().with_connection();
    let simulate = ["simulate", "github", "--output", "json", "--advance-every", "10ms"];
    let mut command = sandbox.command(&simulate);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let started = next_event(&mut lines);
    assert_eq!(started["event"], "simulator_started");
    assert_eq!(next_event(&mut lines)["event"], "simulator_advanced");
    let test = ["connection", "test", "github", "--upstream", started["url"].as_str().unwrap()];
    assert!(sandbox.output(&test).status.success());
    let output = interrupt(child);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stderr).unwrap().contains("answered 1 request"));
}

/// What `simulate` says first.
#[cfg(unix)]
fn announced(sandbox: &Sandbox, source: &str) -> String {
    let mut command = sandbox.command(&["simulate", source]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    let url = first.split_whitespace().find(|word| word.starts_with("http")).unwrap().trim_end_matches(';').to_owned();
    let rest: Vec<_> = lines.by_ref().take(8).collect();
    interrupt(child);
    [vec![first], rest].concat().join("\n").replace(url.trim_end_matches('/'), "[SIMULATOR]")
}

#[cfg(unix)]
#[test]
fn announcement_says_how_to_connect() {
    let announcement = announced(&Sandbox::new(), "github");
    insta::assert_snapshot!(announcement, @r#"
    a simulated github is at [SIMULATOR]/; Ctrl-C stops it

    send a connection there:
      community-connector connection create github NAME -o token=simulated
      community-connector read NAME TABLE --upstream [SIMULATOR]/
      community-connector run SPEC --upstream [SIMULATOR]/

    move it on:
      curl -X POST [SIMULATOR]/_simulator/advance -d '{"tables": {"TABLE": {"added": 5, "changed": 3}}}'
    "#);
}

#[cfg(unix)]
#[test]
fn announcement_of_a_folder_makes_it_known() {
    let sandbox = Sandbox::new();
    assert!(sandbox.output(&["new", "help_desk"]).status.success());
    let announcement = announced(&sandbox, "./help_desk");
    let source = format!(" --source {}", sandbox.path("help_desk").canonicalize().unwrap().display());
    let create = format!("  community-connector connection create help_desk NAME -o token=simulated{source}");
    let run = format!("  community-connector run SPEC --upstream [SIMULATOR]/{source}");
    for line in [create, run] {
        assert!(announcement.lines().any(|told| told == line), "{line}\n{announcement}");
    }
    assert!(sandbox.output(&["source", "add", "."]).status.success());
    assert!(!announced(&sandbox, "help_desk").contains("--source"));
}

#[test]
fn source_that_is_not_there_names_the_nearest() {
    insta::assert_snapshot!(Sandbox::new().run(&["simulate", "githup"]), @r"
    exit code: 2
    ----- stderr -----
    error: unknown source `githup`
    hint: did you mean `github`? valid: `amplitude`, `github`, `hubspot`, `mailchimp`, `microsoft_teams`, `mixpanel`, `shopify`, `stripe`, `surveymonkey`, `zendesk`
    ");
}
