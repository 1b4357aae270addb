//! The place that a flow has reached, committed with the rows that lead to it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use lakeflow_interface::{Error, ErrorKind, Offset, Result};
use serde::{Deserialize, Serialize};

/// What the names of all checkpoint domains begin with.
const DOMAIN_PREFIX: &str = "lakeflow.";

/// An offset committed together with the rows that it follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Where the next read goes on.
    pub offset: Offset,
    /// Where the next read of deleted rows goes on, for a source that tells them in a second read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletes_offset: Option<Offset>,
    /// The number of this batch within the flow, from 0; also the version of the Delta transaction identifier.
    pub batch: i64,
    /// The run that committed it.
    pub run: String,
    /// When it was committed.
    pub at: DateTime<Utc>,
    /// The files of events that left no row and still matter to later ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tombstones: Vec<TombstoneFile>,
}

/// A file of tombstones, beside the table's data files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TombstoneFile {
    /// The file's path, relative to the table.
    pub path: String,
    /// The size in bytes.
    pub size: u64,
    /// The number of tombstones.
    pub rows: u64,
    /// When the newest of them was recorded.
    pub newest: DateTime<Utc>,
}

impl Checkpoint {
    /// The name of the domain that holds a flow's checkpoint.
    pub(crate) fn domain(flow: &str) -> String {
        format!("{DOMAIN_PREFIX}{flow}")
    }

    /// The checkpoints among a table's domains, by flow.
    pub(crate) fn from_domains<'a>(
        domains: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<BTreeMap<String, Self>> {
        domains
            .into_iter()
            .filter_map(|(domain, text)| Some((domain.strip_prefix(DOMAIN_PREFIX)?, text)))
            .map(|(flow, text)| Ok((flow.to_owned(), Self::from_json(flow, text)?)))
            .collect()
    }

    pub(crate) fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|cause| {
            Error::new(ErrorKind::Internal, "the checkpoint cannot be written as JSON").with_cause(cause)
        })
    }

    fn from_json(flow: &str, text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|cause| {
            Error::new(ErrorKind::Storage, "the checkpoint in the table is not one that this program wrote")
                .with_context("flow", flow)
                .with_hint("a newer version of this program may have written it; otherwise run a full refresh")
                .with_cause(cause)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoint_round_trips_and_other_domains_are_left_alone() {
        let checkpoint = Checkpoint {
            offset: Offset::beginning().with("cursor", "2024-01-01T00:00:00Z"),
            deletes_offset: None,
            batch: 7,
            run: "r1".to_owned(),
            at: DateTime::UNIX_EPOCH,
            tombstones: Vec::new(),
        };
        let text = checkpoint.to_json().unwrap();
        let domains = [("lakeflow.issues", text.as_str()), ("delta.clustering", "{}")];
        let read = Checkpoint::from_domains(domains).unwrap();
        assert_eq!(read, BTreeMap::from([("issues".to_owned(), checkpoint)]));
    }

    #[test]
    fn unreadable_checkpoint_is_an_error() {
        let error = Checkpoint::from_domains([("lakeflow.issues", "{}")]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert_eq!(error.context("flow"), Some("issues"));
    }
}
