//! Spark SQL DDL, both ways.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use arrow::datatypes::{DataType, Field, TimeUnit};
use lakeflow_interface::{ErrorKind, ddl};
use proptest::prelude::*;

fn type_of(text: &str) -> DataType {
    ddl::parse(&format!("c {text}")).unwrap().field(0).data_type().clone()
}

#[test]
fn types_have_sparks_arrow_form() {
    assert_eq!(type_of("timestamp"), DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    assert_eq!(type_of("Timestamp_NTZ"), DataType::Timestamp(TimeUnit::Microsecond, None));
    assert_eq!(type_of("DEC"), DataType::Decimal128(10, 0));
    assert_eq!(type_of("NUMERIC(38, 18)"), DataType::Decimal128(38, 18));
    assert_eq!(type_of("ARRAY<INT>"), DataType::List(Field::new("element", DataType::Int32, true).into()));
    let DataType::Map(entries, false) = type_of("MAP<STRING, LONG>") else { panic!("a map") };
    let fields = vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Int64, true)];
    assert_eq!(*entries, Field::new("entries", DataType::Struct(fields.into()), false));
    let DataType::Struct(fields) = type_of("VARIANT") else { panic!("a struct") };
    assert_eq!((fields[0].name().as_str(), fields[1].name().as_str()), ("value", "metadata"));
    assert_eq!(fields[1].metadata()["variant"], "true");
}

#[test]
fn every_way_to_write_a_type_is_shown_in_one_way() {
    for (written, shown) in [
        ("a: int not null comment 'it\\'s', `b-c` string", "a INT NOT NULL COMMENT 'it\\'s', `b-c` STRING"),
        ("`a``b` BYTE, c TINYINT, d SHORT, e REAL", "`a``b` TINYINT, c TINYINT, d SMALLINT, e FLOAT"),
        ("s STRUCT<a INT, b: STRUCT<`x y`: DATE NOT NULL>>", "s STRUCT<a: INT, b: STRUCT<`x y`: DATE NOT NULL>>"),
        ("a CHAR(3), b ARRAY<VARCHAR(10)>", "a CHAR(3), b ARRAY<VARCHAR(10)>"),
        ("a INTERVAL YEAR TO MONTH, b INTERVAL DAY TO HOUR", "a INTERVAL YEAR TO MONTH, b INTERVAL DAY TO HOUR"),
        ("a INTERVAL SECOND, v VARIANT, n VOID", "a INTERVAL SECOND, v VARIANT, n VOID"),
        ("-- a comment\n a INT, /* another */ b STRUCT<>", "a INT, b STRUCT<>"),
        ("m map<string, array<map<int, double>>>", "m MAP<STRING, ARRAY<MAP<INT, DOUBLE>>>"),
        ("a STRING COMMENT \"say \"\"hi\"\" \\\\ now\"", "a STRING COMMENT 'say \"hi\" \\\\ now'"),
    ] {
        let schema = ddl::parse(written).unwrap();
        assert_eq!(ddl::to_ddl(&schema), shown);
        assert_eq!(ddl::parse(shown).unwrap(), schema);
    }
}

#[test]
fn errors_say_where_what_was_expected_and_what_was_found() {
    for (text, message, line, column) in [
        ("", "expected a column name, found the end", "1", "1"),
        ("id BIGNT", "expected a type, found `BIGNT`", "1", "4"),
        ("id BIGINT,\n  name STRIN", "expected a type, found `STRIN`", "2", "8"),
        ("id BIGINT name", "expected `,` or the end, found `name`", "1", "11"),
        ("a DECIMAL(39)", "expected a precision from 1 to 38, found `39`", "1", "11"),
        ("a DECIMAL(5,6)", "expected a scale from 0 to 5, found `6`", "1", "13"),
        ("a ARRAY<INT", "expected `>`, found the end", "1", "12"),
        ("a INT NOT 5", "expected `NULL`, found `5`", "1", "11"),
        ("a INT COMMENT x", "expected a comment in quotes, found `x`", "1", "15"),
        ("a INT, A STRING", "the name `A` is taken by `a`", "1", "8"),
        ("+1 INT", "expected a column name, a type or a sign, found `+`", "1", "1"),
        ("a VARCHAR", "expected `(`, found the end", "1", "10"),
        ("a INTERVAL MONTH TO YEAR", "expected a smaller unit of the same kind, found `YEAR`", "1", "21"),
        ("a `x", "expected a closing back-quote, found the end", "1", "3"),
        ("a MAP<MAP<INT, INT>, INT>", "expected a type that keys can have, found `MAP<INT, INT>`", "1", "7"),
    ] {
        let error = ddl::parse(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Definition);
        assert_eq!(
            (error.message(), error.context("line"), error.context("column")),
            (message, Some(line), Some(column))
        );
    }
    assert!(ddl::parse("id BIGNT").unwrap_err().hint().unwrap().starts_with("did you mean `BIGINT`?"));
    assert!(ddl::parse(&format!("a {}INT", "ARRAY<".repeat(100_000))).is_err());
}

fn type_text() -> impl Strategy<Value = String> {
    let simple = prop::sample::select(vec![
        "BOOLEAN",
        "BYTE",
        "SMALLINT",
        "INT",
        "LONG",
        "FLOAT",
        "DOUBLE",
        "STRING",
        "BINARY",
        "DATE",
        "TIMESTAMP",
        "TIMESTAMP_NTZ",
        "VARIANT",
        "VOID",
        "DECIMAL(12, 3)",
        "CHAR(7)",
        "VARCHAR(9)",
        "INTERVAL MONTH",
        "INTERVAL HOUR TO SECOND",
    ]);
    simple.prop_map(str::to_owned).prop_recursive(4, 30, 4, |inner| {
        let fields = prop::collection::vec((inner.clone(), any::<bool>(), comment()), 0..4).prop_map(|fields| {
            let fields: Vec<String> = fields.iter().enumerate().map(|(at, field)| column(at, field)).collect();
            format!("STRUCT<{}>", fields.join(","))
        });
        prop_oneof![
            inner.clone().prop_map(|element| format!("ARRAY<{element}>")),
            inner.prop_map(|value| format!("map < string , {value} >")),
            fields,
        ]
    })
}

fn comment() -> impl Strategy<Value = Option<String>> {
    prop::option::of("[a-z'\\\\\n\"é]{0,8}")
}

fn column(at: usize, (data_type, required, comment): &(String, bool, Option<String>)) -> String {
    let comment = comment.as_ref().map(|text| text.replace('\\', "\\\\").replace('\'', "''"));
    let comment = comment.map_or(String::new(), |text| format!(" COMMENT '{text}'"));
    format!("`c. {at}` {data_type}{}{comment}", if *required { " NOT NULL" } else { "" })
}

proptest! {
    #[test]
    fn schemas_survive_the_round_trip(fields in prop::collection::vec((type_text(), any::<bool>(), comment()), 1..5)) {
        let columns: Vec<String> = fields.iter().enumerate().map(|(at, field)| column(at, field)).collect();
        let schema = ddl::parse(&columns.join(", ")).unwrap();
        prop_assert_eq!(ddl::parse(&ddl::to_ddl(&schema)).unwrap(), schema);
    }

    #[test]
    fn any_text_is_a_schema_or_an_error(text in "[a-z<>(),:`'\" 0-9\n]{0,60}|\\PC{0,30}") {
        if let Ok(schema) = ddl::parse(&text) {
            prop_assert_eq!(ddl::parse(&ddl::to_ddl(&schema)).unwrap(), schema);
        }
    }
}
