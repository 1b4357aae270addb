//! Paths and conditions: where a page has what we look for; a small subset of JSONPath (RFC 9535).

mod condition;
mod field;
mod scanner;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use lakeflow_interface::records::{Kind, NodeIndex, Page, Value};
use lakeflow_interface::{Error, ErrorKind, Result};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

pub use condition::Condition;
pub use field::{FieldPath, FieldRoot};
use scanner::Scanner;

/// A place in a page: `$`, `$.items`, `$.data[*].record`, `$['odata.value']`, `$.series[0]`, `$.events[?@.type == 'new']`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct JsonPath(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Each,
    Index(usize),
    Filter(Condition),
}

/// A value and the nearest object that holds it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'p> {
    pub(crate) value: Value<'p>,
    pub(crate) parent: Value<'p>,
}

impl JsonPath {
    /// The places of all values at this path; an array at its end stands for its elements, `null` for none.
    ///
    /// # Errors
    /// [`ErrorKind::BadResponse`] where a page does not have the path. Behind a `[*]` or a filter, what some elements do
    /// not have is none.
    pub fn select(&self, page: &Page) -> Result<Vec<NodeIndex>> {
        Ok(self.select_in(page.root())?.into_iter().map(|found| found.value.index()).collect())
    }

    /// The values at this path below some value, each with the object that holds it.
    pub(crate) fn select_in<'p>(&self, root: Value<'p>) -> Result<Vec<Found<'p>>> {
        let mut found = vec![Found { value: root, parent: root }];
        let mut may_lack = false;
        for (depth, step) in self.0.iter().enumerate() {
            let mut next = Vec::new();
            for place in found {
                self.follow(place, step, depth, may_lack, &mut next)?;
            }
            may_lack |= matches!(step, Step::Each | Step::Filter(_));
            found = next;
        }
        let mut places = Vec::with_capacity(found.len());
        for place in found {
            match place.value.kind() {
                Kind::Array => places.extend(place.value.items().map(|value| Found { value, parent: place.parent })),
                Kind::Null => {}
                _ => places.push(place),
            }
        }
        Ok(places)
    }

    /// The first value at this path, if there is one and it is not `null`.
    pub fn find<'p>(&self, page: &'p Page) -> Option<Value<'p>> {
        self.find_in(page.root())
    }

    /// The first value at this path below some value, if there is one and it is not `null`.
    pub(crate) fn find_in<'p>(&self, root: Value<'p>) -> Option<Value<'p>> {
        find(&self.0, root)
    }

    /// The value at this path below some value, also where it is an array or `null`.
    pub(crate) fn array_in<'p>(&self, root: Value<'p>) -> Result<Value<'p>> {
        let mut found = root;
        for (depth, step) in self.0.iter().enumerate() {
            let mut next = Vec::new();
            self.follow(Found { value: found, parent: found }, step, depth, false, &mut next)?;
            let missing = || self.mismatch(depth, "a value", "nothing");
            found = next.first().ok_or_else(missing)?.value;
        }
        Ok(found)
    }

    /// The keys of the path up to what is no key.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.0
            .iter()
            .map_while(|step| match step {
                Step::Key(key) => Some(key.clone()),
                _ => None,
            })
            .collect()
    }

    /// Whether the path has keys only.
    pub(crate) fn is_plain(&self) -> bool {
        self.0.iter().all(|step| matches!(step, Step::Key(_)))
    }

    fn follow<'p>(
        &self,
        place: Found<'p>,
        step: &Step,
        depth: usize,
        may_lack: bool,
        next: &mut Vec<Found<'p>>,
    ) -> Result<()> {
        let Found { value, parent } = place;
        match (step, value.kind()) {
            (_, Kind::Null) => {}
            (Step::Each, Kind::Array) => next.extend(value.items().map(|item| Found { value: item, parent })),
            (Step::Filter(condition), Kind::Array) => {
                let items = value.items().filter(|item| condition.holds(*item));
                next.extend(items.map(|item| Found { value: item, parent }));
            }
            (Step::Index(index), Kind::Array) => {
                next.extend(value.items().nth(*index).map(|item| Found { value: item, parent }));
            }
            (Step::Each | Step::Filter(_) | Step::Index(_), kind) => {
                return Err(self.mismatch(depth, "an array", describe(kind)));
            }
            (Step::Key(key), Kind::Object) => match value.get(key) {
                Some(inner) => next.push(Found { value: inner, parent: value }),
                None if may_lack => {}
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

/// The first value at some steps below another, if there is one and it is not `null`.
fn find<'p>(steps: &[Step], root: Value<'p>) -> Option<Value<'p>> {
    let mut value = root;
    for step in steps {
        value = match step {
            Step::Key(key) => value.get(key)?,
            Step::Each => value.items().next()?,
            Step::Index(index) => value.items().nth(*index)?,
            Step::Filter(condition) => value.items().find(|item| condition.holds(*item))?,
        };
    }
    Some(value).filter(|value| !value.is_null())
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
        let invalid = || {
            format!(
                "expected a path as `$`, `$.name`, `$['name']`, `$.list[*]`, `$.list[0]` or \
                 `$.list[?@.kind == 'x']`, found `{text}`"
            )
        };
        let mut scanner = Scanner::new(text);
        let is_whole = scanner.take("$");
        let steps = scanner.steps().filter(|_| is_whole && scanner.is_at_end());
        steps.map(Self).ok_or_else(invalid)
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
        write_steps(&self.0, f)
    }
}

fn write_steps(steps: &[Step], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    steps.iter().try_for_each(|step| match step {
        Step::Each => f.write_str("[*]"),
        Step::Index(index) => write!(f, "[{index}]"),
        Step::Filter(condition) => write!(f, "[?{condition}]"),
        Step::Key(key) if scanner::is_name(key) => write!(f, ".{key}"),
        Step::Key(key) => write!(f, "['{key}']"),
    })
}

impl JsonSchema for JsonPath {
    fn schema_name() -> Cow<'static, str> {
        "JsonPath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A place in a page: `$`, `$.items`, `$.data[*].record`, `$['odata.value']`, `$.series[0]`, \
                            `$.events[?@.type == 'new']`.",
            "type": "string",
            "format": "json-path",
        })
    }
}
