//! How a run is done: what may be set, with the values that are right where nothing is.

use std::thread;
use std::time::Duration;

use lakeflow_interface::Horizon;
use tokio_util::sync::CancellationToken;

use crate::delta::WriterSettings;
use crate::plan::PlannedTable;

/// The settings of a run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// What changed after this instant is left for the next run.
    pub horizon: Horizon,
    /// Tables that are read at a time.
    pub parallel: usize,
    /// When rows become durable.
    pub cadence: Cadence,
    /// The bytes that all tables together may hold in memory, roughly.
    pub memory: usize,
    /// The tables that are read again from the beginning.
    pub full_refresh: FullRefresh,
    /// Whether the run is added to the record of runs, a table of the lakehouse.
    pub record: bool,
    /// Whether the offsets of the tables are the places of streams, as a sink commits them.
    pub serves_streams: bool,
    /// Stops the run in good order.
    pub cancellation: CancellationToken,
}

impl RunOptions {
    /// The usual settings, for a run that begins at this instant.
    pub fn new(horizon: Horizon) -> Self {
        Self {
            horizon,
            parallel: 4,
            cadence: Cadence::default(),
            memory: 48 << 20,
            full_refresh: FullRefresh::default(),
            record: true,
            serves_streams: false,
            cancellation: CancellationToken::new(),
        }
    }

    /// Groups of records that one table types ahead of its flow.
    pub(super) fn groups_ahead(&self) -> usize {
        thread::available_parallelism().map_or(2, usize::from).min(8)
    }

    /// The bytes of pages that all tables together may have in flight.
    pub(super) fn page_bytes(&self) -> usize {
        self.memory / 3
    }

    /// The bytes that one table's flow may hold back for lookups.
    pub(super) fn pending_bytes(&self) -> usize {
        (self.memory / 2 / self.parallel.max(1)).max(1 << 20)
    }

    /// How one table's data files are written.
    pub(super) fn writer(&self) -> WriterSettings {
        let usual = WriterSettings::default();
        let share = self.memory / 3 / (self.parallel * usual.encoders).max(1);
        WriterSettings { row_group_bytes: share.clamp(4 << 20, usual.row_group_bytes), ..usual }
    }
}

/// When rows become durable: as soon as one of these is reached and a checkpoint allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadence {
    /// Rows since the last commit.
    pub rows: u64,
    /// Bytes of these rows in memory.
    pub bytes: u64,
    /// Time since the last commit.
    pub interval: Duration,
}

impl Default for Cadence {
    fn default() -> Self {
        Self { rows: 1_000_000, bytes: 1 << 30, interval: Duration::from_secs(30) }
    }
}

/// The tables that are read again from the beginning, and then replace what is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FullRefresh {
    /// None.
    #[default]
    None,
    /// All tables of the run.
    All,
    /// Those with these names: source tables or destinations.
    Tables(Vec<String>),
}

impl FullRefresh {
    /// Whether a table is one of them.
    pub(super) fn includes(&self, table: &PlannedTable) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Tables(names) => names.iter().any(|name| table.is_called(name)),
        }
    }
}
