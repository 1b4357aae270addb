//! Keeping tables quick and small: files rewritten, sorted and removed, the log summed up and cleaned.

mod clustering;
mod history;
mod log_summary;
mod optimize;
mod restore;
mod rewrite;
mod vacuum;

pub use history::HistoryEntry;
pub(super) use log_summary::sum_up_log;
pub use optimize::{OptimizeSettings, Optimized};
pub use restore::{RestoreTarget, Restored};
pub use vacuum::{VacuumSettings, Vacuumed};
