//! Connectors that do one thing each, right or wrong, in real Python.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::PathBuf;

use futures::StreamExt;
use lakeflow_interface::{
    Error, ErrorKind, Horizon, LakeflowConnect, Offset, ReadContext, ReadItem, ReadStream, Records, Result, Secret,
    TableOptions, ddl,
};
use lakeflow_python_connector::{ConnectorName, PythonConnector, PythonSettings};

const TOKEN: &str = "open-sesame-17";

fn settings(connector: &str) -> PythonSettings {
    let connector = ConnectorName::parse(connector).unwrap();
    let options = BTreeMap::from([("token".to_owned(), Secret::new(TOKEN))]);
    PythonSettings { connector, python: PathBuf::from("python3"), options }
}

async fn load(connector: &str) -> Result<PythonConnector> {
    PythonConnector::load(settings(connector)).await
}

async fn probe(class: &str) -> PythonConnector {
    load(&format!("tests.connectors.probe:{class}")).await.unwrap()
}

fn context() -> ReadContext {
    ReadContext::new(Horizon::now())
}

/// What a read gives: the records as JSON text, the checkpoints among them.
#[derive(Debug, Default, PartialEq)]
struct Given {
    records: Vec<String>,
    deletes: Vec<String>,
    checkpoints: Vec<String>,
}

impl Given {
    fn ids(&self) -> Vec<u64> {
        let id = |text: &String| serde_json::from_str::<serde_json::Value>(text).unwrap()["id"].as_u64().unwrap();
        self.records.iter().map(id).collect()
    }
}

async fn take(mut items: ReadStream) -> (Given, Option<Error>) {
    let mut given = Given::default();
    while let Some(item) = items.next().await {
        let (list, records) = match item {
            Err(error) => return (given, Some(error)),
            Ok(ReadItem::Checkpoint(offset)) => {
                given.checkpoints.push(offset.to_string());
                continue;
            }
            Ok(ReadItem::Records(records)) => (&mut given.records, records),
            Ok(ReadItem::Deletes(records)) => (&mut given.deletes, records),
        };
        let Records::Json(records) = records else { unreachable!("a worker gives JSON") };
        list.extend(records.values().map(|record| record.raw().to_owned()));
    }
    (given, None)
}

async fn read_from(class: &str, start: &Offset) -> (Given, Option<Error>) {
    let connector = probe(class).await;
    match connector.read_table("things", start, &TableOptions::default(), &context()).await {
        Ok(items) => take(items).await,
        Err(error) => (Given::default(), Some(error)),
    }
}

async fn read(class: &str) -> Given {
    let (given, error) = read_from(class, &Offset::beginning()).await;
    assert!(error.is_none(), "{class}: {error:?}");
    given
}

async fn failure(class: &str) -> Error {
    read_from(class, &Offset::beginning()).await.1.unwrap()
}

/// All that a user is told.
fn told(error: &Error) -> String {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    format!("{}: {error}\n{cause}\n{}", error.kind().as_str(), error.hint().unwrap_or_default())
}

fn assert_told(error: &Error, kind: ErrorKind, words: &[&str]) {
    let text = told(error);
    assert_eq!(error.kind(), kind, "{text}");
    for word in words {
        assert!(text.contains(word), "expected `{word}` in: {text}");
    }
    assert!(!text.contains(TOKEN), "{text}");
}

#[tokio::test]
async fn values_keep_all_that_they_are() {
    let given = read("Values").await;
    let expected = concat!(
        r#"{"none":null,"yes":true,"large":1180591620717411303424,"float":0.1,"not_a_number":"NaN","#,
        r#""infinite":["Infinity","-Infinity"],"decimal":"12.3400","decimal_nan":"NaN","#,
        r#""aware":"2026-03-01T12:30:00+02:00","naive":"2026-03-01T12:30:00.000005","day":"2026-03-01","time":"12:30:00","#,
        r#""span":"PT86401.5S","back":"-PT1S","bytes":"AP8=","view":"YWI=","set":[1,2,3],"tuple":[1,[2]],"pair":[1,2],"#,
        r#""colour":"red","uuid":"00000000-0000-0000-0000-000000000001","point":{"x":1,"y":"NaN"},"#,
        r#""keys":{"1":"a","2.5":"b","2026-03-01":"c"},"text":"a \"b\" \\ \n ü 😀","half":"?"}"#
    );
    assert_eq!(given.records, [expected]);
    assert_eq!(given.checkpoints, ["{}"]);
}

