//! The transaction log as files: which there are, and what single commits say.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use lakeflow_interface::Result;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde_json::Value;

use super::storage::{internal_error, storage_error};
use super::table::DeltaTable;

/// The number of digits of a version in a file's name.
const VERSION_DIGITS: usize = 20;

/// One file of the log.
#[derive(Clone, Debug)]
pub(crate) struct LogFile {
    pub(crate) version: u64,
    pub(crate) kind: LogFileKind,
    pub(crate) path: Path,
    pub(crate) modified: DateTime<Utc>,
}

/// What a file of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFileKind {
    Commit,
    Checkpoint,
    /// A checksum, or several commits in one file.
    Other,
}

/// What the commits after a version did to the files that were there.
#[derive(Debug, Default)]
pub(crate) struct Aftermath {
    /// Whether columns, properties or features changed.
    pub(crate) is_reshaped: bool,
    /// The files that were removed or marked, and whether that changed rows.
    pub(crate) removed: HashMap<String, bool>,
}

impl Aftermath {
    /// Whether the rows that were there before are all there still, in whatever files.
    pub(crate) fn keeps_rows(&self) -> bool {
        !self.is_reshaped && !self.removed.values().any(|changed| *changed)
    }

    fn add(&mut self, actions: &[Value]) {
        for action in actions {
            self.is_reshaped |= action.get("metaData").is_some() || action.get("protocol").is_some();
            let Some(remove) = action.get("remove") else { continue };
            let path = remove["path"].as_str().unwrap_or_default().to_owned();
            *self.removed.entry(path).or_default() |= remove["dataChange"].as_bool().unwrap_or(true);
        }
    }
}

impl DeltaTable {
    fn log_folder(&self) -> Result<Path> {
        let root = Path::from_url_path(self.location().path())
            .map_err(|cause| internal_error("the table's URL has no path", cause))?;
        Ok(root.join("_delta_log"))
    }

    /// The actions of one commit; none where the log does not have it (any more).
    pub(crate) async fn read_commit(&self, version: u64) -> Result<Option<Vec<Value>>> {
        let path = self.log_folder()?.join(format!("{version:0VERSION_DIGITS$}.json"));
        let unreadable = |cause| storage_error("a commit cannot be read", cause);
        let bytes = match self.store().get(&path).await {
            Ok(found) => found.bytes().await.map_err(unreadable)?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(cause) => return Err(self.located(unreadable(cause))),
        };
        let actions = serde_json::Deserializer::from_slice(&bytes).into_iter().collect::<serde_json::Result<_>>();
        let damaged = |cause| storage_error("a commit is not JSON", cause).with_context("file", path.as_ref());
        actions.map(Some).map_err(|cause| self.located(damaged(cause)))
    }

    /// What the commits after one version up to another did; none where the log does not have them all.
    pub(crate) async fn aftermath(&self, since: u64, until: u64) -> Result<Option<Aftermath>> {
        let mut aftermath = Aftermath::default();
        for version in since + 1..=until {
            match self.read_commit(version).await? {
                Some(actions) => aftermath.add(&actions),
                None => return Ok(None),
            }
        }
        Ok(Some(aftermath))
    }

    /// The files of the log, by version.
    pub(crate) async fn log_files(&self) -> Result<Vec<LogFile>> {
        let folder = self.log_folder()?;
        let listed = self.store().list(Some(&folder)).try_collect::<Vec<_>>().await;
        let listed = listed.map_err(|cause| self.located(storage_error("the log cannot be listed", cause)))?;
        let mut files: Vec<LogFile> = listed
            .into_iter()
            .filter(|found| found.location.parts_count() == folder.parts_count() + 1)
            .filter_map(|found| {
                let (version, kind) = parse(found.location.filename()?)?;
                Some(LogFile { version, kind, path: found.location, modified: found.last_modified })
            })
            .collect();
        files.sort_by_key(|file| file.version);
        Ok(files)
    }
}

/// The version and kind that a file's name says.
fn parse(name: &str) -> Option<(u64, LogFileKind)> {
    let (digits, rest) = name.split_at_checked(VERSION_DIGITS)?;
    let version = digits.parse().ok()?;
    let kind = match rest {
        ".json" => LogFileKind::Commit,
        rest if rest.starts_with(".checkpoint.") => LogFileKind::Checkpoint,
        rest if rest == ".crc" || rest.ends_with(".compacted.json") => LogFileKind::Other,
        _ => return None,
    };
    Some((version, kind))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_of_the_log_are_told_apart_by_their_names() {
        let cases = [
            ("00000000000000000007.json", Some((7, LogFileKind::Commit))),
            ("00000000000000000010.checkpoint.parquet", Some((10, LogFileKind::Checkpoint))),
            ("00000000000000000010.checkpoint.0000000001.0000000002.parquet", Some((10, LogFileKind::Checkpoint))),
            ("00000000000000000010.crc", Some((10, LogFileKind::Other))),
            ("00000000000000000001.00000000000000000004.compacted.json", Some((1, LogFileKind::Other))),
            ("_last_checkpoint", None),
            ("00000000000000000007.json.tmp", None),
        ];
        for (name, expected) in cases {
            assert_eq!(parse(name), expected, "{name}");
        }
    }

    #[test]
    fn rearranged_files_keep_the_rows_and_deleted_ones_do_not() {
        let remove = |change: bool| json!({"remove": {"path": "a", "dataChange": change}});
        let mut aftermath = Aftermath::default();
        aftermath.add(&[json!({"add": {"path": "b"}}), remove(false)]);
        assert!(aftermath.keeps_rows() && aftermath.removed.contains_key("a"));
        aftermath.add(&[remove(true)]);
        assert!(!aftermath.keeps_rows());
        let mut aftermath = Aftermath::default();
        aftermath.add(&[json!({"metaData": {}})]);
        assert!(!aftermath.keeps_rows());
    }
}
