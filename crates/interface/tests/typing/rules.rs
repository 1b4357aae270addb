//! The rules of typing, each by example.

use arrow::array::Array;
use lakeflow_interface::records::{BadValues, Typer};
use lakeflow_interface::{ErrorKind, ddl};
use serde_json::{Value, json};

use crate::rendering::rows;
use crate::{records, typed};

const BAD: &str = "bad";

/// What a value becomes in a column of this type, or [`BAD`] where it was rescued.
fn value(data_type: &str, json: &str) -> Value {
    let typed = typed(&format!("c {data_type}"), &format!(r#"[{{"c":{json}}}]"#), BadValues::Rescue).unwrap();
    let row = &rows(&typed.batch)[0];
    if typed.rescued_rows == 0 {
        assert_eq!(row["_rescued_data"], Value::Null);
        return row["c"].clone();
    }
    assert_eq!(row["_rescued_data"], format!(r#"{{"c":{json}}}"#), "{data_type} {json}");
    assert_eq!(row["c"], Value::Null, "{data_type} {json}");
    BAD.into()
}

fn check(data_type: &str, examples: &[(&str, Value)]) {
    for (json, expected) in examples {
        assert_eq!(value(data_type, json), *expected, "{data_type} {json}");
    }
}

#[test]
fn whole_numbers() {
    check(
        "BIGINT",
        &[
            ("42", json!(42)),
            ("\"42\"", json!(42)),
            ("\" +42 \"", json!(42)),
            ("42.0", json!(42)),
            ("\"42.00\"", json!(42)),
            ("4.2e1", json!(42)),
            ("true", json!(1)),
            ("null", json!(null)),
            ("\"\"", json!(null)),
            ("\" \"", json!(null)),
            ("42.5", json!(BAD)),
            ("\"1_000\"", json!(BAD)),
            ("\"0x10\"", json!(BAD)),
            ("\"soon\"", json!(BAD)),
            ("[1]", json!(BAD)),
            ("{}", json!(BAD)),
            ("9223372036854775807", json!(i64::MAX)),
            ("-9223372036854775808", json!(i64::MIN)),
            ("9223372036854775808", json!(BAD)),
            ("1e400", json!(BAD)),
            ("123456789012345678901234567890123456789012345", json!(BAD)),
        ],
    );
    check("TINYINT", &[("127", json!(127)), ("-128", json!(-128)), ("128", json!(BAD))]);
    check("SMALLINT", &[("32767", json!(32767)), ("32768", json!(BAD))]);
    check("INT", &[("2147483647", json!(2_147_483_647)), ("2147483648", json!(BAD))]);
}

#[test]
fn fractions() {
    check(
        "DOUBLE",
        &[
            ("0.1", json!(0.1)),
            ("\" 2.5 \"", json!(2.5)),
            ("1", json!(1.0)),
            ("true", json!(1.0)),
            ("\"NaN\"", json!("NaN")),
            ("\"-Infinity\"", json!("-inf")),
            ("1e400", json!(BAD)),
            ("\"1e400\"", json!(BAD)),
            ("\"1,5\"", json!(BAD)),
            ("9007199254740993", json!(9_007_199_254_740_992.0)),
        ],
    );
    check("FLOAT", &[("0.5", json!(0.5)), ("1e39", json!(BAD))]);
    check(
        "DECIMAL(5,2)",
        &[
            ("12.5", json!("1250")),
            ("\"12.50\"", json!("1250")),
            ("12.500", json!("1250")),
            ("999.99", json!("99999")),
            ("-999.99", json!("-99999")),
            ("1000", json!(BAD)),
            ("12.345", json!(BAD)),
            ("\"NaN\"", json!(BAD)),
            ("1.2e2", json!("12000")),
            ("\"\"", json!(null)),
        ],
    );
    check(
        "DECIMAL(38,0)",
        &[("99999999999999999999999999999999999999", json!("99999999999999999999999999999999999999"))],
    );
}

#[test]
fn booleans() {
    check(
        "BOOLEAN",
        &[
            ("true", json!(true)),
            ("1", json!(true)),
            ("1.0", json!(true)),
            ("\"TRUE\"", json!(true)),
            ("\" yes \"", json!(true)),
            ("\"t\"", json!(true)),
            ("\"Y\"", json!(true)),
            ("\"1\"", json!(true)),
            ("false", json!(false)),
            ("0", json!(false)),
            ("\"no\"", json!(false)),
            ("\"F\"", json!(false)),
            ("\"n\"", json!(false)),
            ("\"0\"", json!(false)),
            ("2", json!(BAD)),
            ("\"off\"", json!(BAD)),
            ("\"maybe\"", json!(BAD)),
            ("[]", json!(BAD)),
            ("\"\"", json!(null)),
        ],
    );
}

#[test]
fn times() {
    check(
        "TIMESTAMP",
        &[
            ("\"1970-01-01T00:00:01Z\"", json!(1_000_000)),
            ("\"1970-01-01T02:00:01.5+02:00\"", json!(1_500_000)),
            ("\"1970-01-01 00:00:01\"", json!(1_000_000)),
            ("\"1970-01-02\"", json!(86_400_000_000_i64)),
            ("1700000000", json!(1_700_000_000_000_000_i64)),
            ("1700000000123", json!(1_700_000_000_123_000_i64)),
            ("1700000000123456", json!(1_700_000_000_123_456_i64)),
            ("1700000000123456789", json!(1_700_000_000_123_456_i64)),
            ("1.5", json!(1_500_000)),
            ("\"1700000000\"", json!(1_700_000_000_000_000_i64)),
            ("\"2024\"", json!(BAD)),
            ("\"soon\"", json!(BAD)),
            ("true", json!(BAD)),
            ("\"1970-01-01T00:00:00.0000019Z\"", json!(1)),
            ("\"2024-02-30T00:00:00Z\"", json!(BAD)),
            ("1e30", json!(BAD)),
        ],
    );
    check(
        "TIMESTAMP_NTZ",
        &[
            ("\"1970-01-01T00:00:01\"", json!(1_000_000)),
            ("\"1970-01-01T00:00:01Z\"", json!(1_000_000)),
            ("\"1970-01-01T00:00:01+02:00\"", json!(BAD)),
        ],
    );
    check(
        "DATE",
        &[
            ("\"1970-01-02\"", json!(1)),
            ("\"1970-01-02T00:00:00Z\"", json!(1)),
            ("\"1970-01-02T00:00:00+02:00\"", json!(1)),
            ("86400000000", json!(1_000_000)),
            ("\"1970-01-02T10:00:00Z\"", json!(BAD)),
            ("\"01/02/1970\"", json!(BAD)),
            ("5", json!(BAD)),
        ],
    );
    check("INTERVAL YEAR TO MONTH", &[("\"P1Y2M\"", json!(14)), ("\"1-2\"", json!(14)), ("14", json!(BAD))]);
    check(
        "INTERVAL DAY TO SECOND",
        &[("\"PT1.5S\"", json!(1_500_000)), ("\"1 00:00:00\"", json!(86_400_000_000_i64)), ("1", json!(BAD))],
    );
}

#[test]
fn text_and_bytes() {
    check(
        "STRING",
        &[
            ("\"a\\u00e9\\n\"", json!("aé\n")),
            ("\"\"", json!("")),
            ("1.50", json!("1.50")),
            ("true", json!("true")),
            ("{\"a\": [1, 2.0]}", json!("{\"a\": [1, 2.0]}")),
            ("null", json!(null)),
        ],
    );
    check("VARCHAR(3)", &[("\"äöü\"", json!("äöü")), ("\"four\"", json!(BAD)), ("1234", json!(BAD))]);
    check(
        "BINARY",
        &[
            ("\"aGk=\"", json!([104, 105])),
            ("\"aGk\"", json!([104, 105])),
            ("\"aG\\nk=\"", json!([104, 105])),
            ("\"_-8=\"", json!([255, 239])),
            ("\"\"", json!([])),
            ("[1,255]", json!([1, 255])),
            ("\"hi there\"", json!(BAD)),
            ("\"deadbeef0123456789abcdefdeadbeef\"", json!(BAD)),
            ("[256]", json!(BAD)),
            ("1", json!(BAD)),
            ("null", json!(null)),
        ],
    );
    check("VOID", &[("null", json!(null)), ("1", json!(BAD))]);
}

#[test]
fn nested_values() {
    check(
        "ARRAY<INT>",
        &[
            ("[1,null,\"2\"]", json!([1, null, 2])),
            ("7", json!([7])),
            ("[]", json!([])),
            ("\"\"", json!(null)),
            ("null", json!(null)),
        ],
    );
    check("ARRAY<STRUCT<a: INT>>", &[("{\"a\":1}", json!([{"a": 1}]))]);
    check(
        "STRUCT<a: INT, b: STRING>",
        &[
            ("{\"b\":\"x\"}", json!({"a": null, "b": "x"})),
            ("{}", json!({"a": null, "b": null})),
            ("[1]", json!(BAD)),
            ("\"{}\"", json!(BAD)),
            ("\"\"", json!(null)),
        ],
    );
    check(
        "MAP<STRING, INT>",
        &[("{\"a\":1,\"b\":null,\"a\":2}", json!([["b", null], ["a", 2]])), ("[]", json!(BAD)), ("{}", json!([]))],
    );
    check("MAP<INT, STRING>", &[("{\"1\":\"x\"}", json!([[1, "x"]]))]);
    check(
        "VARIANT",
        &[
            ("{\"a\":[1,2.50,\"x\",null,true,{}],\"a\":3}", json!({"a": 3})),
            ("[1,-40000,3000000000,2.50,1e3]", json!([1, -40000, 3_000_000_000_i64, 2.5, 1000.0])),
            ("\"[1]\"", json!("[1]")),
            ("\"\"", json!("")),
            ("null", json!(null)),
            ("1e999", json!(BAD)),
        ],
    );
}

#[test]
fn bad_values_keep_their_path_and_their_text() {
    let schema =
        "id BIGINT NOT NULL, labels ARRAY<STRUCT<id: INT, tags: ARRAY<INT NOT NULL>>>, m MAP<INT, INT>, `a.b` INT";
    let schema = schema.replace(" NOT NULL>", ">");
    let text = r#"[{"id":1,"labels":[{"id":1},{"id":"x","tags":[1,{"y": 1.0}]},7],"m":{"1":2,"k":3},"a.b":[0]},{"labels":null},3,{"id":2}]"#;
    let typed = typed(&schema, text, BadValues::Rescue).unwrap();
    let rescued: Vec<Value> = rows(&typed.batch).iter().map(|row| row["_rescued_data"].clone()).collect();
    assert_eq!(rescued[0], r#"{"labels[1].id":"x","labels[1].tags[1]":{"y": 1.0},"labels[2]":7,"m.k":3,"`a.b`":[0]}"#);
    assert_eq!(rescued[1..], [json!(r#"{"id":null}"#), json!(r#"{"$":3}"#), Value::Null]);
    assert_eq!(
        rows(&typed.batch)[0]["labels"],
        json!([{"id": 1, "tags": null}, {"id": null, "tags": [1, null]}, null])
    );
    assert_eq!(typed.rescued_rows, 3);
    assert!(typed.batch.schema().fields().iter().all(|field| field.is_nullable()));
}

#[test]
fn the_first_bad_value_fails_with_its_place() {
    let fail = |text: &str| typed("id BIGINT NOT NULL, user STRUCT<age: INT>", text, BadValues::Fail);
    let error = fail(r#"[{"id":1},{"id":7,"user":{"age":"soon"}}]"#).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadValue);
    assert_eq!(error.to_string(), "expected `INT`, found `\"soon\"` (path `user.age`, key `id=7`, table `issues`)");
    assert_eq!(fail(r#"[{"id":null}]"#).unwrap_err().message(), "expected `BIGINT` not null, found `null`");
    assert_eq!(fail("[[]]").unwrap_err().message(), "expected an object, found `[]`");
    let batch = fail(r#"[{"id":1},{"id":2,"user":{}}]"#).unwrap().batch;
    assert_eq!((batch.num_rows(), batch.num_columns(), batch.schema().field(0).is_nullable()), (2, 2, false));
}

#[test]
fn keys_are_found_in_any_order_and_the_last_of_two_counts() {
    let text = r#"[{"a":1,"b":2},{"b":3,"a":4,"new":{}},{"\u0061":5,"new":1,"b":6,"b":"7"},{"":0,"b":8}]"#;
    let typed = typed("a INT, b INT", text, BadValues::Rescue).unwrap();
    let expected = [json!([1, 2]), json!([4, 3]), json!([5, 7]), json!([null, 8])];
    let found: Vec<Value> = rows(&typed.batch).iter().map(|row| json!([row["a"], row["b"]])).collect();
    assert_eq!(found, expected);
    assert_eq!(typed.undeclared.into_iter().collect::<Vec<_>>(), ["``", "new"]);
}

#[test]
fn undeclared_fields_are_told_by_path_and_bounded() {
    let keys: Vec<String> = (0..5_000).map(|key| format!("\"k{key}\":0")).collect();
    let text = format!(r#"[{{"l":[{{"x":1}}],"m":{{"k":{{"y":1}}}},{}}}]"#, keys.join(","));
    let typed = typed("l ARRAY<STRUCT<a: INT>>, m MAP<STRING, STRUCT<a: INT>>", &text, BadValues::Rescue).unwrap();
    assert_eq!(typed.undeclared.len(), 1_000);
    let mut typer = Typer::new(
        "t",
        ddl::parse("l ARRAY<STRUCT<a: INT>>, m MAP<STRING, STRUCT<a: INT>>").unwrap(),
        BadValues::Rescue,
    )
    .unwrap();
    typer.push(&records(r#"[{"l":[{"x":1}],"m":{"k":{"y":1}},"z":1}]"#)).unwrap();
    assert_eq!(typer.finish().unwrap().undeclared.into_iter().collect::<Vec<_>>(), ["l[].x", "m.*.y", "z"]);
}

#[test]
fn constants_win_over_fields_and_are_typed_by_the_same_rules() {
    let mut typer = Typer::new("t", ddl::parse("repo STRING, n INT, x STRING").unwrap(), BadValues::Rescue).unwrap();
    let constants = [("repo", Some("a/\"b\"")), ("n", Some("42")), ("x", None), ("other", Some("1"))];
    let constants = constants.map(|(name, text)| (name.to_owned(), text.map(str::to_owned)));
    typer.push(&records(r#"[{"repo":1,"x":"seen"}]"#).with_constants(constants.into())).unwrap();
    typer.push(&records(r#"[{"repo":1,"x":"seen"}]"#)).unwrap();
    let typed = typer.finish().unwrap();
    assert_eq!(rows(&typed.batch)[0], json!({"repo": "a/\"b\"", "n": 42, "x": null, "_rescued_data": null}));
    assert_eq!(rows(&typed.batch)[1], json!({"repo": "1", "n": null, "x": "seen", "_rescued_data": null}));
    assert!(typed.undeclared.contains("other"));
}

#[test]
fn a_typer_is_used_again_after_it_gave_a_batch() {
    let mut typer =
        Typer::new("t", ddl::parse("a STRUCT<b: ARRAY<INT>>, v VARIANT").unwrap(), BadValues::Rescue).unwrap();
    for _ in 0..3 {
        typer.push(&records(r#"[{"a":{"b":[1,2]},"v":1},{"a":null},{"a":{"b":["x"]}}]"#)).unwrap();
        let typed = typer.finish().unwrap();
        assert_eq!((typed.batch.num_rows(), typed.rescued_rows, typer.rows(), typer.bytes()), (3, 1, 0, 0));
        assert_eq!(rows(&typed.batch)[0]["a"], json!({"b": [1, 2]}));
        assert_eq!(typed.batch.column(0).null_count(), 1);
    }
    assert_eq!(typer.finish().unwrap().batch.num_rows(), 0);
}

#[test]
fn schemas_that_spark_does_not_have_are_refused() {
    use arrow::datatypes::{DataType, Field, Schema};
    let schema = Schema::new(vec![Field::new("a", DataType::UInt64, true)]);
    let error = Typer::new("t", schema.into(), BadValues::Fail).err().unwrap();
    assert_eq!((error.kind(), error.context("column")), (ErrorKind::Unsupported, Some("a")));
    let schema = ddl::parse("_rescued_data STRING").unwrap();
    assert!(Typer::new("t", schema.clone(), BadValues::Rescue).is_err());
    assert!(Typer::new("t", schema, BadValues::Fail).is_ok());
}
