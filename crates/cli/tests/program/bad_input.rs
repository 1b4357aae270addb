//! What goes wrong, and what is said about it.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use lakeflow_simulator::{Fault, FaultKind, RequestBudget, SimulatorSettings, Trigger};

use crate::rows::assert_same;
use crate::support::{GitHub, Sandbox};

const RUN: [&str; 2] = ["run", "spec.yaml"];

fn offline(spec: &str) -> Sandbox {
    let sandbox = Sandbox::new().with_connection();
    sandbox.write("spec.yaml", spec);
    sandbox
}

#[test]
fn misspelt_keys_of_a_spec_are_all_reported_with_their_places() {
    let sandbox = offline(
        "connection_nam: github
objects:
  - table:
      source_tabel: issues
      table_configuration: {scd_type: SCD_TYPE_9}
",
    );
    insta::assert_snapshot!(sandbox.run(&RUN), @"");
    insta::assert_snapshot!(sandbox.run(&["run", "spec.yaml", "--output", "json"]), @"");
}

#[test]
fn misspelt_table_names_the_nearest() {
    let sandbox = offline(
        "connection_name: github
objects:
  - table: {source_table: isues, table_configuration: {owner: acme, repo: rocket}}
",
    );
    insta::assert_snapshot!(sandbox.run(&RUN), @"");
    insta::assert_snapshot!(sandbox.run(&["read", "github", "isues"]), @"");
}

#[test]
fn misspelt_source_in_the_connections_file_names_the_nearest() {
    let sandbox = offline("connection_name: hub\nobjects: [{table: {source_table: users}}]\n");
    sandbox.write("connections.yaml", "hub: {source: gihub}\n");
    #[cfg(unix)]
    sandbox.set_mode("connections.yaml", 0o600);
    insta::assert_snapshot!(sandbox.run(&RUN), @"");
}

#[test]
fn missing_unknown_and_unfit_options_are_reported_together() {
    let sandbox = offline(
        "connection_name: github
objects:
  - table: {source_table: issues, table_configuration: {owner: acme}}
  - table: {source_table: commits, table_configuration: {owner: acme, repo: rocket, brnch: main}}
  - table: {source_table: pull_requests, table_configuration: {owner: acme, repo: rocket, state: opne}}
",
    );
    insta::assert_snapshot!(sandbox.run(&RUN), @"");
    insta::assert_snapshot!(sandbox.run(&["read", "github", "issues", "-o", "owner=acme", "-o", "rpo=rocket"]), @"");
}

#[test]
fn missing_connection_names_the_nearest() {
    let sandbox = offline("connection_name: gitub\nobjects: [{table: {source_table: users}}]\n");
    insta::assert_snapshot!(sandbox.run(&RUN), @"");
    sandbox.write("connections.yaml", "");
    insta::assert_snapshot!(sandbox.run(&RUN), @"");
}

#[test]
fn missing_spec_and_broken_connections_file_are_named() {
    let sandbox = offline("");
    insta::assert_snapshot!(sandbox.run(&["run", "other.yaml"]), @"");
    insta::assert_snapshot!(sandbox.run(&RUN), @"");
    sandbox.write("connections.yaml", "github: {source: github, options: [tops3cret]}\n");
    insta::assert_snapshot!(sandbox.run(&["connection", "list"]), @"");
}

#[test]
fn references_that_lead_nowhere_are_named() {
    let sandbox = offline("");
    for reference in ["env:GITHUB_TOKEN", "file:token.txt", "\"command:echo tops3cret >&2; exit 7\""] {
        sandbox.write("connections.yaml", &format!("github: {{source: github, options: {{token: {reference}}}}}\n"));
        let shown = sandbox.run(&["connection", "test", "github"]);
        match reference {
            "env:GITHUB_TOKEN" => insta::assert_snapshot!(shown, @""),
            "file:token.txt" => insta::assert_snapshot!(shown, @""),
            _ => insta::assert_snapshot!(shown, @""),
        }
    }
}

#[test]
fn refused_token_is_an_authentication_error() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["users"]);
    sandbox.write("connections.yaml", "github: {source: github, options: {token: wr0ng}}\n");
    insta::assert_snapshot!(sandbox.run(&["connection", "test", "github"]), @"");
    let shown = sandbox.run(&RUN);
    insta::assert_snapshot!(shown, @"");
    assert!(!shown.contains("wr0ng"));
}

#[test]
fn refused_permission_says_which_table() {
    let github = GitHub::start();
    let refusal = FaultKind::Status { code: 403, headers: Default::default(), body: None };
    github.set_faults(vec![Fault::new(refusal).on("/orgs/*")]);
    insta::assert_snapshot!(Sandbox::with_pipeline(&github, &["users"]).run(&RUN), @"");
}

#[test]
fn repository_that_does_not_exist_is_not_found() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["issues"]);
    sandbox.write("spec.yaml", &sandbox.read("spec.yaml").replace("rocket", "rokket"));
    insta::assert_snapshot!(sandbox.run(&RUN), @"");
}

