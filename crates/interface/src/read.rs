//! What a read gives: records, deletes and checkpoints, in their order.

use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::stream::BoxStream;

use crate::records::JsonRecords;
use crate::{Horizon, Offset, ReadMetrics, Result};

/// The items of a read. It is pulled, so memory stays bounded by what the reader has not yet handed on.
pub type ReadStream = BoxStream<'static, Result<ReadItem>>;

/// One item of a read.
#[derive(Clone, Debug)]
pub enum ReadItem {
    /// Inserted or updated records.
    Records(Records),
    /// Deleted records: at least their primary keys and cursor field.
    Deletes(Records),
    /// All records before this are complete up to this offset.
    Checkpoint(Offset),
}

/// Records as the source gave them.
#[derive(Clone, Debug)]
pub enum Records {
    /// Records within a page of JSON; the framework types them.
    Json(JsonRecords),
    /// Rows that are typed already, in the table's schema.
    Arrow(RecordBatch),
}

impl Records {
    /// The number of records.
    pub fn len(&self) -> usize {
        match self {
            Self::Json(records) => records.len(),
            Self::Arrow(batch) => batch.num_rows(),
        }
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that these records hold in memory, roughly.
    pub fn size(&self) -> usize {
        match self {
            Self::Json(records) => records.size(),
            Self::Arrow(batch) => batch.get_array_memory_size(),
        }
    }
}

/// What a read needs to know of the run that it belongs to.
#[derive(Clone, Debug)]
pub struct ReadContext {
    /// What was changed after this instant is left for the next run.
    pub horizon: Horizon,
    /// Where the read counts its requests.
    pub metrics: Arc<ReadMetrics>,
    /// Whether the reader keeps everything that it is handed, so that a record that comes again would be there twice.
    pub keeps_all: bool,
}

impl ReadContext {
    /// A context with fresh metrics.
    pub fn new(horizon: Horizon) -> Self {
        Self { horizon, metrics: Arc::default(), keeps_all: false }
    }
}
