//! Tests of paths and conditions.

use super::*;

fn selected(path: &str, page: &str) -> Result<Vec<String>> {
    let page = Page::parse(page)?;
    let path: JsonPath = path.parse().unwrap();
    Ok(path.select(&page)?.into_iter().map(|place| page.at(place).raw().to_owned()).collect())
}

#[test]
fn array_stands_for_its_elements_and_object_is_one_record() {
    assert_eq!(selected("$", "[1, 2]").unwrap(), ["1", "2"]);
    assert_eq!(selected("$", r#"{"id": 1}"#).unwrap(), [r#"{"id": 1}"#]);
    assert_eq!(selected("$.a", r#"{"a": [1]}"#).unwrap(), ["1"]);
    assert_eq!(selected("$.a", r#"{"a": null}"#).unwrap(), [""; 0]);
    assert_eq!(selected("$.a[*].b", r#"{"a": [{"b": [1, 2]}, {"b": 3}, {}]}"#).unwrap(), ["1", "2", "3"]);
    assert_eq!(selected("$['x.y']", r#"{"x.y": 1}"#).unwrap(), ["1"]);
    assert_eq!(selected("$.@odata", r#"{"@odata": 1}"#).unwrap(), ["1"]);
    assert_eq!(selected("$.a[1]", r#"{"a": [[1], [2, 3]]}"#).unwrap(), ["2", "3"]);
}

#[test]
fn filter_keeps_the_elements_for_which_it_holds() {
    let page = r#"{"e": [{"t": "Comment", "n": 1}, {"t": "Change", "n": 2}, {"n": 10}, {"t": null, "n": 9, "u": {"v": true}}]}"#;
    let numbers = |condition: &str| selected(&format!("$.e[?{condition}].n"), page).unwrap();
    assert_eq!(numbers("@.t == 'Comment'"), ["1"]);
    assert_eq!(numbers(r#"@.t != "Comment""#), ["2", "10", "9"]);
    assert_eq!(numbers("@.n > 9"), ["10"]);
    assert_eq!(numbers("@.n >= 2 && (@.t == null || @.t == 'Change')"), ["2", "10", "9"]);
    assert_eq!(numbers("!@.t"), ["10", "9"]);
    assert_eq!(numbers("@.u.v"), ["9"]);
    assert_eq!(numbers("@.u == 1"), [""; 0]);
}

#[test]
fn value_knows_the_object_that_holds_it() {
    let page = Page::parse(r#"{"e": [{"id": 7, "c": [{"id": 1}, {"id": 2}]}]}"#).unwrap();
    let path: JsonPath = "$.e[*].c[?@.id == 2]".parse().unwrap();
    let found = path.select_in(page.root()).unwrap();
    let parent: FieldPath = "$parent.id".parse().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(parent.find(found[0].parent).unwrap().raw(), "7");
}

#[test]
fn missing_key_is_an_error_that_names_what_is_there() {
    let error = selected("$.items", r#"{"message": "no", "status": 1}"#).unwrap_err();
    assert_eq!(error.to_string(), "expected the key `items` at `$` of the page, found `message`, `status`");
    let error = selected("$.a.b", r#"{"a": 1}"#).unwrap_err();
    assert_eq!(error.to_string(), "expected an object at `$.a` of the page, found a number");
}

#[test]
fn path_round_trips_through_text_and_refuses_the_rest() {
    for text in ["$", "$.a.b", "$.a[*]", "$['x.y'].z", "$.a[0]", "$.a[?@.b == 'c' && @.d > 1].e"] {
        assert_eq!(text.parse::<JsonPath>().unwrap().to_string(), text);
    }
    for text in ["", "items", "$.", "$..a", "$[-1]", "$['a", "$.a[?]", "$.a[?$.b]", "$.a[?@.b =]", "$.a[?@.b == x]"] {
        assert!(text.parse::<JsonPath>().is_err(), "{text}");
    }
}

#[test]
fn deep_and_long_conditions_are_refused() {
    for text in [format!("{}$.a{}", "(".repeat(1000), ")".repeat(1000)), format!("$.{}", "a".repeat(10_000))] {
        assert!(text.parse::<Condition>().is_err());
    }
    assert!("((($.a == 1) && $.b))".parse::<Condition>().is_ok());
}
