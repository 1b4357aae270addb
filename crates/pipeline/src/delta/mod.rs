//! Delta tables: what they hold, how rows get in, and the checkpoint that is committed with them.
//!
//! [`Lakehouse`] is a folder or an object store. A [`DeltaTable`] is loaded into a [`TableState`] (one version), rows are
//! written to data files by a [`DataWriter`] and appear in one [`Commit`], together with the rows they supersede and the
//! [`Checkpoint`] they reach.

mod amendment;
mod append;
mod checkpoint;
mod clustered;
mod commit;
mod deletion;
mod destination;
mod evolution;
mod files;
mod lakehouse;
mod log;
mod maintenance;
mod merge;
mod replacement;
mod scan;
mod schema;
mod state;
mod storage;
mod table;
mod writer;

pub use checkpoint::{Checkpoint, TombstoneFile};
pub use commit::{Commit, Operation};
pub use deletion::DeletedRows;
pub use destination::Destination;
pub use files::LiveFile;
pub use lakehouse::Lakehouse;
pub use maintenance::{HistoryEntry, OptimizeSettings, Optimized, RestoreTarget, Restored, VacuumSettings, Vacuumed};
pub use scan::{ColumnRange, ColumnValues, KeySieve, PlacedBatch, PlacedBatches, Scan};
pub(crate) use schema::{conform, to_arrow, to_delta};
pub use state::{Moved, TableState};
pub(crate) use storage::storage_error;
pub use table::{DeltaTable, NewTable};
pub use writer::{DataWriter, StagedFile, WriterSettings};