#[tokio::test]
async fn schemas_are_ddl_or_struct_types() {
    let schema = probe("Typed").await.get_table_schema("things", &TableOptions::default()).await.unwrap();
    assert_eq!(schema, ddl::parse("id BIGINT NOT NULL").unwrap());
    let schema = probe("Probe").await.get_table_schema("things", &TableOptions::default()).await.unwrap();
    assert_eq!(schema, ddl::parse("id BIGINT, at TIMESTAMP").unwrap());
}

#[tokio::test]
async fn snapshots_are_read_once_and_whole() {
    assert_eq!(read("Paged").await.ids(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(read("Sentinel").await.ids(), (0..2_500).collect::<Vec<_>>());
    assert_eq!(read("Restless").await.ids(), [1, 2]);
    let alike = read("Alike").await;
    assert_eq!(alike.ids(), [0, 1, 0, 2, 0, 3]);
    assert_eq!(alike.checkpoints, ["{}"]);
}

#[tokio::test]
async fn incremental_reads_go_on_until_the_offset_stands_still() {
    let given = read("Counting").await;
    assert_eq!(given.ids(), [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(given.checkpoints, [r#"{"next":3}"#, r#"{"next":6}"#, r#"{"next":7}"#, r#"{"next":7}"#]);
    let (rest, error) = read_from("Counting", &Offset::beginning().with("next", 6)).await;
    assert!(error.is_none());
    assert_eq!(rest.ids(), [6]);
    let (nothing, error) = read_from("Counting", &Offset::beginning().with("next", 7)).await;
    assert!(error.is_none());
    assert_eq!(nothing, Given { checkpoints: vec![r#"{"next":7}"#.to_owned()], ..Given::default() });
    assert_eq!(read("Probe").await.checkpoints, ["{}"]);
}

#[tokio::test]
async fn offsets_that_lead_nowhere_are_told() {
    let stuck = failure("Stuck").await;
    assert_told(
        &stuck,
        ErrorKind::Definition,
        &["2 records without moving its offset", "called with {} and returned {}", "`things`"],
    );
    assert_told(&failure("Nowhere").await, ErrorKind::Definition, &["returned `None`", "a `snapshot`"]);
    assert_told(&failure("Circle").await, ErrorKind::Definition, &["again, after others", "goes in a circle"]);
}

#[tokio::test]
async fn read_that_chases_the_clock_ends_behind_the_horizon() {
    let given = read("Chasing").await;
    assert!(!given.records.is_empty());
    assert_eq!(given.checkpoints.last().unwrap(), &format!(r#"{{"n":{}}}"#, given.records.len()));
}

#[tokio::test]
async fn deleted_rows_are_a_read_of_their_own() {
    let connector = probe("Deleting").await;
    let options = TableOptions::default();
    let items = connector.read_table_deletes("things", &Offset::beginning(), &options, &context()).await.unwrap();
    let (given, error) = take(items).await;
    assert!(error.is_none());
    assert_eq!((given.records.len(), given.deletes.len()), (0, 2));
    assert_eq!(given.checkpoints.last().unwrap(), r#"{"next":2}"#);

    let items = probe("NotDeleting").await;
    let items = items.read_table_deletes("things", &Offset::beginning(), &options, &context()).await.unwrap();
    let error = take(items).await.1.unwrap();
    assert_told(
        &error,
        ErrorKind::Unsupported,
        &["`NotImplementedError` in `read_table_deletes`", "let the table's ingestion type be `cdc`"],
    );
    let unsupported =
        probe("Counting").await.read_table_deletes("things", &Offset::beginning(), &options, &context()).await;
    assert_eq!(unsupported.err().unwrap().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn partitions_are_read_by_workers_side_by_side() {
    let given = read("Split").await;
    let mut ids = given.ids();
    ids.sort_unstable();
    assert_eq!(ids, (0..100).collect::<Vec<_>>());
    assert_eq!(given.checkpoints, ["{}"]);
    let (given, error) = read_from("SplitBadly", &Offset::beginning()).await;
    assert_told(&error.unwrap(), ErrorKind::Definition, &["part 30 is broken", "`read_partition`"]);
    assert!(given.checkpoints.is_empty());
}

#[tokio::test]
async fn namespaces_are_listed_level_by_level() {
    assert!(probe("Probe").await.namespaces().is_none());
    let connector = probe("Nested").await;
    let namespaces = connector.namespaces().unwrap();
    assert_eq!(namespaces.list_namespaces(&[]).await.unwrap(), [["a"], ["b"]]);
    let inner = ["a".to_owned(), "inner".to_owned()];
    assert_eq!(namespaces.list_namespaces(&inner[..1]).await.unwrap(), std::slice::from_ref(&inner));
    assert_eq!(namespaces.list_tables_in_namespace(&inner).await.unwrap(), ["others", "things"]);
    assert!(namespaces.list_tables_in_namespace(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_a_connector_raises_is_told_with_its_place_and_without_secrets() {
    let (given, error) = read_from("Raising", &Offset::beginning()).await;
    assert_eq!(given.ids(), Vec::<u64>::new(), "a page that is not complete is not sent");
    let words =
        ["raised `KeyError` in `read_table`", "no answer for ***", "probe.py:", "in records", "OSError: refused ***"];
    assert_told(&error.unwrap(), ErrorKind::Definition, &words);
    let error = probe("Unauthorized").await.list_tables().await.unwrap_err();
    assert_told(&error, ErrorKind::Authentication, &["`Refused` in `list_tables`: 401 Client Error"]);
    let error = load("tests.connectors.probe:Picky").await.err().unwrap();
    assert_told(&error, ErrorKind::Configuration, &["`KeyError` in `__init__`: 'api_key'", "is one missing?"]);
}

#[tokio::test]
async fn options_are_found_in_any_case_and_those_of_the_connection_win() {
    let options = BTreeMap::from([("apiKey".to_owned(), Secret::new("right"))]);
    let connector =
        PythonConnector::load(PythonSettings { options, ..settings("tests.connectors.probe:Spelling") }).await.unwrap();
    assert_eq!(connector.list_tables().await.unwrap(), ["right", "right"]);
    // As Spark hands them over, and as a spec that would lead the credentials elsewhere has them.
    let options = [("pagefilter", "open"), ("APIKEY", "wrong")].into_iter().collect();
    let items = connector.read_table("things", &Offset::beginning(), &options, &context()).await.unwrap();
    let (given, error) = take(items).await;
    assert!(error.is_none(), "{error:?}");
    let expected = r#"{"all":"open","none":"-","APIKEY":"wrong","pagefilter":"open","constructor":"right"}"#;
    assert_eq!(given.records, [expected]);
}

#[tokio::test]
async fn connector_that_raised_answers_the_next_question() {
    let connector = probe("Counting").await;
    let options = TableOptions::default();
    let error = connector.get_table_schema("thinsg", &options).await.unwrap_err();
    assert_told(
        &error,
        ErrorKind::Configuration,
        &["unknown table `thinsg`", "did you mean `things`?", "no table thinsg"],
    );
    assert!(connector.get_table_schema("things", &options).await.is_ok());
}

#[tokio::test]
async fn wrong_shapes_are_told() {
    let expected = [
        ("NoTuple", "`read_table` returned an iterator (`list_iterator`), expected two values, records and an offset"),
        ("NoDictionary", "record 2 of `read_table` is a `list` of length 2, expected a dictionary"),
        ("NoIterator", "`read_table` returned a `dict` of length 1, expected an iterator of dictionaries"),
        ("NoOffset", "`read_table` returned a `int`, expected a dictionary"),
        ("NoJson", "record 2 of `read_table`: `deep.list[1]` is an `object`, which has no form in JSON"),
        ("NoKind", "`ingestion_type` of `read_table_metadata`: expected `snapshot`, `cdc`"),
    ];
    for (class, words) in expected {
        assert_told(&failure(class).await, ErrorKind::Definition, &[words]);
    }
    let schema = probe("NoSchema").await.get_table_schema("things", &TableOptions::default()).await.unwrap_err();
    assert_told(&schema, ErrorKind::Definition, &["`get_table_schema` returned a `int`, expected a `StructType`"]);
    let names = probe("NoNames").await.list_tables().await.unwrap_err();
    assert_told(&names, ErrorKind::Definition, &["`list_tables` returned `None`, expected a list of text"]);
}

#[tokio::test]
async fn what_cannot_be_loaded_is_told() {
    let told_of = async |name: &str, kind: ErrorKind, words: &[&str]| {
        assert_told(&load(name).await.err().unwrap(), kind, words);
    };
    told_of("nowhere.shop:Shop", ErrorKind::Configuration, &["no module `nowhere`", "`PYTHONPATH`"]).await;
    told_of("tests.connectors.prob:Shop", ErrorKind::Configuration, &["no module `tests.connectors.prob`"]).await;
    told_of(
        "tests.connectors.probe:Countign",
        ErrorKind::Configuration,
        &["unknown class `Countign`", "did you mean `Counting`"],
    )
    .await;
    told_of("tests.connectors.probe:Incomplete", ErrorKind::Definition, &["does not have `get_table_schema`"]).await;
    told_of(
        "tests.connectors.lacking:Any",
        ErrorKind::Configuration,
        &["a_package_that_is_not_installed", "-m pip install"],
    )
    .await;
}

#[tokio::test]
async fn process_that_ends_is_told_with_its_last_words() {
    let words = ["ended with exit code 3", "cannot go on with ***", "`tests.connectors.probe:Exiting`"];
    assert_told(&failure("Exiting").await, ErrorKind::Unavailable, &words);
}

#[tokio::test]
#[cfg(unix)]
async fn process_that_is_killed_is_told() {
    assert_told(&failure("Killed").await, ErrorKind::Unavailable, &["ended by a signal", "out of memory"]);
}

#[tokio::test]
#[cfg(unix)]
async fn what_is_no_answer_is_told() {
    assert_told(&failure("Writing").await, ErrorKind::BadResponse, &["expected an answer", "found `hello`"]);
}

#[tokio::test]
#[cfg(unix)]
async fn what_is_no_python_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let with = async |script: Option<&str>| {
        let python = folder.path().join(format!("python-{}", script.map_or(0, str::len)));
        if let Some(script) = script {
            std::fs::write(&python, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        PythonConnector::load(PythonSettings { python, ..settings("tests.connectors.probe:Probe") })
            .await
            .err()
            .unwrap()
    };
    assert_told(&with(None).await, ErrorKind::Configuration, &["cannot be started", "--python PATH"]);
    assert_told(&with(Some("echo hello")).await, ErrorKind::Configuration, &["found `hello`", "--python PATH"]);
    let old = r#"echo '{"worker": 1, "python": "3.8.10", "executable": "/usr/bin/python3.8"}'"#;
    assert_told(&with(Some(old)).await, ErrorKind::Configuration, &["expected Python 3.10 or later, found 3.8.10"]);
    let other = r#"echo '{"worker": 9, "python": "3.12.1", "executable": "/usr/bin/python3"}'"#;
    assert_told(&with(Some(other)).await, ErrorKind::Configuration, &["version 9 of the protocol"]);
    assert_told(&with(Some("exit 7")).await, ErrorKind::Unavailable, &["exit code 7"]);
}

#[tokio::test]
async fn read_that_nobody_wants_ends_and_has_not_run_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("taken");
    let options: TableOptions = [("report", report.to_str().unwrap())].into_iter().collect();
    let connector = probe("Endless").await;
    let mut items = connector.read_table("things", &Offset::beginning(), &options, &context()).await.unwrap();
    for _ in 0..3 {
        assert!(items.next().await.unwrap().is_ok());
    }
    drop(items);
    while !report.exists() {
        tokio::task::yield_now().await;
    }
    let taken: usize = std::fs::read_to_string(report).unwrap().parse().unwrap();
    // Three pages of a megabyte were taken; one more may wait in the pipe, and one be in the making.
    assert!((300..=530).contains(&taken), "{taken} records were taken");
}
