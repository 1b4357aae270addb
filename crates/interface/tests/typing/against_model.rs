//! Random records of random schemas, typed as the model types them.

use lakeflow_interface::ErrorKind;
use lakeflow_interface::ddl;
use lakeflow_interface::records::{BadValues, Typer};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::model::{self, Noticed};
use crate::records;
use crate::rendering::rows;

const NAMES: [&str; 5] = ["a", "b", "c", "id", "url"];

fn type_text() -> impl Strategy<Value = String> {
    let simple = prop::sample::select(vec![
        "BOOLEAN",
        "TINYINT",
        "BIGINT",
        "DOUBLE",
        "DECIMAL(6,2)",
        "STRING",
        "BINARY",
        "DATE",
        "TIMESTAMP",
        "VARIANT",
    ]);
    simple.prop_map(str::to_owned).prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|element| format!("ARRAY<{element}>")),
            (prop::sample::select(vec!["STRING", "BIGINT"]), inner.clone())
                .prop_map(|(key, value)| format!("MAP<{key}, {value}>")),
            columns(inner).prop_map(|fields| format!("STRUCT<{fields}>")),
        ]
    })
}

fn columns(types: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::collection::vec((types, prop::bool::weighted(0.2)), 1..5).prop_map(|columns| {
        let columns = columns.iter().zip(NAMES);
        let column = |((data_type, required), name): (&(String, bool), &str)| {
            format!("{name} {data_type}{}", if *required { " NOT NULL" } else { "" })
        };
        columns.map(column).collect::<Vec<_>>().join(", ")
    })
}

fn json_value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        -300_i64..300,
        any::<i64>(),
        -100_000_000_000_000_000..100_000_000_000_000_000_i64,
        (0..200_000_i64).prop_map(|day| day * 86_400),
    ];
    let text = prop::sample::select(vec![
        "",
        " ",
        "42",
        " -7 ",
        "+3",
        "12.50",
        "12.345",
        "1.0",
        "9999.99",
        "true",
        "No",
        " y ",
        "0",
        "off",
        "soon",
        "aGk=",
        "aGk",
        "2024-02-29",
        "2024-02-29T00:00:00Z",
        "2024-02-29T12:30:00.123456789Z",
        "2024-02-29T12:30:00+02:00",
        "2024-02-29T12:30:00",
        "2023-02-29",
        "é\n\"\\🚀",
    ]);
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        3 => number.prop_map(Value::from),
        1 => (-1_000_000..1_000_000_i64).prop_map(|hundredths| json!(hundredths as f64 / 100.0)),
        4 => text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 30, 5, |inner| {
        let key = prop::sample::select([&NAMES[..], &["x", "1", "é"]].concat());
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..6).prop_map(|entries| json!(entries)),
        ]
    })
}

fn record() -> impl Strategy<Value = Value> {
    let fields = prop::collection::btree_map(prop::sample::select(&NAMES[..]), json_value(), 0..6);
    prop_oneof![9 => fields.prop_map(|entries| json!(entries)), 1 => json_value()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn rows_are_those_of_the_model(columns in columns(type_text()), records_json in prop::collection::vec(record(), 1..6)) {
        let schema = ddl::parse(&columns).unwrap();
        let mut noticed = Vec::new();
        let expected: Vec<Value> = records_json.iter().map(|record| {
            noticed.push(Noticed::default());
            model::row(schema.fields(), record, noticed.last_mut().unwrap())
        }).collect();

        let mut typer = Typer::new("t", schema.clone(), BadValues::Rescue).unwrap();
        typer.push(&records(&json!(records_json).to_string())).unwrap();
        let typed = typer.finish().unwrap();
        let mut rescued_rows = 0;
        for ((mut row, expected), noticed) in rows(&typed.batch).into_iter().zip(expected).zip(&noticed) {
            let rescued = row.as_object_mut().unwrap().remove("_rescued_data").unwrap();
            let rescued: Value = rescued.as_str().map_or(json!({}), |text| serde_json::from_str(text).unwrap());
            prop_assert_eq!(&rescued, &json!(noticed.bad));
            prop_assert_eq!(row, expected, "{}", columns);
            rescued_rows += u64::from(!noticed.bad.is_empty());
        }
        prop_assert_eq!(typed.rescued_rows, rescued_rows);
        let undeclared = noticed.iter().flat_map(|noticed| &noticed.undeclared).cloned().collect();
        prop_assert_eq!(typed.undeclared, undeclared);

        let mut strict = Typer::new("t", schema, BadValues::Fail).unwrap();
        match strict.push(&records(&json!(records_json).to_string())) {
            Ok(()) => {
                prop_assert_eq!(rescued_rows, 0);
                prop_assert_eq!(strict.finish().unwrap().batch.num_rows(), records_json.len());
            }
            Err(error) => {
                prop_assert!(rescued_rows > 0, "{error:?}");
                prop_assert_eq!(error.kind(), ErrorKind::BadValue);
            }
        }
    }
}
