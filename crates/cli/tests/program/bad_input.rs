//! What goes wrong, and what is said about it.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use lakeflow_simulator::{Advance, Fault, FaultKind, RequestBudget, SimulatorSettings, Trigger};

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
    insta::assert_snapshot!(sandbox.run(&RUN), @r"
    exit code: 2
    ----- stderr -----
    error: pipeline spec `spec.yaml` has 3 errors
      spec.yaml:1:1: connection_nam: unknown key `connection_nam`
        hint: did you mean `connection_name`? valid: `connection_name`, `objects`
      spec.yaml:4:7: objects[0].table.source_tabel: unknown key `source_tabel`
        hint: did you mean `source_table`? valid: `source_table`, `destination_catalog`, `destination_schema`, `destination_table`, `table_configuration`
      spec.yaml:5:39: objects[0].table.table_configuration.scd_type: expected one of `SCD_TYPE_1`, `SCD_TYPE_2`, `APPEND_ONLY`, found the text `SCD_TYPE_9`
        hint: did you mean `SCD_TYPE_2`?
    ");
    insta::assert_snapshot!(sandbox.run(&["run", "spec.yaml", "--output", "json"]), @r#"
    exit code: 2
    ----- stdout -----
    {"event":"error","kind":"configuration","message":"pipeline spec `spec.yaml` has 3 errors","context":{},"causes":[],"hints":[],"problems":[{"line":1,"column":1,"path":"connection_nam","message":"unknown key `connection_nam`","hint":"did you mean `connection_name`? valid: `connection_name`, `objects`"},{"line":4,"column":7,"path":"objects[0].table.source_tabel","message":"unknown key `source_tabel`","hint":"did you mean `source_table`? valid: `source_table`, `destination_catalog`, `destination_schema`, `destination_table`, `table_configuration`"},{"line":5,"column":39,"path":"objects[0].table.table_configuration.scd_type","message":"expected one of `SCD_TYPE_1`, `SCD_TYPE_2`, `APPEND_ONLY`, found the text `SCD_TYPE_9`","hint":"did you mean `SCD_TYPE_2`?"}]}
    ----- stderr -----
    error: pipeline spec `spec.yaml` has 3 errors
      spec.yaml:1:1: connection_nam: unknown key `connection_nam`
        hint: did you mean `connection_name`? valid: `connection_name`, `objects`
      spec.yaml:4:7: objects[0].table.source_tabel: unknown key `source_tabel`
        hint: did you mean `source_table`? valid: `source_table`, `destination_catalog`, `destination_schema`, `destination_table`, `table_configuration`
      spec.yaml:5:39: objects[0].table.table_configuration.scd_type: expected one of `SCD_TYPE_1`, `SCD_TYPE_2`, `APPEND_ONLY`, found the text `SCD_TYPE_9`
        hint: did you mean `SCD_TYPE_2`?
    "#);
}

#[test]
fn misspelt_table_names_the_nearest() {
    let sandbox = offline(
        "connection_name: github
objects:
  - table: {source_table: isues, table_configuration: {owner: acme, repo: rocket}}
",
    );
    insta::assert_snapshot!(sandbox.run(&RUN), @r"
    exit code: 2
    ----- stderr -----
    error: pipeline spec `spec.yaml` has one error
      spec.yaml:3:13: objects[0].table.source_table: unknown source table `isues`
        hint: did you mean `issues`? valid: `assignees`, `branches`, `collaborators`, `comments`, `commits`, `issues`, `organizations`, `pull_requests`, `repositories`, `reviews`, `teams`, `users`
    ");
    insta::assert_snapshot!(sandbox.run(&["read", "github", "isues"]), @r"
    exit code: 2
    ----- stderr -----
    error: unknown table `isues`
    hint: did you mean `issues`? valid: `assignees`, `branches`, `collaborators`, `comments`, `commits`, `issues`, `organizations`, `pull_requests`, `repositories`, `reviews`, `teams`, `users`
    ");
}

#[test]
fn misspelt_source_in_the_connections_file_names_the_nearest() {
    let sandbox = offline("connection_name: hub\nobjects: [{table: {source_table: users}}]\n");
    sandbox.write("connections.yaml", "hub: {source: gihub}\n");
    #[cfg(unix)]
    sandbox.set_mode("connections.yaml", 0o600);
    insta::assert_snapshot!(sandbox.run(&RUN), @r"
    exit code: 2
    ----- stderr -----
    error: unknown source `gihub` (connection `hub`)
    hint: did you mean `github`? valid: `amplitude`, `github`, `hubspot`, `mailchimp`, `microsoft_teams`, `mixpanel`, `shopify`, `stripe`, `surveymonkey`, `zendesk`
    ");
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
    insta::assert_snapshot!(sandbox.run(&RUN), @r"
    exit code: 2
    ----- stderr -----
    error: pipeline spec `spec.yaml` has 3 errors
      spec.yaml:3:35: objects[0].table.table_configuration: the option `repo` is missing
        hint: `repo`: Name of the repository
      spec.yaml:4:36: objects[1].table.table_configuration: unknown option `brnch`
        hint: did you mean `branch`? valid: `branch`, `lookback_seconds`, `max_records_per_batch`, `owner`, `per_page`, `repo`, `start_date`, `window_seconds`
      spec.yaml:5:42: objects[2].table.table_configuration: option `state`: expected `open` or `closed` or `all`, found `opne`
    ");
    insta::assert_snapshot!(sandbox.run(&["read", "github", "issues", "-o", "owner=acme", "-o", "rpo=rocket"]), @r"
    exit code: 2
    ----- stderr -----
    error: unknown option `rpo` (table `issues`)
    hint: did you mean `repo`? valid: `lookback_seconds`, `max_records_per_batch`, `owner`, `per_page`, `repo`, `start_date`, `state`
    ");
}

#[test]
fn missing_connection_names_the_nearest() {
    let sandbox = offline("connection_name: gitub\nobjects: [{table: {source_table: users}}]\n");
    insta::assert_snapshot!(sandbox.run(&RUN), @r"
    exit code: 2
    ----- stderr -----
    error: unknown connection `gitub` (file `connections.yaml`)
    hint: did you mean `github`? valid: `github`
    ");
    sandbox.write("connections.yaml", "");
    insta::assert_snapshot!(sandbox.run(&RUN), @r"
    exit code: 2
    ----- stderr -----
    error: unknown connection `gitub`; there are none yet (file `connections.yaml`)
    hint: create it: `community-connector connection create SOURCE gitub`
    ");
}

#[test]
fn missing_spec_and_broken_connections_file_are_named() {
    let sandbox = offline("");
    insta::assert_snapshot!(sandbox.run(&["run", "other.yaml"]), @r"
    exit code: 2
    ----- stderr -----
    error: pipeline spec `other.yaml` cannot be read
      caused by: No such file or directory (os error 2)
    ");
    insta::assert_snapshot!(sandbox.run(&RUN), @r"
    exit code: 2
    ----- stderr -----
    error: pipeline spec `spec.yaml` has one error
      spec.yaml:1:1: expected a map, found nothing
    ");
    sandbox.write("connections.yaml", "github: {source: github, options: [tops3cret]}\n");
    insta::assert_snapshot!(sandbox.run(&["connection", "list"]), @r"
    exit code: 2
    ----- stderr -----
    error: connections file `connections.yaml` is not understood at line 1, column 35
    hint: expected `NAME: {source: SOURCE, options: {KEY: VALUE}}` for each connection
    ");
}

#[test]
fn references_that_lead_nowhere_are_named() {
    let sandbox = offline("");
    for reference in ["env:GITHUB_TOKEN", "file:token.txt", "\"command:echo tops3cret >&2; exit 7\""] {
        sandbox.write("connections.yaml", &format!("github: {{source: github, options: {{token: {reference}}}}}\n"));
        let shown = sandbox.run(&["connection", "test", "github"]);
        match reference {
            "env:GITHUB_TOKEN" => insta::assert_snapshot!(shown, @r"
            exit code: 2
            ----- stderr -----
            error: environment variable `GITHUB_TOKEN` is not set (option `token`, connection `github`)
            hint: set it: `export GITHUB_TOKEN=…`
            "),
            "file:token.txt" => insta::assert_snapshot!(shown, @r"
            exit code: 2
            ----- stderr -----
            error: file `token.txt` cannot be read (option `token`, connection `github`)
              caused by: No such file or directory (os error 2)
            "),
            _ => insta::assert_snapshot!(shown, @r"
            exit code: 2
            ----- stderr -----
            error: command `echo tops3cret >&2; exit 7` failed: exit status: 7 (option `token`, connection `github`)
            hint: run it yourself to see why; its output is not shown, as it may hold the secret
            "),
        }
    }
}

#[test]
fn refused_token_is_an_authentication_error() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["users"]);
    sandbox.write("connections.yaml", "github: {source: github, options: {token: wr0ng}}\n");
    insta::assert_snapshot!(sandbox.run(&["connection", "test", "github"]), @r"
    exit code: 1
    ----- stderr -----
    error: `GET https://api.github.com/user` was refused for want of valid credentials: Bad credentials (status `401`, connection `github`)
    hint: check the connection parameter `token`: it may be wrong, expired or revoked
    ");
    let shown = sandbox.run(&RUN);
    insta::assert_snapshot!(shown, @r"
    exit code: 1
    ----- stdout -----
    table          flow      read  inserted  updated  deleted  rescued  requests    time  result
    ─────────────────────────────────────────────────────────────────────────────────────────────
    default.users  snapshot     0         0        0        0        0         1  N.NN s  failed
    ----- stderr -----
    default.users: not complete after N.NN s
    error: default.users: `GET https://api.github.com/orgs/acme/members?per_page=100` was refused for want of valid credentials: Bad credentials (status `401`, table `users`)
    hint: check the connection parameter `token`: it may be wrong, expired or revoked
    ");
    assert!(!shown.contains("wr0ng"));
}

#[test]
fn refused_permission_says_which_table() {
    let github = GitHub::start();
    let refusal = FaultKind::Status { code: 403, headers: Default::default(), body: None };
    github.set_faults(vec![Fault::new(refusal).on("/orgs/*")]);
    insta::assert_snapshot!(Sandbox::with_pipeline(&github, &["users"]).run(&RUN), @r"
    exit code: 1
    ----- stdout -----
    table          flow      read  inserted  updated  deleted  rescued  requests    time  result
    ─────────────────────────────────────────────────────────────────────────────────────────────
    default.users  snapshot     0         0        0        0        0         1  N.NN s  failed
    ----- stderr -----
    default.users: not complete after N.NN s
    error: default.users: `GET https://api.github.com/orgs/acme/members?per_page=100` is not permitted: status 403 (status `403`, table `users`)
    hint: the credentials are known but may not do this; check their scopes and the account's plan
    ");
}

#[test]
fn repository_that_does_not_exist_is_not_found() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["issues"]);
    sandbox.write("spec.yaml", &sandbox.read("spec.yaml").replace("rocket", "rokket"));
    insta::assert_snapshot!(sandbox.run(&RUN), @r"
    exit code: 1
    ----- stdout -----
    table           flow    read  inserted  updated  deleted  rescued  requests    time  result
    ────────────────────────────────────────────────────────────────────────────────────────────
    default.issues  upsert     0         0        0        0        0         1  N.NN s  failed
    ----- stderr -----
    default.issues: not complete after N.NN s
    error: default.issues: `GET https://api.github.com/repos/acme/rokket/issues?direction=asc&sort=updated&state=all&per_page=100` found nothing: Not Found (status `404`, table `issues`)
    hint: compare the path and the values in it, of options and connection parameters, with what the source has; last of all, some sources answer so where the credentials may not look
    ");
}

#[test]
fn rate_limit_that_outlasts_patience_says_until_when() {
    let request_budget = Some(RequestBudget { requests: 1, window: Duration::from_secs(24 * 3600) });
    let github = GitHub::start_with(SimulatorSettings { request_budget, ..SimulatorSettings::default() });
    let sandbox = Sandbox::with_pipeline(&github, &["users", "teams"]);
    let until = regex::Regex::new("ends at `[^`]+`").unwrap();
    let shown = sandbox.run(&["run", "spec.yaml", "--parallel", "1"]);
    insta::assert_snapshot!(until.replace_all(&shown, "ends at `[INSTANT]`"), @r"
    exit code: 3
    ----- stdout -----
    table          flow      read  inserted  updated  deleted  rescued  requests    time  result
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    default.users  snapshot    20        20        0        0        0         1  N.NN s  complete: whole snapshot read
    default.teams  snapshot     0         0        0        0        0         0  N.NN s  failed
    ----- stderr -----
    default.users: 20 rows read, 20 inserted, 0 updated, 0 deleted in N.NN s
    default.teams: not complete after N.NN s
    error: default.teams: the rate limit of api.github.com outlasts our patience: it ends at `[INSTANT]` (table `teams`)
    hint: run again after that; what has been committed by then is not read again
    ");
}

#[test]
fn server_that_is_down_is_unavailable() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let sandbox = Sandbox::new().with_upstream(&format!("http://{address}/")).with_connection();
    insta::assert_snapshot!(sandbox.run(&["connection", "test", "github"]), @r"
    exit code: 1
    ----- stderr -----
    error: no connection for `GET https://api.github.com/user` (attempts `3`, connection `github`)
      caused by: error sending request
      caused by: client error (Connect)
      caused by: tcp connect error
      caused by: Connection refused (os error 111)
    hint: check the address of the connection, and whether this machine reaches it
    ");
}

#[test]
fn garbage_and_html_instead_of_json_are_bad_responses() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["users"]);
    github.set_faults(vec![Fault::new(FaultKind::Garbage).on("/orgs/*")]);
    insta::assert_snapshot!(sandbox.run(&RUN), @r"
    exit code: 1
    ----- stdout -----
    table          flow      read  inserted  updated  deleted  rescued  requests    time  result
    ─────────────────────────────────────────────────────────────────────────────────────────────
    default.users  snapshot     0         0        0        0        0         1  N.NN s  failed
    ----- stderr -----
    default.users: not complete after N.NN s
    error: default.users: `GET https://api.github.com/orgs/acme/members?per_page=100` was not answered with JSON: expected UTF-8, found another byte at position 32 (status `200`, table `users`)
    hint: check the address of the connection: a log-in page or a proxy may have answered
    ");
    github.set_faults(vec![Fault::new(FaultKind::WrongContentType).on("/orgs/*")]);
    insta::assert_snapshot!(sandbox.run(&RUN), @r"
    exit code: 1
    ----- stdout -----
    table          flow      read  inserted  updated  deleted  rescued  requests    time  result
    ─────────────────────────────────────────────────────────────────────────────────────────────
    default.users  snapshot     0         0        0        0        0         1  N.NN s  failed
    ----- stderr -----
    default.users: not complete after N.NN s
    error: default.users: `GET https://api.github.com/orgs/acme/members?per_page=100` was not answered with JSON: expected JSON, found `text/html; charset=utf-8` that begins `We'll be right back` (status `200`, table `users`)
    hint: check the address of the connection: a log-in page or a proxy may have answered
    ");
}

#[test]
fn lakehouse_that_is_a_file_is_refused() {
    let sandbox = offline(
        "connection_name: github\nobjects: [{table: {source_table: users, table_configuration: {org: acme}}}]\n",
    );
    sandbox.write("lakehouse", "");
    insta::assert_snapshot!(sandbox.run(&RUN), @r"
    exit code: 2
    ----- stderr -----
    error: the lakehouse is a file, not a folder (lakehouse `[FOLDER]/lakehouse`)
    ");
    insta::assert_snapshot!(sandbox.run(&["run", "spec.yaml", "--lakehouse", "lakehouse/below"]), @r"
    exit code: 1
    ----- stderr -----
    error: the lakehouse is below a file (lakehouse `[FOLDER]/lakehouse/below`)
      caused by: Not a directory (os error 20)
    hint: a file stands where a folder is needed
    ");
    insta::assert_snapshot!(sandbox.run(&["run", "spec.yaml", "--lakehouse", "ftp://host/lakehouse"]), @r"
    exit code: 2
    ----- stderr -----
    error: `ftp://host/lakehouse` is not a lakehouse
    hint: give a folder, or a URL that begins with `file://`, `s3://`, `az://`, `abfss://` or `gs://`
    ");
}

/// `/proc` takes no folders, not even from root, whom the modes of folders do not stop.
#[cfg(target_os = "linux")]
#[test]
fn lakehouse_that_cannot_be_written_is_a_storage_error() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["users"]);
    insta::assert_snapshot!(sandbox.run(&["run", "spec.yaml", "--lakehouse", "/proc/lakehouse"]), @r"
    exit code: 1
    ----- stdout -----
    table          flow      read  inserted  updated  deleted  rescued  requests    time  result
    ─────────────────────────────────────────────────────────────────────────────────────────────
    default.users  snapshot    20         0        0        0        0         1  N.NN s  failed
    ----- stderr -----
    default.users: not complete after N.NN s
    warning: lakeflow.runs: the run's record was not written: the table's folder cannot be made (table `lakeflow.runs`, location `file:///proc/lakehouse/lakeflow/runs/`) (1 time)
    error: default.users: the table's folder cannot be made (table `default.users`, location `file:///proc/lakehouse/default/users/`)
      caused by: No such file or directory (os error 2)
    ");
}

/// A limit on the size of files stands for a full disk: writes fail in the middle of a file.
#[cfg(target_os = "linux")]
#[test]
fn lakehouse_without_room_is_a_storage_error_and_leaves_no_half_table() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["issues"]);
    let command = sandbox.command(&RUN);
    let program = crate::support::PROGRAM;
    let limited = format!("trap '' XFSZ; ulimit -f 64; exec {program} \"$@\"");
    let arguments: Vec<_> = command.get_args().map(std::ffi::OsStr::to_os_string).collect();
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(limited).arg("sh").args(arguments).current_dir(command.get_current_dir().unwrap());
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    insta::assert_snapshot!(sandbox.shown(&shell.output().unwrap()), @r"
    exit code: 1
    ----- stdout -----
    table           flow    read  inserted  updated  deleted  rescued  requests    time  result
    ────────────────────────────────────────────────────────────────────────────────────────────
    default.issues  upsert   250         0        0        0        0         3  N.NN s  failed
    ----- stderr -----
    default.issues: not complete after N.NN s
    error: default.issues: a data file cannot be uploaded (table `default.issues`, location `file://[FOLDER]/lakehouse/default/issues/`)
      caused by: Generic LocalFileSystem error: Unable to copy data to file: File too large (os error 27)
    ");
    assert!(sandbox.output(&RUN).status.success());
    assert_same("issues", &sandbox.rows("issues"), &github.expected("issues"));
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
    insta::assert_snapshot!(sandbox.run(&["run", "spec.yaml", "--parallel", "1"]), @r"
    exit code: 2
    ----- stdout -----
    table          flow      read  inserted  updated  deleted  rescued  requests    time  result
    ─────────────────────────────────────────────────────────────────────────────────────────────
    default.other  snapshot     0         0        0        0        0         0  N.NN s  failed
    default.teams  snapshot     0         0        0        0        0         0  N.NN s  failed
    ----- stderr -----
    default.other: not complete after N.NN s
    default.teams: not complete after N.NN s
    error: default.other: the destination is filled by another flow, `default.users` (table `default.other`)
    hint: give another `destination_table`, or move that table away
    error: default.teams: expected a Delta table or nothing, found a folder that is not a Delta table and is not empty (table `default.teams`, location `file://[FOLDER]/lakehouse/default/teams/`)
    hint: choose another destination, or move away what is there
    ");
    assert_eq!(sandbox.read("lakehouse/default/teams/letters.txt"), "mine");
}

#[test]
fn second_run_at_the_same_time_stops_the_one_that_commits_last() {
    let github = GitHub::start();
    let sandbox = Sandbox::with_pipeline(&github, &["commits"]);
    assert!(sandbox.output(&RUN).status.success());
    github.advance(&Advance::new().table("commits", 4, 0, 0)).unwrap();
    let late = FaultKind::Latency(Duration::from_secs(3));
    github.set_faults(vec![Fault::new(late).on("/repos/*/commits*").when(Trigger::First(1))]);
    let mut one = sandbox.command(&["run", "spec.yaml", "--output", "json"]);
    let mut one = one.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut events = BufReader::new(one.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(events.any(|event| event.contains("table_started")));
    let other = sandbox.output(&["run", "spec.yaml", "--output", "json"]);
    assert!(events.last().unwrap().contains("run_finished"));
    let outputs = [one.wait_with_output().unwrap(), other];
    let (finished, stopped): (Vec<_>, Vec<_>) = outputs.iter().partition(|output| output.status.success());
    assert_eq!((finished.len(), stopped.len()), (1, 1));
    insta::assert_snapshot!(sandbox.shown_stderr(stopped[0]), @r"
    exit code: 1
    ----- stderr -----
    error: default.commits: the flow moved on: run `[RUN]` committed its batch 1 (flow `default.commits`, table `default.commits`, location `file://[FOLDER]/lakehouse/default/commits/`)
    hint: another run of this pipeline is at work; let it finish and run again
    ");
    assert_same("commits", &sandbox.rows("commits"), &github.expected("commits"));
}
