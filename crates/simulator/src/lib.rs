//! A stand-in for a source's API, served over HTTP on loopback.
//!
//! Rows are computed, never stored: row *n* of a table is a pure function of the seed, the table and *n*, so a table of
//! any size costs no memory. What was added, changed and deleted since is kept as small overlays.

mod api;
mod cassette;
mod definition;
mod instant;
mod pattern;
mod query;
mod random;
mod server;
mod settings;
mod state;
mod table;
mod vocabulary;

pub use cassette::{
    Cassette, Drift, Exchange, Finding, RecordedBody, RecordedCorpora, RecordedList, RecordedRequest, RecordedResponse,
    RecordedTable, Recorder, RecorderSettings, Replayer,
};
pub use definition::*;
pub use server::{Fault, FaultKind, LoggedRequest, Rows, Simulator, Trigger};
pub use settings::{AdvanceAfter, RequestBudget, SimulatorSettings};
pub use state::{Advance, TableAdvance};
