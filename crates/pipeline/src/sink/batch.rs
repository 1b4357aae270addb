//! The name of a batch: which rows of which query it is.

use lakeflow_interface::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Which batch of which query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchId {
    /// The query: stays the same over restarts, as long as its checkpoint is there.
    pub query: Uuid,
    /// The number of the batch within a streaming query, counted up; none for a batch write, which is its own query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
}

impl BatchId {
    /// The batch of this number of a streaming query.
    ///
    /// A query whose name is no UUID is an [`ErrorKind::Internal`] error.
    pub fn of_stream(query: &str, number: u64) -> Result<Self> {
        Ok(Self { query: parse(query)?, number: Some(number) })
    }

    /// A batch write.
    pub fn of_write(query: &str) -> Result<Self> {
        Ok(Self { query: parse(query)?, number: None })
    }
}

fn parse(query: &str) -> Result<Uuid> {
    query.parse().map_err(|cause| {
        Error::new(ErrorKind::Internal, format!("expected the UUID of a query, found `{query}`")).with_cause(cause)
    })
}

/// What becomes of the rows that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// They stay, as far as the flow has it so.
    Append,
    /// The batch replaces them all.
    Overwrite,
}
