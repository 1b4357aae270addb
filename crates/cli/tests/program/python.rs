//! Connectors written in Python: the made-up shop of `python/tests/connectors`.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use crate::support::{Sandbox, parse_lines};

const SHOP: &str = "shop:ShopConnector";

/// Prints the rows that a table of the shop has on a day, one a line, as `show` prints them: bytes are hexadecimal, what
/// is not a number is null.
const ROWS: &str = "\
import json, shop, sys
def shown(value):
    if isinstance(value, dict): return {name: shown(inner) for name, inner in value.items()}
    if isinstance(value, set): return sorted(value)
    if isinstance(value, bytes): return value.hex()
    if hasattr(value, 'isoformat'): return value.isoformat()
    if value != value: return None
    return value if isinstance(value, (int, float)) else str(value)
for row in shop.rows(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])):
    print(json.dumps(shown(row)))
";

/// The place of an exception in a file.
static PLACE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"shop\.py:\d+").unwrap());

/// The folder of the project's Python.
fn python() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../python");
    folder.canonicalize().unwrap().into_os_string().into_string().unwrap()
}

/// An output as snapshots hold it.
fn shown(sandbox: &Sandbox, output: &Output) -> String {
    let text = sandbox.shown(output).replace(&python(), "[PYTHON]");
    PLACE.replace_all(&text, "shop.py:N").into_owned()
}

/// A sandbox with a connection to the shop on a day, and a spec of its tables.
fn sandbox(day: u32) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "spec.yaml",
        "connection_name: shop
objects:
  - table: {source_table: products}
  - table: {source_table: customers, table_configuration: {max_records_per_batch: '10'}}
  - table: {source_table: orders, table_configuration: {max_records_per_batch: '10'}}
  - table: {source_table: visits, table_configuration: {window_hours: '5'}}
  - table: {source_table: metrics}
",
    );
    set_day(&sandbox, day, &json!({}));
    sandbox
}

/// Moves the shop to a day.
fn set_day(sandbox: &Sandbox, day: u32, more: &Value) {
    let mut options = json!({"token": "open sesame", "day": day.to_string()});
    options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    sandbox.write("connections.yaml", &json!({"shop": {"source": SHOP, "options": options}}).to_string());
    #[cfg(unix)]
    sandbox.set_mode("connections.yaml", 0o600);
}

/// The program, which finds the shop's module.
fn command(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = sandbox.command(arguments);
    command.env("PYTHONPATH", format!("{}/tests/connectors", python()));
    command
}

fn output(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    command(sandbox, arguments).output().unwrap()
}