#[test]
fn rate_limit_that_outlasts_patience_says_until_when() {
    let request_budget = Some(RequestBudget { requests: 1, window: Duration::from_secs(24 * 3600) });
    let github = GitHub::start_with(SimulatorSettings { request_budget, ..SimulatorSettings::default() });
    let sandbox = Sandbox::with_pipeline(&github, &["users", "teams"]);
    insta::assert_snapshot!(sandbox.run(&["run", "spec.yaml", "--parallel", "1"]), @"");
}

#[test]
fn server_that_is_down_is_unavailable() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let sandbox = Sandbox::new().with_upstream(&format!("http://{address}/")).with_connection();
    insta::assert_snapshot!(sandbox.run(&["connection", "test", "github"]), @"");
}

#[test]
fn garbage_and_html_instead_of_json_are_bad_responses() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["users"]);
    github.set_faults(vec![Fault::new(FaultKind::Garbage).on("/orgs/*")]);
    insta::assert_snapshot!(sandbox.run(&RUN), @"");
    github.set_faults(vec![Fault::new(FaultKind::WrongContentType).on("/orgs/*")]);
    insta::assert_snapshot!(sandbox.run(&RUN), @"");
}

#[test]
fn lakehouse_that_is_a_file_is_refused() {
    let sandbox = offline(
        "connection_name: github\nobjects: [{table: {source_table: users, table_configuration: {org: acme}}}]\n",
    );
    sandbox.write("lakehouse", "");
    insta::assert_snapshot!(sandbox.run(&RUN), @"");
    insta::assert_snapshot!(sandbox.run(&["run", "spec.yaml", "--lakehouse", "lakehouse/below"]), @"");
    insta::assert_snapshot!(sandbox.run(&["run", "spec.yaml", "--lakehouse", "ftp://host/lakehouse"]), @"");
}

/// `/proc` takes no folders, not even from root, whom the modes of folders do not stop.
#[cfg(target_os = "linux")]
#[test]
fn lakehouse_that_cannot_be_written_is_a_storage_error() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["users"]);
    insta::assert_snapshot!(sandbox.run(&["run", "spec.yaml", "--lakehouse", "/proc/lakehouse"]), @"");
}

/// A limit on the size of files stands for a full disk: writes fail in the middle of a file.
#[cfg(target_os = "linux")]
#[test]
fn lakehouse_without_room_is_a_storage_error_and_leaves_no_half_table() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["users"]);
    let command = sandbox.command(&RUN);
    let program = crate::support::PROGRAM;
    let limited = format!("trap '' XFSZ; ulimit -f 4; exec {program} \"$@\"");
    let arguments: Vec<_> = command.get_args().map(std::ffi::OsStr::to_os_string).collect();
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(limited).arg("sh").args(arguments).current_dir(command.get_current_dir().unwrap());
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    insta::assert_snapshot!(sandbox.shown(&shell.output().unwrap()), @"");
    assert!(sandbox.output(&RUN).status.success());
    assert_same("users", &sandbox.rows("users"), &github.expected("users"));
}

#[test]
fn destination_that_is_not_ours_is_left_alone() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["users", "teams"]);
    assert!(sandbox.output(&RUN).status.success());
    let folder = sandbox.path("lakehouse/default");
    std::fs::rename(folder.join("users"), folder.join("other")).unwrap();
    std::fs::remove_dir_all(folder.join("teams")).unwrap();
    std::fs::create_dir(folder.join("teams")).unwrap();
    std::fs::write(folder.join("teams/letters.txt"), "mine").unwrap();
    let spec =
        sandbox.read("spec.yaml").replace("source_table: users,", "source_table: users, destination_table: other,");
    sandbox.write("spec.yaml", &spec);
    insta::assert_snapshot!(sandbox.run(&["run", "spec.yaml", "--parallel", "1"]), @"");
    assert_eq!(sandbox.read("lakehouse/default/teams/letters.txt"), "mine");
}

#[test]
fn second_run_at_the_same_time_stops_the_one_that_commits_last() {
    let github = GitHub::start();
    let late = FaultKind::Latency(Duration::from_secs(3));
    github.set_faults(vec![Fault::new(late).on("/repos/*/commits*").when(Trigger::First(1))]);
    let sandbox = Sandbox::with_pipeline(&github, &["commits"]);
    let mut one = sandbox.command(&["run", "spec.yaml", "--output", "json"]);
    let mut one = one.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut events = BufReader::new(one.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(events.any(|event| event.contains("table_started")));
    let other = sandbox.output(&["run", "spec.yaml", "--output", "json"]);
    assert!(events.last().unwrap().contains("run_finished"));
    let outputs = [one.wait_with_output().unwrap(), other];
    let (finished, stopped): (Vec<_>, Vec<_>) = outputs.iter().partition(|output| output.status.success());
    assert_eq!((finished.len(), stopped.len()), (1, 1));
    insta::assert_snapshot!(String::from_utf8_lossy(&stopped[0].stderr), @"");
    assert_same("commits", &sandbox.rows("commits"), &github.expected("commits"));
}
