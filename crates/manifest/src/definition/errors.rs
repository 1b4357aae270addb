//! What certain answers of a source mean.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::path::Condition;

/// What answers with certain statuses mean.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("propertyNames" = { "format": "http-status" }))]
pub struct ErrorRules(pub BTreeMap<OnStatus, ErrorRule>);

/// An HTTP status: `404`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String", extend("format" = "http-status"))]
pub struct OnStatus(pub u16);

impl TryFrom<String> for OnStatus {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.parse() {
            Ok(status @ (200..=299 | 400..=599)) => Ok(Self(status)),
            _ => Err(format!("expected an HTTP status from 200 to 299 or 400 to 599, found `{text}`")),
        }
    }
}

/// What an answer with a status means: an action, or cases that are told apart by the body.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ErrorRule {
    /// The same, whatever the body says.
    Always(StatusAction),
    /// The first case that holds; none, and the answer means what its status says.
    ByBody(Vec<BodyCase>),
}

/// An answer whose body says something.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BodyCase {
    /// What holds for the body: `$.error.code == 'not_ready'`.
    pub when: Condition,
    /// What it means.
    pub then: StatusAction,
}

/// What an answer means for a table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusAction {
    /// There are no records here; it is counted and shown in the report. Only where a parent row was removed meanwhile,
    /// or the like: a snapshot takes missing records for deleted ones.
    Skip,
    /// Send the request again, as after a 503.
    Retry,
    /// Fail, with this hint for the user.
    Fail(String),
}

impl ErrorRule {
    /// The cases, the one without a condition last.
    pub fn cases(&self) -> impl Iterator<Item = (Option<&Condition>, &StatusAction)> {
        let (always, cases): (Option<&StatusAction>, &[BodyCase]) = match self {
            Self::Always(action) => (Some(action), &[]),
            Self::ByBody(cases) => (None, cases),
        };
        cases.iter().map(|case| (Some(&case.when), &case.then)).chain(always.map(|action| (None, action)))
    }
}
