//! Bodies that are kept on disk while they are read.

use std::io::{Seek, SeekFrom, Write};

use lakeflow_interface::ReadMetrics;
use tempfile::SpooledTempFile;

use crate::response::BodyFault;

/// Bodies up to this stay in memory.
const IN_MEMORY: usize = 4 << 20;

/// A body: in memory where it is small, else in a file that vanishes with it.
pub type Download = SpooledTempFile;

/// Reads a body into a file, as it was sent.
pub(crate) async fn spool(
    mut answer: reqwest::Response,
    limit: usize,
    metrics: &ReadMetrics,
) -> Result<Download, BodyFault> {
    let mut file = SpooledTempFile::new(IN_MEMORY);
    let mut length = 0_usize;
    while let Some(chunk) = answer.chunk().await.map_err(BodyFault::Transport)? {
        length = length.saturating_add(chunk.len());
        if length > limit {
            return Err(BodyFault::TooLarge(limit));
        }
        metrics.count_bytes(chunk.len() as u64);
        // The page cache of the machine takes writes of this size without waiting for the disk.
        file.write_all(&chunk).map_err(BodyFault::Disk)?;
    }
    file.seek(SeekFrom::Start(0)).map_err(BodyFault::Disk)?;
    Ok(file)
}
