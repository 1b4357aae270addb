//! Keeping tables quick and small: files rewritten, sorted and removed, the log summed up and cleaned.

mod clustering;
mod log_summary;
mod optimize;
mod rewrite;

pub(super) use log_summary::sum_up_log;
pub use optimize::{OptimizeSettings, Optimized};