/// What a command that must succeed writes to stdout.
fn objects(sandbox: &Sandbox, arguments: &[&str]) -> Vec<Value> {
    let output = output(sandbox, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", sandbox.shown(&output));
    parse_lines(&output.stdout)
}

/// The rows of a table of the shop on a day, by the shop itself, in the order of their keys.
fn expected(table: &str, day: u32, scale: u32) -> Vec<Value> {
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", format!("{0}:{0}/tests/connectors", python()));
    let output = command.args(["-c", ROWS, table, &day.to_string(), &scale.to_string()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    comparable(parse_lines(&output.stdout))
}

/// Rows as they can be compared: numbers and instants in one form, in the order of their JSON.
fn comparable(mut rows: Vec<Value>) -> Vec<Value> {
    for row in &mut rows {
        row.as_object_mut()
            .unwrap()
            .remove("_rescued_data")
            .into_iter()
            .for_each(|rescued| assert_eq!(rescued, Value::Null));
        normalize(row);
    }
    rows.sort_by_cached_key(Value::to_string);
    rows
}

fn normalize(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(normalize),
        Value::Array(items) => items.iter_mut().for_each(normalize),
        Value::Number(number) => *value = json!(number.as_f64().unwrap().to_string()),
        Value::String(text) => {
            if let Ok(instant) = chrono::DateTime::parse_from_rfc3339(text) {
                *value = json!(instant.to_utc().to_rfc3339());
            } else if let Ok(number) = text.parse::<f64>() {
                *value = json!(number.to_string());
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn assert_tables(sandbox: &Sandbox, day: u32, scale: u32, tables: &[&str]) {
    for table in tables {
        let rows = comparable(sandbox.rows(table));
        let expected = expected(table, day, scale);
        assert!(!expected.is_empty());
        assert_eq!(rows.len(), expected.len(), "{table} on day {day}");
        for (row, expected) in rows.iter().zip(&expected) {
            assert_eq!(row, expected, "{table} on day {day}");
        }
    }
}

const TABLES: [&str; 5] = ["products", "customers", "orders", "visits", "metrics"];

/// The events with which the tables of a run ended, in the order of `TABLES`.
fn run(sandbox: &Sandbox) -> Vec<Value> {
    let events = objects(sandbox, &["run", "spec.yaml", "--output", "json"]);
    let ended = |table: &&str| {
        let name = format!("default.{table}");
        let is_end = |event: &&Value| event["event"] == "table_finished" && event["table"] == name.as_str();
        let found = events.iter().find(is_end);
        assert!(found.is_some(), "{name} did not end: {events:?}");
        found.unwrap().clone()
    };
    TABLES.iter().map(ended).collect()
}

#[test]
fn every_ingestion_type_is_read_and_then_what_is_new() {
    let sandbox = sandbox(2);
    run(&sandbox);
    assert_tables(&sandbox, 2, 1, &TABLES);
    set_day(&sandbox, 5, &json!({}));
    let ended = run(&sandbox);
    assert_tables(&sandbox, 5, 1, &TABLES);
    let read: Vec<u64> = ended.iter().map(|event| event["rows_read"].as_u64().unwrap()).collect();
    let new = |table: &str| (expected(table, 5, 1).len() - expected(table, 2, 1).len()) as u64;
    assert_eq!([read[3], read[4]], [new("visits"), new("metrics")], "{ended:?}");
    assert!(ended[0]["rows_deleted"].as_u64().unwrap() + ended[2]["rows_deleted"].as_u64().unwrap() > 0, "{ended:?}");
    for event in &run(&sandbox)[1..] {
        assert_eq!(event["rows_read"], 0, "{event}");
    }
    assert_tables(&sandbox, 5, 1, &TABLES);
}

#[test]
fn connector_is_named_without_a_connection() {
    let sandbox = sandbox(1);
    insta::assert_snapshot!(shown(&sandbox, &output(&sandbox, &["tables", SHOP])));
    insta::assert_snapshot!(shown(&sandbox, &output(&sandbox, &["describe", "shop:ShopSource", "customers"])));
    let rows = objects(&sandbox, &["read", SHOP, "orders", "-o", "day=3", "--format", "jsonl"]);
    assert_eq!(comparable(rows), expected("orders", 3, 1));
    let refused = output(&sandbox, &["read", SHOP, "orders", "-o", "token=wrong-one"]);
    insta::assert_snapshot!(shown(&sandbox, &refused));
}

#[test]
fn connector_of_the_command_line_reads_every_connection() {
    let sandbox = Sandbox::new();
    sandbox.write("spec.yaml", "connection_name: any\nobjects:\n  - table: {source_table: products}\n");
    let ran = output(&sandbox, &["run", "spec.yaml", "--source", SHOP]);
    assert!(ran.status.success(), "{}", sandbox.shown(&ran));
    assert_tables(&sandbox, 1, 1, &["products"]);
    sandbox.write("connections.yaml", "any: {source: github, options: {token: open sesame, day: '2'}}\n");
    let ran = output(&sandbox, &["run", "spec.yaml", "--source", SHOP]);
    assert!(ran.status.success(), "{}", sandbox.shown(&ran));
    assert_tables(&sandbox, 2, 1, &["products"]);
}

#[test]
fn connection_leads_to_a_connector_in_python() {
    let sandbox = Sandbox::new();
    let create = ["connection", "create", SHOP, "corner_shop", "-o", "token=env:SHOP_TOKEN", "-o", "day=2"];
    insta::assert_snapshot!(shown(&sandbox, &output(&sandbox, &create)), @r"
    exit code: 0
    ----- stderr -----
    created connection `corner_shop` in `connections.yaml`
    try it: `community-connector connection test corner_shop`
    ");
    insta::assert_snapshot!(shown(&sandbox, &output(&sandbox, &["connection", "show", "corner_shop"])), @r"
    exit code: 0
    ----- stdout -----
    source: shop:ShopConnector

    option  value
    ───────────────────────
    day     ***
    token   env:SHOP_TOKEN
    ");
    let test = |token: &str| {
        let mut command = command(&sandbox, &["connection", "test", "corner_shop"]);
        command.env("SHOP_TOKEN", token).output().unwrap()
    };
    assert!(test("open sesame").status.success());
    let refused = test("sesame-of-yesterday");
    assert_eq!(refused.status.code(), Some(1));
    assert!(!String::from_utf8_lossy(&refused.stderr).contains("sesame-of-yesterday"), "{}", shown(&sandbox, &refused));
}

#[test]
fn generic_suite_tries_a_connector_in_python() {
    let sandbox = sandbox(1);
    let tested = output(&sandbox, &["test", SHOP, "--output", "json"]);
    assert!(tested.status.success(), "{}", sandbox.shown(&tested));
    let reports = parse_lines(&tested.stdout);
    let verdict = |check: &str| {
        let of_check = |report: &&Value| report["check"] == check && report["table"] == "customers";
        reports.iter().find(of_check).unwrap()["verdict"].clone()
    };
    for check in ["schema_is_stable", "keys_are_columns", "rows_fit_the_schema", "records_move_the_offset"] {
        assert_eq!(verdict(check), "passed", "{check}");
    }
    assert_eq!(verdict("changes_arrive_exactly"), json!({"skipped": "it needs the source's simulator"}));
    assert_eq!(verdict("unknown_option_is_an_error"), json!({"skipped": "the connector does not declare its options"}));
}

#[test]
fn what_cannot_be_started_is_told() {
    let sandbox = sandbox(1);
    let mut told = String::new();
    for arguments in [
        &["tables", "shop:ShopConector"][..],
        &["tables", "shoop:ShopConnector"],
        &["tables", SHOP, "--python", "./no-python"],
        &["tables", SHOP, "--source", "a:B", "--source", "c:D"],
        &["describe", SHOP, "custmers"],
        &["run", "spec.yaml", "--record", "file.json"],
    ] {
        let output = output(&sandbox, arguments);
        assert_ne!(output.status.code(), Some(0), "{arguments:?}");
        told += &format!("# {}\n{}\n", arguments.join(" "), shown(&sandbox, &output));
    }
    insta::assert_snapshot!(told);
}

/// Processes are looked at as Linux shows them.
#[cfg(target_os = "linux")]
mod killed {
    use std::path::Path;
    use std::process::Stdio;
    use std::thread;
    use std::time::Duration;

    use serde_json::json;

    use super::{TABLES, assert_tables, command, output, sandbox, set_day};
    use crate::support::entries;

    const RUN: [&str; 2] = ["run", "spec.yaml"];

    #[test]
    fn killed_runs_are_resumed_without_loss_or_repetition() {
        const SCALE: u32 = 10;
        let sandbox = sandbox(4);
        set_day(&sandbox, 4, &json!({"scale": SCALE.to_string(), "pause_milliseconds": "2"}));
        let log = |table: &str| entries(&sandbox.lakehouse().join(format!("default/{table}/_delta_log"))).len();
        let mut was_running = 0;
        for wanted in [1, 3, 6, 9] {
            let mut run = command(&sandbox, &["run", "spec.yaml", "--commit-rows", "20"]);
            let mut child = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            while log("customers") < wanted && child.try_wait().unwrap().is_none() {
                thread::sleep(Duration::from_millis(1));
            }
            was_running += u32::from(child.try_wait().unwrap().is_none());
            let workers = children(child.id());
            child.kill().unwrap();
            child.wait().unwrap();
            for worker in workers {
                while is_running(&worker) {
                    thread::sleep(Duration::from_millis(5));
                }
            }
        }
        assert!(was_running >= 2, "only {was_running} of 4 runs were still going when they were killed");
        let last = output(&sandbox, &RUN);
        assert!(last.status.success(), "{}", sandbox.shown(&last));
        assert_tables(&sandbox, 4, SCALE, &TABLES);
    }

    /// The processes that a process has started.
    fn children(parent: u32) -> Vec<String> {
        let is_number = |name: &String| name.bytes().all(|byte| byte.is_ascii_digit());
        let is_child = |process: &String| status(process).is_some_and(|(_, of)| of == parent.to_string());
        entries(Path::new("/proc")).into_iter().filter(is_number).filter(is_child).collect()
    }

    /// Whether a process is at work; one that has ended may wait for somebody to take note of it.
    fn is_running(process: &str) -> bool {
        status(process).is_some_and(|(state, _)| state != "Z")
    }

    /// The state of a process, and its parent.
    fn status(process: &str) -> Option<(String, String)> {
        let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        let mut after_name = text.rsplit_once(") ")?.1.split(' ');
        Some((after_name.next()?.to_owned(), after_name.next()?.to_owned()))
    }
}
