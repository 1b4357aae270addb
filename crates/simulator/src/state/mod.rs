//! What has become of the rows: small overlays over the computed ones, as large as what was changed.

mod advance;
mod overlay;
mod written;

pub(crate) use advance::Write;
pub use advance::{Advance, TableAdvance};
pub(crate) use overlay::{Addition, Change, Moment, Overlay};
pub(crate) use written::Written;

use crate::table::World;

/// The changes of all tables, and the clock.
#[derive(Clone, Debug)]
pub(crate) struct State {
    overlays: Vec<Overlay>,
    /// The simulator's clock, in milliseconds since 1970.
    pub(crate) now: i64,
    /// The number of advances so far.
    pub(crate) version: u64,
    /// The number of changes so far.
    sequence: u64,
}

impl State {
    /// The state of a world in which nothing has changed.
    pub(crate) fn new(world: &World) -> Self {
        Self {
            overlays: world.tables.iter().map(|_| Overlay::default()).collect(),
            now: world.now,
            version: 0,
            sequence: 0,
        }
    }

    /// The changes of one table.
    pub(crate) fn overlay(&self, table: usize) -> &Overlay {
        &self.overlays[table]
    }
}
