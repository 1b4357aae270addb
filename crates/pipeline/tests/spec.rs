//! The pipeline spec: what is accepted, and what is said of the rest.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use lakeflow_interface::ErrorKind;
use lakeflow_interface::records::BadValues;
use lakeflow_pipeline::PipelineSpec;
use lakeflow_pipeline::spec::{Problems, ScdType};

fn parse(text: &str) -> PipelineSpec {
    PipelineSpec::parse(text, "spec.yaml").unwrap_or_else(|error| panic!("{error:?}"))
}

/// The error as the program shows it.
fn refusal(text: &str) -> String {
    let error = PipelineSpec::parse(text, "spec.yaml").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let problems = std::error::Error::source(&error).unwrap().downcast_ref::<Problems>().unwrap();
    format!("{error}\n{problems}")
}

#[test]
fn json_and_yaml_are_read_alike() {
    let yaml = parse(concat!(
        "connection_name: my github\nobjects:\n  - table:\n      source_table: issues\n",
        "      destination_catalog: main\n      destination_schema: raw\n      destination_table: bugs\n",
        "      table_configuration: {scd_type: scd_type_2, primary_keys: [id, '`a.b`.c'], owner: me}\n",
    ));
    let json = parse(
        r#"{"connection_name": "my github", "objects": [{"table": {"source_table": "issues",
            "destination_catalog": "main", "destination_schema": "raw", "destination_table": "bugs",
            "table_configuration": {"scd_type": "SCD_TYPE_2", "primary_keys": "[\"id\", \"`a.b`.c\"]", "owner": "me"}}}]}"#,
    );
    for spec in [yaml, json] {
        let table = &spec.tables[0];
        assert_eq!((spec.connection_name.as_str(), table.source_table.as_str()), ("my github", "issues"));
        assert_eq!(table.destination.to_string(), "main.raw.bugs");
        assert_eq!(table.scd_type, Some(ScdType::ScdType2));
        let keys: Vec<_> = table.primary_keys.iter().flatten().map(ToString::to_string).collect();
        assert_eq!(keys, ["id", "`a.b`.c"]);
        assert_eq!(table.options.iter().collect::<Vec<_>>(), [("owner", "me")]);
    }
}

#[test]
fn options_reach_the_source_as_written() {
    let spec = parse(
        "connection_name: c\nobjects:\n- table:\n    source_table: t\n    table_configuration:\n      flag: true\n      \
         camelCase: 'Yes'\n      count: 0042\n      big: 12345678901234567890123\n      ratio: 1.50\n      day: 2024-01-01\n      \
         none: ~\n      list: [1, two, 3.0]\n      map: {b: false, a: x}\n      empty: ''\n",
    );
    let options: Vec<_> = spec.tables[0].options.iter().collect();
    let expected = [
        ("big", "12345678901234567890123"),
        ("camelCase", "Yes"),
        ("count", "0042"),
        ("day", "2024-01-01"),
        ("empty", ""),
        ("flag", "true"),
        ("list", r#"[1,"two",3.0]"#),
        ("map", r#"{"a":"x","b":false}"#),
        ("ratio", "1.50"),
    ];
    assert_eq!(options, expected);
}

#[test]
fn null_is_the_same_as_absent_where_a_key_is_optional() {
    let spec = parse(concat!(
        "connection_name: c\nobjects:\n- table:\n    source_table: t\n    destination_catalog: null\n",
        "    destination_schema: ~\n    destination_table:\n    table_configuration:\n- table:\n    source_table: u\n",
        "    table_configuration: {scd_type: null, primary_keys: null, sequence_by: ~, cluster_by: null, bad_values: null}\n",
    ));
    assert_eq!(spec.tables[0].destination.to_string(), "default.t");
    let table = &spec.tables[1];
    assert_eq!((table.scd_type, &table.primary_keys, &table.sequence_by), (None, &None, &None));
    assert_eq!((table.cluster_by.len(), table.bad_values), (0, BadValues::Rescue));
}

#[test]
fn columns_are_a_list_json_or_one_name() {
    let columns = |written: &str| {
        let text = format!(
            "connection_name: c\nobjects: [{{table: {{source_table: t, table_configuration: {{cluster_by: {written}, primary_keys: {written}}}}}}}]"
        );
        let spec = parse(&text);
        let names =
            |columns: &[lakeflow_interface::ColumnPath]| columns.iter().map(ToString::to_string).collect::<Vec<_>>();
        (names(&spec.tables[0].cluster_by), names(spec.tables[0].primary_keys.as_deref().unwrap_or_default()))
    };
    let both = |names: &[&str]| {
        (names.iter().map(ToString::to_string).collect(), names.iter().map(ToString::to_string).collect())
    };
    assert_eq!(columns("[a, b.c]"), both(&["a", "b.c"]));
    assert_eq!(columns(r#"'["a", "b"]'"#), both(&["a", "b"]));
    assert_eq!(columns("a"), both(&["a"]));
    assert_eq!(columns("[]"), both(&[]));
    assert_eq!(columns("'a, b'"), (vec!["a".to_owned(), "b".to_owned()], vec!["a, b".to_owned()]));
}

#[test]
fn one_source_table_may_be_listed_twice() {
    let spec = parse(
        "connection_name: c\nobjects: [{table: {source_table: t}}, {table: {source_table: t, destination_table: u}}]",
    );
    let names: Vec<_> = spec.tables.iter().map(|table| table.destination.to_string()).collect();
    assert_eq!(names, ["default.t", "default.u"]);
}

#[test]
fn all_errors_are_told_at_once_with_their_places() {
    insta::assert_snapshot!(refusal(
        r#"connection_nam: c
objects:
  - table:
      source_tabel: issues
      scd_typ: SCD_TYPE_1
  - tabel: {source_table: x}
  - table:
      source_table: "  "
      destination_schema: 7
      table_configuration:
        scd_type: SCD_TYPE_3
        primary_keys: ["", [x], a..b]
        sequence_by: 5
        bad_values: ignore
        tombstone_retention: 2 moons
        "": x
  - schema: {}
  - just text
extra: 1
"#
    ));
}

#[test]
fn shared_destination_is_refused() {
    insta::assert_snapshot!(refusal(
        "connection_name: c\nobjects:\n- table: {source_table: a, destination_schema: s}\n- table:\n    source_table: b\n    \
         destination_schema: S\n    destination_table: A\n- table: {source_table: a, destination_schema: s}\n"
    ));
}

#[test]
fn key_that_is_set_twice_is_refused() {
    insta::assert_snapshot!(refusal(
        "connection_name: c\nconnection_name: d\nobjects: [{table: {source_table: a, table_configuration: {x: 1, x: 2}}}]"
    ));
}

#[test]
fn text_that_is_no_document_is_refused() {
    let texts = [
        "",
        "just text",
        "[1, 2]",
        "a: [1",
        "objects: &x [*y]",
        "{\"connection_name\": \"c\", \"objects\": []}",
        "a: b: c",
    ];
    let refusals: Vec<_> = texts.iter().map(|text| format!("--- {text}\n{}", refusal(text))).collect();
    insta::assert_snapshot!(refusals.join("\n"));
}
