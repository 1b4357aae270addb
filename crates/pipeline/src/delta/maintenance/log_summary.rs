//! Checkpoints of the log, and the end of what they make superfluous.

use std::time::Duration;

use chrono::{DateTime, Utc};
use delta_kernel::snapshot::SnapshotRef;
use futures::stream::{self, StreamExt, TryStreamExt};
use lakeflow_interface::Result;
use object_store::path::Path;

use crate::delta::log::{LogFile, LogFileKind};
use crate::delta::storage::storage_error;
use crate::delta::table::DeltaTable;

/// The number of commits between checkpoints of the log where the table does not say.
const CHECKPOINT_INTERVAL: u64 = 10;
/// How long the log is kept where the table does not say.
const LOG_RETENTION: Duration = Duration::from_hours(30 * 24);

/// Sums up the log in a checkpoint when it is time, and removes what is older than the table keeps.
///
/// Without either the table is as right, only slower to load.
pub(crate) fn sum_up_log(table: &DeltaTable, snapshot: SnapshotRef, commits: u64) -> SnapshotRef {
    let interval = snapshot.table_properties().checkpoint_interval.map_or(CHECKPOINT_INTERVAL, |every| every.get());
    if commits < interval { snapshot } else { checkpoint_log(table, snapshot) }
}

/// Sums up the log in a checkpoint now.
pub(super) fn checkpoint_log(table: &DeltaTable, snapshot: SnapshotRef) -> SnapshotRef {
    let summed_up = match snapshot.checkpoint(table.engine(), None) {
        Ok((_, snapshot)) => snapshot,
        Err(cause) => {
            tracing::warn!(table = %table.destination(), %cause, "the log's checkpoint cannot be written");
            return snapshot;
        }
    };
    let properties = summed_up.table_properties();
    if properties.enable_expired_log_cleanup != Some(false) {
        let keep = properties.log_retention_duration.unwrap_or(LOG_RETENTION);
        if let Err(error) = table.runtime().block_on(clean_log(table, Utc::now() - keep)) {
            tracing::warn!(table = %table.destination(), %error, "the log cannot be cleaned");
        }
    }
    summed_up
}

/// Removes the files of the log that no version since an instant needs.
async fn clean_log(table: &DeltaTable, since: DateTime<Utc>) -> Result<()> {
    let expired = expired(&table.log_files().await?, since);
    if expired.is_empty() {
        return Ok(());
    }
    let paths = stream::iter(expired.into_iter().map(Ok)).boxed();
    let deleted = table.store().delete_stream(paths).try_collect::<Vec<_>>().await;
    deleted.map(|_| ()).map_err(|cause| storage_error("old files of the log cannot be removed", cause))
}

/// Files before the latest checkpoint that was there at the instant: every version since then is built on it or on a later one.
fn expired(files: &[LogFile], since: DateTime<Utc>) -> Vec<Path> {
    let is_old_checkpoint = |file: &&LogFile| file.kind == LogFileKind::Checkpoint && file.modified <= since;
    let Some(first) = files.iter().filter(is_old_checkpoint).map(|file| file.version).max() else {
        return Vec::new();
    };
    let is_expired = |file: &&LogFile| file.version < first && file.modified <= since;
    files.iter().filter(is_expired).map(|file| file.path.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(version: u64, kind: LogFileKind, day: i64) -> LogFile {
        let modified = DateTime::UNIX_EPOCH + Duration::from_hours(24 * day.unsigned_abs());
        LogFile { version, kind, path: Path::from(format!("{version}-{kind:?}")), modified }
    }

    #[test]
    fn log_is_removed_only_before_a_checkpoint_that_is_old_itself() {
        use LogFileKind::{Checkpoint, Commit};
        let log = [
            file(0, Commit, 0),
            file(1, Commit, 1),
            file(1, Checkpoint, 1),
            file(2, Commit, 2),
            file(3, Commit, 3),
            file(3, Checkpoint, 3),
            file(4, Commit, 9),
        ];
        let on_day = |day| {
            let expired = expired(&log, file(0, Commit, day).modified);
            expired.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(on_day(0), Vec::<String>::new());
        assert_eq!(on_day(2), ["0-Commit"]);
        assert_eq!(on_day(8), ["0-Commit", "1-Commit", "1-Checkpoint", "2-Commit"]);
    }
}
