//! What is said about mistakes in a definition.

use lakeflow_simulator::SimulatorDefinition;

const ENDPOINTS: &str = "endpoints: [{path: /things, corpus: things}]";
const THINGS: &str = r#"{"count": 3, "identity": "id", "record": {"id": {"$number": "n"}}}"#;

/// The whole message, with its hint.
fn mistake(endpoints: &str, things: &str) -> String {
    let error = SimulatorDefinition::parse([("endpoints.yaml", endpoints), ("corpus/things.json", things)])
        .expect_err(&format!("{endpoints}\n{things}"));
    match error.hint() {
        Some(hint) => format!("{error}\nhint: {hint}"),
        None => error.to_string(),
    }
}

fn of_record(record: &str) -> String {
    mistake(ENDPOINTS, &format!(r#"{{"count": 3, "identity": "id", "record": {{"id": 1, "a": {record}}}}}"#))
}

fn of_endpoint(endpoint: &str) -> String {
    let endpoints = format!("constants: {{owner: acme}}\nendpoints: [{{path: /things, corpus: things, {endpoint}}}]");
    mistake(&endpoints, THINGS)
}

#[test]
fn good_definition_compiles() {
    let definition =
        SimulatorDefinition::parse([("simulator/endpoints.yaml", ENDPOINTS), ("simulator/corpus/things.json", THINGS)]);
    assert_eq!(definition.unwrap().tables().collect::<Vec<_>>(), ["things"]);
}

#[test]
fn mistakes_in_templates_name_file_key_and_expectation() {
    let messages = [
        of_record(r#"{"$itn": [1, 2]}"#),
        of_record(r#"{"$int": [2, 1]}"#),
        of_record(r#"{"$int": [1, 2], "present": 0.5}"#),
        of_record(r#"{"$choice": ["a", "b"], "weights": [1]}"#),
        of_record(r#"{"$optional": 1, "present": 2}"#),
        of_record(r#"{"$timestamp": ["90d", "now"]}"#),
        of_record(r#"{"$row": "thing"}"#),
        of_record(r#"{"$field": "ide"}"#),
        of_record(r#""{parent.id}""#),
        of_record(r#""https://host/{other{/x}""#),
        of_record(r#"{"b": {"$number": "n +"}}"#),
        of_record(r#"{"b": "{a}"}"#),
        of_record(r#"{"$field": "a"}"#),
        of_record(r#"{"$list": [1, 2], "of": {"at": {"$before": "at", "within": "1d"}}}"#),
    ];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn mistakes_in_a_corpus_name_file_and_key() {
    let messages = [
        mistake(ENDPOINTS, r#"{"count": 3, "identiy": "id", "record": {}}"#),
        mistake(ENDPOINTS, r#"{"count": 3, "identity": "key", "record": {"id": 1, "kex": 2}}"#),
        mistake(ENDPOINTS, r#"{"identity": "id", "record": {"id": 1}}"#),
        mistake(ENDPOINTS, r#"{"parent": "thinks", "per_parent": [0, 1], "identity": "id", "record": {"id": 1}}"#),
        mistake(ENDPOINTS, r#"{"parent": "things", "per_parent": [0, 1], "identity": "id", "record": {"id": 1}}"#),
        mistake(ENDPOINTS, r#"{"count": 3, "identity": "id", "cursor": "id", "record": {"id": "x"}}"#),
        mistake(ENDPOINTS, "{\"count\": 3,\n \"count\": 4}"),
        mistake(ENDPOINTS, "\n"),
    ];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn mistakes_in_endpoints_name_file_key_and_valid_names() {
    let messages = [
        of_endpoint("parametres: {}"),
        of_endpoint("parameters: {since: {filtr: {field: id}}}"),
        of_endpoint("parameters: {since: {filter: {field: ids}}}"),
        of_endpoint("parameters: {p: page, q: page}"),
        of_endpoint("parameters: {sort: {sort_by: {fields: {a: id}, default: b}}}"),
        of_endpoint("response: {pagination: link_header}"),
        of_endpoint("response: {single_entity: true}"),
        of_endpoint("default_sort: id down"),
        mistake("endpoints: [{path: /things, corpus: thing}]", THINGS),
        mistake("endpoints: [{path: '/things/{id}', corpus: things}]", THINGS),
        mistake("endpoints: [{path: things, corpus: things}]", THINGS),
        mistake("endpoints: []", THINGS),
    ];
    insta::assert_snapshot!(messages.join("\n\n"));
}

#[test]
fn strange_and_missing_files_are_named() {
    let strange = SimulatorDefinition::parse([("endpoints.yml", ENDPOINTS)]).unwrap_err();
    assert!(strange.to_string().contains("endpoints.yml"));
    let missing = SimulatorDefinition::parse([("corpus/things.json", THINGS)]).unwrap_err();
    assert_eq!(missing.message(), "the simulator has no `endpoints.yaml`");
}

#[test]
fn source_of_the_repository_compiles() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sources/github/simulator");
    let definition = SimulatorDefinition::load(&folder).unwrap();
    assert!(definition.tables().any(|table| table == "issues"));
}
