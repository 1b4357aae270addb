//! `Condition`: what holds for a value.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use lakeflow_interface::records::{Kind, Value};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::scanner::Scanner;
use super::{Step, find};

/// What holds for a value: `$.status == 'deleted'`, `$.active == false && $.role != 'bot'`, `!$.parent_id`.
///
/// What is not there counts as `null`. A path alone holds unless it leads to `null` or `false`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Condition {
    text: String,
    test: Test,
}

#[derive(Clone, Debug)]
pub(super) enum Test {
    Any(Vec<Test>),
    All(Vec<Test>),
    Not(Box<Test>),
    Holds(Vec<Step>),
    Compare(Operand, Operator, Operand),
}

#[derive(Clone, Debug)]
pub(super) enum Operand {
    Path(Vec<Step>),
    Literal(Literal),
}

#[derive(Clone, Debug)]
pub(super) enum Literal {
    Null,
    Boolean(bool),
    Number(String),
    Text(String),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// A scalar to compare; arrays and objects are equal to nothing.
#[derive(PartialEq)]
enum Scalar<'v> {
    Null,
    Boolean(bool),
    Number(Cow<'v, str>),
    Text(Cow<'v, str>),
    Nested,
}

impl Condition {
    pub(super) fn new(text: &str, test: Test) -> Self {
        Self { text: text.to_owned(), test }
    }

    /// Whether it holds for a value.
    pub fn holds(&self, value: Value<'_>) -> bool {
        self.test.holds(value)
    }
}

impl Test {
    fn holds(&self, value: Value<'_>) -> bool {
        match self {
            Self::Any(tests) => tests.iter().any(|test| test.holds(value)),
            Self::All(tests) => tests.iter().all(|test| test.holds(value)),
            Self::Not(test) => !test.holds(value),
            Self::Holds(steps) => find(steps, value).is_some_and(|found| found.kind() != Kind::Bool(false)),
            Self::Compare(left, operator, right) => operator.compare(&left.scalar(value), &right.scalar(value)),
        }
    }
}

impl Operand {
    fn scalar<'v>(&'v self, value: Value<'v>) -> Scalar<'v> {
        match self {
            Self::Literal(Literal::Null) => Scalar::Null,
            Self::Literal(Literal::Boolean(value)) => Scalar::Boolean(*value),
            Self::Literal(Literal::Number(number)) => Scalar::Number(Cow::Borrowed(number)),
            Self::Literal(Literal::Text(text)) => Scalar::Text(Cow::Borrowed(text)),
            Self::Path(steps) => match find(steps, value).map(|found| (found, found.kind())) {
                None | Some((_, Kind::Null)) => Scalar::Null,
                Some((_, Kind::Bool(value))) => Scalar::Boolean(value),
                Some((_, Kind::Number(number))) => Scalar::Number(Cow::Borrowed(number)),
                Some((found, Kind::String)) => found.as_str().map_or(Scalar::Nested, Scalar::Text),
                Some((_, Kind::Array | Kind::Object)) => Scalar::Nested,
            },
        }
    }
}

impl Operator {
    fn compare(self, left: &Scalar<'_>, right: &Scalar<'_>) -> bool {
        let order = match (left, right) {
            (Scalar::Number(left), Scalar::Number(right)) if left != right => {
                left.parse::<f64>().ok().and_then(|left| left.partial_cmp(&right.parse::<f64>().ok()?))
            }
            (Scalar::Text(left), Scalar::Text(right)) => Some(left.cmp(right)),
            (Scalar::Nested, _) | (_, Scalar::Nested) => None,
            _ => (left == right).then_some(Ordering::Equal),
        };
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::AtMost => order.is_some_and(Ordering::is_le),
            Self::Greater => order == Some(Ordering::Greater),
            Self::AtLeast => order.is_some_and(Ordering::is_ge),
        }
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Condition {}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut scanner = Scanner::new(text);
        let condition = scanner.condition("$");
        scanner.skip_space();
        condition.filter(|_| scanner.is_at_end()).ok_or_else(|| {
            format!("expected a condition as `$.status == 'deleted'`, `$.count > 0` or `!$.parent_id`, found `{text}`")
        })
    }
}

impl TryFrom<String> for Condition {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl JsonSchema for Condition {
    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What holds for a value: `$.status == 'deleted'`, `$.active == false && $.role != 'bot'`, \
                            `!$.parent_id`. What is not there counts as `null`; a path alone holds unless it leads to \
                            `null` or `false`.",
            "type": "string",
            "format": "condition",
        })
    }
}
