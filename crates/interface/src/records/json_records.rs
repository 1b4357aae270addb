//! Records within a page of JSON, and the columns that they share.

use std::sync::Arc;

use super::{NodeIndex, Page, Value};

/// Records within a page of JSON.
#[derive(Clone, Debug)]
pub struct JsonRecords {
    page: Arc<Page>,
    records: Vec<NodeIndex>,
    constants: Arc<[(String, Option<String>)]>,
}

impl JsonRecords {
    /// The records at these places of a page, in this order.
    pub fn new(page: Arc<Page>, records: Vec<NodeIndex>) -> Self {
        Self { page, records, constants: Arc::new([]) }
    }

    /// Adds columns that have the same value in all these records, as text or null; they win over a field of the same
    /// name.
    #[must_use]
    pub fn with_constants(mut self, constants: Arc<[(String, Option<String>)]>) -> Self {
        self.constants = constants;
        self
    }

    /// The page that the records are in.
    pub fn page(&self) -> &Page {
        &self.page
    }

    /// The records.
    pub fn values(&self) -> impl ExactSizeIterator<Item = Value<'_>> {
        self.records.iter().map(|index| self.page.at(*index))
    }

    /// The columns with the same value in all these records.
    pub fn constants(&self) -> &[(String, Option<String>)] {
        &self.constants
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The bytes that these records hold in memory, roughly.
    pub fn size(&self) -> usize {
        self.page.size()
    }
}
