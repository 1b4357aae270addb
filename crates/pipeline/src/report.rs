//! What a run has done, when it is over.

use std::time::Duration;

use lakeflow_interface::{Error, ErrorKind, Horizon, Offset};

use crate::event::{Evidence, Totals};
use crate::flow::FlowKind;

/// The outcome of a run.
#[derive(Debug)]
pub struct RunReport {
    /// The run's name, also found in the checkpoints that it committed.
    pub run: String,
    /// What changed after this instant was left for the next run.
    pub horizon: Horizon,
    /// The tables, in the order of the plan.
    pub tables: Vec<TableReport>,
    /// How long it took.
    pub duration: Duration,
}

/// The outcome of one table.
#[derive(Debug)]
pub struct TableReport {
    /// The destination, also the flow's name.
    pub table: String,
    /// The table's name in the source.
    pub source_table: String,
    /// How rows get into the destination.
    pub flow: FlowKind,
    /// The final counters.
    pub totals: Totals,
    /// Where the next run goes on; none where the destination could not be opened.
    pub offset: Option<Offset>,
    /// What was odd, and how often.
    pub warnings: Vec<(String, u64)>,
    /// How long it took.
    pub duration: Duration,
    /// Why the table is believed to be complete up to the horizon; nothing where it is not.
    pub evidence: Option<Evidence>,
    /// Why the table is not complete up to the horizon; nothing where it is.
    pub error: Option<Error>,
}

impl RunReport {
    /// The sums over all tables.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for table in &self.tables {
            totals += table.totals;
        }
        totals
    }

    /// The tables that are not complete up to the horizon.
    pub fn failures(&self) -> impl Iterator<Item = (&TableReport, &Error)> {
        self.tables.iter().filter_map(|table| Some((table, table.error.as_ref()?)))
    }

    /// Whether every table is complete up to the horizon.
    pub fn is_complete(&self) -> bool {
        self.failures().next().is_none()
    }

    /// Whether the run was stopped by its user.
    pub fn is_cancelled(&self) -> bool {
        self.failures().any(|(_, error)| error.kind() == ErrorKind::Cancelled)
    }
}
