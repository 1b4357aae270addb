//! Where a read goes on, and where it ends.

use std::fmt;

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A connector's own JSON object saying where to go on; opaque to everyone else.
///
/// Keys are kept sorted, so that equal offsets have equal text. The empty offset is the beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(Map<String, Value>);

impl Offset {
    /// The beginning of a table.
    pub fn beginning() -> Self {
        Self::default()
    }

    /// Whether this is the beginning.
    pub fn is_beginning(&self) -> bool {
        self.0.is_empty()
    }

    /// One entry by name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The same offset with one entry set.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// All entries.
    pub fn entries(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl From<Map<String, Value>> for Offset {
    fn from(entries: Map<String, Value>) -> Self {
        Self(entries)
    }
}

/// Canonical JSON: sorted keys, no white space.
impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(&self.0).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

/// The instant at which a run began, in whole seconds UTC: a run reads what existed then, and so ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Horizon(DateTime<Utc>);

impl Horizon {
    /// The horizon of a run that begins now.
    pub fn now() -> Self {
        Self::at(Utc::now())
    }

    /// A horizon at a given instant.
    pub fn at(instant: DateTime<Utc>) -> Self {
        Self(instant.trunc_subsecs(0))
    }

    /// The instant.
    pub fn instant(self) -> DateTime<Utc> {
        self.0
    }
}
