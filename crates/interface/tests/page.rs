//! Pages against serde_json: the same documents, the same values.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::fmt::Write;

use lakeflow_interface::records::{Kind, Page, Value};
use proptest::prelude::*;

/// Whether both are the same value; numbers nearly, since serde_json keeps no digits and rounds the last bit as it comes.
fn same(value: Value<'_>, expected: &serde_json::Value) -> bool {
    use serde_json::Value as Json;
    match (value.kind(), expected) {
        (Kind::Null, Json::Null) => true,
        (Kind::Bool(found), Json::Bool(expected)) => found == *expected,
        (Kind::Number(text), Json::Number(expected)) => {
            let (found, expected) = (text.parse::<f64>().unwrap(), expected.as_f64().unwrap());
            found == expected || ((found - expected) / found).abs() < 1e-15
        }
        (Kind::String, Json::String(expected)) => value.as_str().as_deref() == Some(expected),
        (Kind::Array, Json::Array(expected)) => {
            value.items().count() == expected.len() && value.items().zip(expected).all(|(a, b)| same(a, b))
        }
        (Kind::Object, Json::Object(expected)) => {
            value.entries().all(|(key, _)| expected.contains_key(key.as_ref()))
                && expected.iter().all(|(key, expected)| value.get(key).is_some_and(|value| same(value, expected)))
        }
        _ => false,
    }
}

fn json_text() -> impl Strategy<Value = String> {
    let string = prop_oneof![
        any::<String>().prop_map(|text| serde_json::Value::String(text).to_string()),
        r#""[a-zé🚀 ]{0,90}""#,
        r#""([a-z]|\\[nrtbf"/\\]|\\u00[0-9a-f]{2}|\\ud83d\\ude80)*""#,
    ];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        string.clone(),
    ];
    let space = "[ \n\t\r]{0,3}| {0,40}";
    leaf.prop_recursive(5, 60, 8, move |inner| {
        let array = (prop::collection::vec(inner.clone(), 0..6), space)
            .prop_map(|(items, space)| format!("[{space}{}{space}]", items.join(&format!("{space},{space}"))));
        let object = (prop::collection::vec((string.clone(), inner), 0..6), space).prop_map(|(entries, space)| {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{key}{space}:{space}{value}")).collect();
            format!("{{{space}{}{space}}}", entries.join(&format!("{space},{space}")))
        });
        prop_oneof![array, object]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn documents_have_the_values_that_serde_json_reads(text in json_text()) {
        let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
        let page = Page::parse(text.as_str()).unwrap();
        prop_assert!(same(page.root(), &expected), "{text}");
    }

    #[test]
    fn damaged_documents_are_refused_as_by_serde_json(
        text in json_text(),
        place in any::<prop::sample::Index>(),
        damage in prop_oneof![any::<u8>(), prop::sample::select(b"\"\\,:[]{}0-.eE \n".to_vec())],
        insert in any::<bool>(),
    ) {
        let mut bytes = text.into_bytes();
        let place = place.index(bytes.len());
        if insert { bytes.insert(place, damage) } else { bytes[place] = damage }
        agree(&bytes)?;
    }

    #[test]
    fn random_bytes_are_refused_as_by_serde_json(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        agree(&bytes)?;
    }

    #[test]
    fn random_signs_are_refused_as_by_serde_json(text in "[\\[\\]{}\",:0-9.eE+truefalsn\\\\ -]{0,24}") {
        agree(text.as_bytes())?;
    }
}

/// serde_json refuses two things that pages take: lone surrogates, and numbers beyond `f64`.
fn agree(bytes: &[u8]) -> Result<(), TestCaseError> {
    match (serde_json::from_slice::<serde_json::Value>(bytes), Page::parse(bytes)) {
        (Ok(expected), Ok(page)) => prop_assert!(same(page.root(), &expected)),
        (Err(error), Ok(_)) => {
            let message = error.to_string();
            let known = ["surrogate", "number out of range", "hex escape"].iter().any(|known| message.contains(known));
            prop_assert!(known, "{message}");
        }
        (Ok(_), Err(error)) => prop_assert!(false, "{error:?}"),
        (Err(_), Err(_)) => {}
    }
    Ok(())
}

#[test]
fn refusals_say_what_was_expected_and_where() {
    for (text, message) in [
        ("", "expected a JSON value at position 0, found the end of the page"),
        ("{\"a\":1,}", "expected a key in double quotes at position 7, found `}`"),
        ("[1 2]", "expected `,` or `]` at position 3, found `2]`"),
        ("<html>", "expected a JSON value at position 0, found `<html>`"),
        ("\"a\nb\"", "expected an escape for a control character in a string at position 2, found `\\nb\\\"`"),
        ("01", "expected the end of the page at position 1, found `1`"),
        ("\"open", "expected the closing quote of a string at position 5, found the end of the page"),
    ] {
        assert_eq!(Page::parse(text).unwrap_err().message(), message);
    }
}

#[test]
fn nesting_ends_at_128_levels() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Page::parse(nested(128)).is_ok());
    assert!(Page::parse(nested(129)).is_err());
    assert!(Page::parse("[".repeat(1_000_000)).is_err());
}

#[test]
fn places_keep_what_the_source_wrote() {
    let mut text = String::from("\u{feff}");
    write!(text, r#"{{ "n": 1.50, "a": [1, "\u00e9"], "n": 0.1000, "lone": "\ud800x" }}"#).unwrap();
    let page = Page::parse(text).unwrap();
    let raw = |key: &str| page.root().get(key).unwrap().raw();
    assert_eq!(raw("n"), "0.1000");
    assert_eq!(raw("a"), r#"[1, "\u00e9"]"#);
    assert_eq!(page.root().get("lone").unwrap().as_str().unwrap(), "\u{fffd}x");
}
