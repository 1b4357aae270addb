//! Definitions: what is derived from them, and the JSON Schema of the language.

use std::collections::BTreeMap;

use lakeflow_interface::{ErrorKind, Secret};
use lakeflow_manifest::{ConnectSettings, Definition};

const EXAMPLE: &str = include_str!("example.yaml");

#[cfg(test)]
fn example() -> Definition {
    Definition::parse(EXAMPLE, "connector.yaml")
        .unwrap_or_else(|error| panic!("{}", std::error::Error::source(&error).unwrap()))
}

#[test]
fn json_schema_is_up_to_date() {
    let expected = serde_json::to_string_pretty(&lakeflow_manifest::json_schema()).unwrap();
    let found = include_str!("../../../docs/connector.schema.json");
    assert!(
        found.trim_end() == expected,
        "docs/connector.schema.json is stale; write it anew with: \
         cargo run --release -p lakeflow-manifest --example json_schema > docs/connector.schema.json"
    );
}

#[test]
fn reference_is_up_to_date() {
    let found = include_str!("../../../docs/guides/connector-reference.md");
    assert!(
        found == lakeflow_manifest::reference_markdown(),
        "docs/guides/connector-reference.md is stale; write it anew with: \
         cargo run -p lakeflow-manifest --example reference > docs/guides/connector-reference.md"
    );
}

#[test]
fn readme_tables_are_derived() {
    let definition = example();
    insta::assert_snapshot!(format!(
        "{}\n{}\n{}",
        definition.parameters_markdown(),
        definition.tables_markdown(),
        definition.options_markdown()
    ));
}

#[test]
fn named_types_are_part_of_the_schema() {
    let schema = example().table_schema("tickets").unwrap();
    assert_eq!(
        lakeflow_interface::ddl::type_name(schema.field_with_name("team").unwrap()),
        "STRUCT<name: STRING, members: ARRAY<STRUCT<id: BIGINT, login: STRING>>>"
    );
}

#[test]
fn parameters_are_checked_all_at_once_and_secrets_not_shown() {
    let definition = example();
    let given = |entries: &[(&str, &str)]| -> BTreeMap<String, Secret> {
        entries.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect()
    };
    let errors = definition.check_parameters(&given(&[("tokn", "geheim"), ("base_url", "ftp://x")]));
    let errors: Vec<String> = errors.iter().map(|error| format!("{error:?}")).collect();
    insta::assert_debug_snapshot!(errors);
    let settings = ConnectSettings { upstream: None, user_agent: "test".to_owned(), concurrency: 4, readers: 1 };
    let error = definition.connect(&given(&[("tokn", "geheim")]), settings.clone()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(definition.connect(&given(&[("token", "geheim")]), settings).is_ok());
}

#[test]
fn chosen_way_of_authentication_needs_its_own_parameters() {
    let methods = "auth_methods:\n    token: {parameters: {token: {secret: true, required: true}}, \
                   auth: {bearer: '{{ connection.token }}'}}\n    none: {auth: none}";
    let text = EXAMPLE
        .replace("    token: {secret: true, required: true, description: \"API token, from Settings → API\"}\n", "")
        .replace("auth: {bearer: \"{{ connection.token }}\"}", methods);
    let definition = Definition::parse(&text, "connector.yaml").unwrap();
    let settings = ConnectSettings { upstream: None, user_agent: "test".to_owned(), concurrency: 4, readers: 1 };
    let connect = |given: &[(&str, &str)]| {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value)));
        definition.connect(&given.collect(), settings.clone()).map(|_| ()).map_err(|error| error.message().to_owned())
    };
    assert_eq!(connect(&[("auth_method", "none")]), Ok(()));
    assert_eq!(connect(&[("auth_method", "token"), ("token", "geheim")]), Ok(()));
    assert_eq!(connect(&[("auth_method", "token")]), Err("the connection parameter `token` is missing".to_owned()));
    assert_eq!(connect(&[]), Err("the connection parameter `auth_method` is missing".to_owned()));
    assert_eq!(
        connect(&[("auth_method", "tokens")]),
        Err("connection parameter `auth_method`: expected `none` or `token`, found `tokens`".to_owned())
    );
}

#[test]
fn metadata_service_is_no_source() {
    for address in
        ["http://169.254.169.254", "http://[fe80::1]", "http://metadata.google.internal", "http://2852039166"]
    {
        let text = EXAMPLE.replace("\"https://api.example.com\"", &format!("\"{address}\""));
        let definition = Definition::parse(&text, "connector.yaml").unwrap();
        let settings = ConnectSettings { upstream: None, user_agent: "test".to_owned(), concurrency: 4, readers: 1 };
        let given = BTreeMap::from([("token".to_owned(), Secret::new("geheim"))]);
        let error = definition.connect(&given, settings).err().unwrap();
        assert!(error.message().contains("metadata service"), "{address}: {error:?}");
    }
}
