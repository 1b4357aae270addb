//! `FieldPath`: a value of a record, or of what is around it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use lakeflow_interface::records::Value;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::scanner::Scanner;
use super::{Step, find, write_steps};

/// A value of a record (`$.user.id`), of the object that holds it (`$parent.id`) or of the page (`$page.meta.id`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct FieldPath {
    root: FieldRoot,
    steps: Vec<Step>,
}

/// Where a field path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldRoot {
    /// `$`: the record.
    Record,
    /// `$parent`: the nearest object that holds the record.
    Parent,
    /// `$page`: the whole page.
    Page,
}

impl FieldPath {
    /// Where it begins.
    pub fn root(&self) -> FieldRoot {
        self.root
    }

    /// The value below its root, if there is one and it is not `null`.
    pub fn find<'p>(&self, root: Value<'p>) -> Option<Value<'p>> {
        find(&self.steps, root)
    }
}

impl FromStr for FieldPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut scanner = Scanner::new(text);
        let roots = [("$parent", FieldRoot::Parent), ("$page", FieldRoot::Page), ("$", FieldRoot::Record)];
        let root = roots.into_iter().find(|(mark, _)| scanner.take(mark)).map(|(_, root)| root);
        let steps = scanner.steps().filter(|steps| scanner.is_at_end() && !steps.contains(&Step::Each));
        root.zip(steps).map(|(root, steps)| Self { root, steps }).ok_or_else(|| {
            format!("expected the path of one value as `$.id`, `$parent.id` or `$page.meta.id`, found `{text}`")
        })
    }
}

impl TryFrom<String> for FieldPath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.root {
            FieldRoot::Record => "$",
            FieldRoot::Parent => "$parent",
            FieldRoot::Page => "$page",
        })?;
        write_steps(&self.steps, f)
    }
}

impl JsonSchema for FieldPath {
    fn schema_name() -> Cow<'static, str> {
        "FieldPath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A value of a record (`$.user.id`), of the object that holds it (`$parent.id`), or of the \
                            page (`$page.meta.id`).",
            "type": "string",
            "format": "field-path",
        })
    }
}
