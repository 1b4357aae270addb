//! `read CONNECTION TABLE`

use crate::rows::assert_same;
use crate::support::{GitHub, Sandbox};

const ISSUES: [&str; 7] = ["read", "github", "issues", "-o", "owner=acme", "-o", "repo=rocket"];
const BRANCHES: [&str; 7] = ["read", "github", "branches", "-o", "owner=acme", "-o", "repo=rocket"];

fn connected(github: &GitHub) -> Sandbox {
    Sandbox::new().with_upstream(github.url().as_str()).with_connection()
}

#[test]
fn rows_are_printed_as_a_table() {
    let github = GitHub::start();
    let read = [&BRANCHES[..], &["--limit", "3", "--columns", "name,protected,commit"]].concat();
    insta::assert_snapshot!(connected(&github).run(&read), @r#"
    exit code: 0
    ----- stdout -----
    name                 protected  commit
    ─────────────────────────────────────────────────────────────────────────
    feature/telemetry-5  true       {"sha":"cc9e9ebe9f4ce32c80fe156720fef3e…
    fix/größe-2          false      {"sha":"5a8b7ade84603cdefac85cbe368a2ac…
    fix/größe-3          false      {"sha":"e89bfaefd5e8d26cc0ff799d7ebd323…
    ----- stderr -----
    … there are more rows: `--limit N` prints more of them
    "#);
}

#[test]
fn rows_as_json_lines_are_the_records() {
    let github = GitHub::start();
    let rows = connected(&github).objects(&[&ISSUES[..], &["--format", "jsonl"]].concat());
    assert_same("issues", &rows, &github.expected("issues"));
    let events = connected(&github).objects(&[&ISSUES[..], &["--output", "json", "--limit", "7"]].concat());
    assert_eq!(events.len(), 7);
}

#[test]
fn rows_as_csv_have_a_header_and_nested_values_as_json() {
    let github = GitHub::start();
    let read = [&BRANCHES[..], &["--format", "csv", "--limit", "2", "--columns", "name,protected,commit"]].concat();
    insta::assert_snapshot!(connected(&github).run(&read), @r#"
    exit code: 0
    ----- stdout -----
    name,protected,commit
    feature/telemetry-5,true,"{""sha"":""cc9e9ebe9f4ce32c80fe156720fef3e04bce9928"",""url"":""https://api.github.com/repos/acme/rocket/commits/cc9e9ebe9f4ce32c80fe156720fef3e04bce9928""}"
    fix/größe-2,false,"{""sha"":""5a8b7ade84603cdefac85cbe368a2ac85b09361e"",""url"":""https://api.github.com/repos/acme/rocket/commits/5a8b7ade84603cdefac85cbe368a2ac85b09361e""}"
    ----- stderr -----
    … there are more rows: `--limit N` prints more of them
    "#);
}

#[test]
fn rows_as_parquet_are_a_parquet_file() {
    let github = GitHub::start();
    let output = connected(&github).output(&[&ISSUES[..], &["--format", "parquet"]].concat());
    assert!(output.status.success());
    let file = bytes::Bytes::from(output.stdout);
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(file, 1000).unwrap();
    let rows: usize = reader.map(|batch| batch.unwrap().num_rows()).sum();
    assert_eq!(rows, github.expected("issues").len());
}

#[test]
fn reader_that_stops_early_ends_the_program_quietly() {
    let github = GitHub::start();
    let sandbox = connected(&github);
    let mut command = sandbox.command(&[&ISSUES[..], &["--format", "jsonl"]].concat());
    let pipes = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    drop(child.stdout.take());
    insta::assert_snapshot!(sandbox.shown(&child.wait_with_output().unwrap()), @"exit code: 0");
}

#[test]
fn misspelt_column_names_the_nearest() {
    let github = GitHub::start();
    insta::assert_snapshot!(connected(&github).run(&[&BRANCHES[..], &["--columns", "nam"]].concat()), @r"
    exit code: 2
    ----- stderr -----
    error: unknown column `nam`
    hint: did you mean `name`? valid: `_rescued_data`, `commit`, `name`, `protected`, `protection`, `protection_url`, `repository_name`, `repository_owner`
    ");
}
