//! The scalar values of the language.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A text, a whole number or a boolean, kept as text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(from = "ScalarValue")]
pub struct Scalar(pub String);

#[derive(Deserialize)]
#[serde(untagged)]
enum ScalarValue {
    Text(String),
    Integer(i64),
    Boolean(bool),
}

impl From<ScalarValue> for Scalar {
    fn from(value: ScalarValue) -> Self {
        match value {
            ScalarValue::Text(text) => Self(text),
            ScalarValue::Integer(number) => Self(number.to_string()),
            ScalarValue::Boolean(value) => Self(value.to_string()),
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for Scalar {
    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "A text, a whole number or a boolean.", "type": ["string", "integer", "boolean"] })
    }
}

/// Text with templates in it: `{{ options.owner }}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Template(pub Scalar);

impl Template {
    /// The text, templates not yet filled in.
    pub fn text(&self) -> &str {
        &self.0.0
    }
}

impl JsonSchema for Template {
    fn schema_name() -> Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Text with templates in it: `{{ options.owner }}`.",
            "type": ["string", "integer", "boolean"],
        })
    }
}

/// A length of time with its unit: `30s`, `5m`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(pub Duration);

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match humantime::parse_duration(&text) {
            Ok(duration) if duration > Duration::ZERO => Ok(Self(duration)),
            _ => Err(format!("expected a length of time as `30s`, `5m` or `7d`, found `{text}`")),
        }
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time with its unit: `30s`, `5m`, `7d`.",
            "type": "string",
            "format": "span",
        })
    }
}
