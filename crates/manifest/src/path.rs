//! `JsonPath`: where a page has what we look for; a small subset of JSONPath.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use lakeflow_interface::records::{Kind, NodeIndex, Page, Value};
use lakeflow_interface::{Error, ErrorKind, Result};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// A place in a page: `$`, `$.items`, `$.data[*].record`, `$['odata.value']`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct JsonPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Each,
}

impl JsonPath {
    /// The places of all values at this path; an array at its end stands for its elements, `null` for none.
    ///
    /// # Errors
    /// [`ErrorKind::BadResponse`] where a page does not have the path.
    pub fn select(&self, page: &Page) -> Result<Vec<NodeIndex>> {
        let mut found = vec![page.root()];
        for (depth, step) in self.0.iter().enumerate() {
            let mut next = Vec::new();
            for value in found {
                self.follow(value, step, depth, &mut next)?;
            }
            found = next;
        }
        let mut places = Vec::new();
        for value in found {
            match value.kind() {
                Kind::Array => places.extend(value.items().map(Value::index)),
                Kind::Null => {}
                _ => places.push(value.index()),
            }
        }
        Ok(places)
    }

    /// The first value at this path, if there is one and it is not `null`.
    pub fn find<'p>(&self, page: &'p Page) -> Option<Value<'p>> {
        let mut value = page.root();
        for step in &self.0 {
            value = match step {
                Step::Key(key) => value.get(key)?,
                Step::Each => value.items().next()?,
            };
        }
        Some(value).filter(|value| !value.is_null())
    }

    /// The keys of the path up to its first `[*]`.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.0
            .iter()
            .map_while(|step| match step {
                Step::Key(key) => Some(key.clone()),
                Step::Each => None,
            })
            .collect()
    }

    /// Whether the path leads to one value.
    pub(crate) fn is_single(&self) -> bool {
        !self.0.contains(&Step::Each)
    }

    fn follow<'p>(&self, value: Value<'p>, step: &Step, depth: usize, next: &mut Vec<Value<'p>>) -> Result<()> {
        match (step, value.kind()) {
            (_, Kind::Null) => {}
            (Step::Each, Kind::Array) => next.extend(value.items()),
            (Step::Each, kind) => return Err(self.mismatch(depth, "an array", describe(kind))),
            (Step::Key(key), Kind::Object) => match value.get(key) {
                Some(inner) => next.push(inner),
                None => {
                    let keys: Vec<_> = value.entries().take(10).map(|(name, _)| format!("`{name}`")).collect();
                    return Err(self.mismatch(depth, &format!("the key `{key}`"), &keys.join(", ")));
                }
            },
            (Step::Key(_), kind) => return Err(self.mismatch(depth, "an object", describe(kind))),
        }
        Ok(())
    }

    fn mismatch(&self, depth: usize, expected: &str, found: &str) -> Error {
        let place = Self(self.0[..depth].to_vec());
        let found = if found.is_empty() { "nothing" } else { found };
        Error::new(ErrorKind::BadResponse, format!("expected {expected} at `{place}` of the page, found {found}"))
    }
}

fn describe(kind: Kind<'_>) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Bool(_) => "a boolean",
        Kind::Number(_) => "a number",
        Kind::String => "a string",
        Kind::Array => "an array",
        Kind::Object => "an object",
    }
}

impl FromStr for JsonPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("expected a path as `$`, `$.name`, `$['name']` or `$.list[*]`, found `{text}`");
        let mut rest = text.strip_prefix('$').ok_or_else(invalid)?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = if let Some(after) = rest.strip_prefix("[*]") {
                (Step::Each, after)
            } else if let Some(quoted) = rest.strip_prefix("['") {
                let (key, after) = quoted.split_once("']").ok_or_else(invalid)?;
                (Step::Key(key.to_owned()), after)
            } else {
                let name = rest.strip_prefix('.').ok_or_else(invalid)?;
                let (key, after) = name.split_at(name.find(['.', '[']).unwrap_or(name.len()));
                (Step::Key(key.to_owned()), after)
            };
            if step == Step::Key(String::new()) {
                return Err(invalid());
            }
            steps.push(step);
            rest = after;
        }
        Ok(Self(steps))
    }
}

impl TryFrom<String> for JsonPath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        self.0.iter().try_for_each(|step| match step {
            Step::Each => f.write_str("[*]"),
            Step::Key(key) if key.contains(['.', '[', ' ']) => write!(f, "['{key}']"),
            Step::Key(key) => write!(f, ".{key}"),
        })
    }
}

impl JsonSchema for JsonPath {
    fn schema_name() -> Cow<'static, str> {
        "JsonPath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A place in a page: `$`, `$.items`, `$.data[*].record`, `$['odata.value']`.",
            "type": "string",
            "format": "json-path",
        })
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(selected("$.a[*].b", r#"{"a": [{"b": [1, 2]}, {"b": 3}]}"#).unwrap(), ["1", "2", "3"]);
        assert_eq!(selected("$['x.y']", r#"{"x.y": 1}"#).unwrap(), ["1"]);
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
        for text in ["$", "$.a.b", "$.a[*]", "$['x.y'].z"] {
            assert_eq!(text.parse::<JsonPath>().unwrap().to_string(), text);
        }
        for text in ["", "items", "$.", "$..a", "$[0]", "$['a", "$.a[?@.b]"] {
            assert!(text.parse::<JsonPath>().is_err(), "{text}");
        }
    }
}
