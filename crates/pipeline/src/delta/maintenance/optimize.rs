//! `optimize`: small files joined, deleted rows purged, clustered tables sorted.

use std::sync::Arc;

use lakeflow_interface::{Error, ErrorKind, Result};
use serde::Serialize;

use super::rewrite::{Rewrite, Rewritten};
use crate::delta::files::LiveFile;
use crate::delta::state::TableState;
use crate::delta::table::DeltaTable;
use crate::delta::writer::WriterSettings;

/// The data that one commit rewrites at most: what is lost when somebody else is quicker.
const COMMIT_BYTES: u64 = 1 << 30;
/// How often the work is planned anew because somebody else changed the files.
const ATTEMPTS: usize = 5;

/// Which files are worth a rewrite, and how they are written.
#[derive(Clone, Copy, Debug)]
pub struct OptimizeSettings {
    /// Files below this size are joined with others.
    pub small_bytes: u64,
    /// Small files are left alone while there are fewer than this.
    pub least_files: usize,
    /// A file is rewritten without its deleted rows where they are this share of it.
    pub deleted_share: f64,
    /// Whether every file is rewritten, whatever its size: a clustered table is sorted as a whole.
    pub full: bool,
    /// How data files are written.
    pub writer: WriterSettings,
}

impl Default for OptimizeSettings {
    fn default() -> Self {
        Self {
            small_bytes: 64 << 20,
            least_files: 2,
            deleted_share: 0.05,
            full: false,
            writer: WriterSettings::default(),
        }
    }
}

impl OptimizeSettings {
    /// What pays without being asked for, after a run: many small files, and files that are mostly deleted.
    pub fn after_run(writer: WriterSettings) -> Self {
        Self { small_bytes: 32 << 20, least_files: 24, deleted_share: 0.5, full: false, writer }
    }

    /// The files that are worth it.
    fn chosen<'a>(&self, files: &'a [LiveFile]) -> Vec<&'a LiveFile> {
        if self.full {
            return files.iter().collect();
        }
        let is_worn = |file: &LiveFile| {
            file.rows.is_some_and(|rows| file.deleted > 0 && file.deleted as f64 >= rows as f64 * self.deleted_share)
        };
        let is_small = |file: &LiveFile| file.size < self.small_bytes;
        let joins_small = files.iter().filter(|file| is_small(file)).count() >= self.least_files.max(2);
        files.iter().filter(|file| is_worn(file) || (joins_small && is_small(file))).collect()
    }
}

/// What an optimization did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Optimized {
    /// The version of the table afterwards.
    pub version: u64,
    /// The commits that it took.
    pub commits: u64,
    /// Files that were rewritten.
    pub files_removed: u64,
    /// Their size.
    pub bytes_removed: u64,
    /// Files that hold their rows now.
    pub files_added: u64,
    /// Their size.
    pub bytes_added: u64,
    /// Rows that were marked as deleted and are gone for good.
    pub rows_purged: u64,
}

impl DeltaTable {
    /// Rewrites the files that are worth it; no row changes.
    ///
    /// Safe beside other writers: work on files that somebody else changes meanwhile is done again, and after some attempts
    /// given up with an [`ErrorKind::Conflict`] error; nothing is lost either way. Also sums up the log.
    pub async fn optimize(&self, state: TableState, settings: &OptimizeSettings) -> Result<(TableState, Optimized)> {
        let mut done = Optimized { version: state.version(), ..Optimized::default() };
        let mut state = state;
        for _ in 0..ATTEMPTS {
            let groups = groups(settings.chosen(state.files().await?));
            let mut is_complete = true;
            for group in groups {
                let rewrite = Rewrite::new(self, &state, group, settings.writer).await?;
                match rewrite.carry_out().await? {
                    Rewritten::Committed(next, work) => {
                        done.count(&work);
                        state = *next;
                    }
                    Rewritten::Overtaken(next) => {
                        state = *next;
                        is_complete = false;
                        break;
                    }
                }
            }
            if is_complete {
                done.version = state.version();
                return Ok((state, done));
            }
        }
        Err(self.located(
            Error::new(ErrorKind::Conflict, "other writers keep changing the files that are to be rewritten")
                .with_hint("run `optimize` when they are done; the table is as it was"),
        ))
    }
}

impl Optimized {
    fn count(&mut self, work: &Self) {
        self.commits += work.commits;
        self.files_removed += work.files_removed;
        self.bytes_removed += work.bytes_removed;
        self.files_added += work.files_added;
        self.bytes_added += work.bytes_added;
        self.rows_purged += work.rows_purged;
    }
}

/// The files in groups, each for one commit.
fn groups(files: Vec<&LiveFile>) -> Vec<Vec<Arc<str>>> {
    let mut groups: Vec<Vec<Arc<str>>> = Vec::new();
    let mut bytes = COMMIT_BYTES;
    for file in files {
        if bytes + file.size > COMMIT_BYTES {
            groups.push(Vec::new());
            bytes = 0;
        }
        bytes += file.size;
        if let Some(group) = groups.last_mut() {
            group.push(Arc::clone(&file.path));
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, megabytes: u64, rows: u64, deleted: u64) -> LiveFile {
        LiveFile {
            path: Arc::from(name),
            size: megabytes << 20,
            rows: Some(rows),
            deleted,
            deletion_vector: None,
            place: (0, 0),
        }
    }

    fn chosen(settings: OptimizeSettings, files: &[LiveFile]) -> Vec<&str> {
        settings.chosen(files).into_iter().map(|file| &*file.path).collect()
    }

    #[test]
    fn small_and_worn_files_are_chosen() {
        let files = [file("a", 200, 100, 0), file("b", 200, 100, 30), file("c", 1, 10, 0), file("d", 1, 10, 0)];
        assert_eq!(chosen(OptimizeSettings::default(), &files), ["b", "c", "d"]);
        assert_eq!(chosen(OptimizeSettings::default(), &files[..3]), ["b"], "one small file has nobody to join");
        assert!(chosen(OptimizeSettings::after_run(WriterSettings::default()), &files).is_empty());
        let full = OptimizeSettings { full: true, ..OptimizeSettings::default() };
        assert_eq!(chosen(full, &files).len(), 4);
    }

    #[test]
    fn group_is_bounded_and_holds_one_file_at_least() {
        let files = [file("a", 2000, 1, 0), file("b", 600, 1, 0), file("c", 400, 1, 0), file("d", 300, 1, 0)];
        let sizes: Vec<usize> = groups(files.iter().collect()).iter().map(Vec::len).collect();
        assert_eq!(sizes, [1, 2, 1]);
        assert!(groups(Vec::new()).is_empty());
    }
}
