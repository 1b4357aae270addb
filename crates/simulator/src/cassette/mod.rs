//! Recordings of what a source answered: made by a proxy, cleaned of secrets and personal data, served again.

mod cleaner;
mod corpus;
mod detour;
mod drift;
mod recorder;
mod replayer;
mod words;

use std::collections::BTreeMap;
use std::path::Path;

use lakeflow_interface::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::definition::Json;
pub use corpus::{RecordedCorpora, RecordedList, RecordedTable};
pub use drift::{Drift, Finding};
pub use recorder::{Recorder, RecorderSettings};
pub use replayer::Replayer;

/// The form of cassettes that this program writes.
const VERSION: u32 = 1;

/// What a source answered to some requests, in their order, without secrets and personal data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cassette {
    /// The form of the file.
    pub version: u32,
    /// The requests with their answers.
    pub exchanges: Vec<Exchange>,
    /// How many exchanges more there were than a cassette holds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

/// One request with its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// What was asked.
    pub request: RecordedRequest,
    /// What was answered.
    pub response: RecordedResponse,
}

/// A request as it is kept: no header but the body's type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedRequest {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The parameters of the query, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(String, String)>,
    /// The body.
    #[serde(default, skip_serializing_if = "RecordedBody::is_empty")]
    pub body: RecordedBody,
}

/// An answer as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedResponse {
    /// The status.
    pub status: u16,
    /// Headers that say something of type, pages and limits; all others are left out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default, skip_serializing_if = "RecordedBody::is_empty")]
    pub body: RecordedBody,
    /// How many elements were cut out of lists.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub trimmed: u64,
}

/// A body.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordedBody {
    /// There is none.
    #[default]
    Empty,
    /// A JSON document.
    Json(Json),
    /// One JSON document a line.
    JsonLines(Vec<Json>),
    /// Other text.
    Text(String),
    /// So many bytes that are no text, which are not kept.
    Omitted(u64),
}

impl RecordedBody {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::Empty
    }
}

impl Cassette {
    /// Reads a cassette.
    pub fn parse(text: &str) -> Result<Self> {
        let cassette: Self = serde_json::from_str(text).map_err(|cause| {
            Error::new(ErrorKind::Configuration, "the cassette cannot be understood").with_cause(cause)
        })?;
        match cassette.version {
            VERSION => Ok(cassette),
            other => Err(Error::new(
                ErrorKind::Configuration,
                format!("expected a cassette of version `{VERSION}`, found version `{other}`"),
            )),
        }
    }

    /// Reads a cassette from a file.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|cause| {
            Error::new(ErrorKind::Configuration, "the cassette cannot be read")
                .with_context("file", path.display().to_string())
                .with_cause(cause)
        })?;
        Self::parse(&text).map_err(|error| error.with_context("file", path.display().to_string()))
    }

    /// The cassette as people read it.
    pub fn to_text(&self) -> Result<String> {
        serde_json::to_string_pretty(self)
            .map(|text| text + "\n")
            .map_err(|cause| Error::new(ErrorKind::Internal, "the cassette cannot be written").with_cause(cause))
    }

    /// Writes the cassette to a file.
    pub fn save(&self, path: &Path) -> Result<()> {
        std::fs::write(path, self.to_text()?).map_err(|cause| {
            Error::new(ErrorKind::Configuration, "the cassette cannot be written")
                .with_context("file", path.display().to_string())
                .with_cause(cause)
        })
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
