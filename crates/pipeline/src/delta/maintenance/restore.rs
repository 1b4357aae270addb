//! `restore`: a table as it was, offset and all.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use delta_kernel::snapshot::Snapshot;
use futures::stream::{self, StreamExt, TryStreamExt};
use lakeflow_interface::{Error, ErrorKind, Result};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde::Serialize;
use serde_json::{Value, json};

use super::history::HistoryEntry;
use crate::delta::amendment::Amendment;
use crate::delta::deletion::vector_file;
use crate::delta::files::{FileList, LiveFile};
use crate::delta::state::TableState;
use crate::delta::storage::{internal_error, kernel_error, storage_error};
use crate::delta::table::DeltaTable;

/// The domain whose counter never goes back.
const ROW_TRACKING_DOMAIN: &str = "delta.rowTracking";
/// The files that are looked for at a time.
const AT_A_TIME: usize = 16;

/// Which state of a table is wanted back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RestoreTarget {
    /// A version.
    Version(u64),
    /// The version that was the latest at an instant.
    At(DateTime<Utc>),
}

/// What a restore did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// The version that is as the old one was.
    pub version: u64,
    /// The old one.
    pub restored_version: u64,
    /// Files that are no longer part of the table.
    pub files_removed: u64,
    /// Files that are part of it again.
    pub files_added: u64,
}

impl DeltaTable {
    /// Makes the table what it was, in a new version: rows, columns, and the places where its flows go on.
    ///
    /// So the next run brings again what came after that version. A version that the log or `vacuum` has dropped is an
    /// [`ErrorKind::NotFound`] error; another writer at the same time an [`ErrorKind::Conflict`] error.
    pub async fn restore(&self, state: &TableState, target: RestoreTarget) -> Result<Restored> {
        let version = self.resolve_target(state, target).await?;
        let (handle, now) = (self.clone(), state.clone());
        let old = self.blocking(move || handle.state_at(version)).await?;
        let (now_files, old_files) = (Arc::clone(now.file_list().await?), Arc::clone(old.file_list().await?));
        let change = Change::new(&now_files, &old_files);
        self.check_present(version, &change.added).await?;
        let (files_removed, files_added) = (change.removed.len() as u64, change.added.len() as u64);
        let handle = self.clone();
        let restored = self.blocking(move || change.commit(&handle, &now, &old, (&now_files, &old_files))).await?;
        Ok(Restored { version: restored.version(), restored_version: version, files_removed, files_added })
    }

    async fn resolve_target(&self, state: &TableState, target: RestoreTarget) -> Result<u64> {
        let instant = match target {
            RestoreTarget::Version(version) if version <= state.version() => return Ok(version),
            RestoreTarget::Version(version) => {
                let message = format!("the table has no version {version}: its latest is {}", state.version());
                return Err(self.located(Error::new(ErrorKind::NotFound, message).with_hint("`history` lists them")));
            }
            RestoreTarget::At(instant) => instant,
        };
        for version in (0..=state.version()).rev() {
            let Some(actions) = self.read_commit(version).await? else { break };
            if HistoryEntry::of(version, &actions).at.is_some_and(|at| at <= instant) {
                return Ok(version);
            }
        }
        let message = format!("the log has no version as old as {}", instant.to_rfc3339());
        Err(self.located(Error::new(ErrorKind::NotFound, message).with_hint("`history` lists the versions")))
    }

    fn state_at(&self, version: u64) -> Result<TableState> {
        let snapshot = Snapshot::builder_for(self.location().as_str()).at_version(version).build(self.engine());
        let gone = |cause| {
            Error::new(ErrorKind::NotFound, format!("the log does not have version {version} any more"))
                .with_hint("`history` lists the versions that it has")
                .with_cause(cause)
        };
        TableState::read(self.clone(), snapshot.map_err(gone)?)
    }

    /// Checks that the files of an old version were not vacuumed.
    async fn check_present(&self, version: u64, files: &[LiveFile]) -> Result<()> {
        let mut paths: Vec<Path> = files.iter().map(|file| self.file(&file.path)).collect::<Result<_>>()?;
        for file in files {
            if let Some(descriptor) = &file.deletion_vector {
                paths.extend(vector_file(self, descriptor)?);
            }
        }
        let looked = stream::iter(paths).map(|path| async move {
            match self.store().head(&path).await {
                Ok(_) => Ok(0),
                Err(object_store::Error::NotFound { .. }) => Ok(1),
                Err(cause) => Err(storage_error("the files of the old version cannot be looked for", cause)),
            }
        });
        let missing: u64 =
            looked.buffer_unordered(AT_A_TIME).try_fold(0, |sum, one| async move { Ok(sum + one) }).await?;
        if missing == 0 {
            return Ok(());
        }
        let message = format!("version {version} cannot be restored: {missing} of its files are gone");
        Err(self.located(
            Error::new(ErrorKind::NotFound, message)
                .with_hint("`vacuum` removed them; choose a later version, or run a full refresh"),
        ))
    }
}

/// The files that make the difference between two versions.
struct Change {
    removed: Vec<LiveFile>,
    added: Vec<LiveFile>,
}

impl Change {
    fn new(now: &FileList, old: &FileList) -> Self {
        let missing = |these: &FileList, those: &FileList| {
            let those: HashSet<_> = those.files.iter().map(LiveFile::identity).collect();
            these.files.iter().filter(|file| !those.contains(&file.identity())).cloned().collect()
        };
        Self { removed: missing(now, old), added: missing(old, now) }
    }

    fn commit(
        &self,
        table: &DeltaTable,
        now: &TableState,
        old: &TableState,
        (now_files, old_files): (&FileList, &FileList),
    ) -> Result<TableState> {
        let added: Vec<&LiveFile> = self.added.iter().collect();
        let mut actions = old_files.add_actions(&added)?;
        actions.extend(metadata(now, old)?);
        actions.extend(places(now, old)?);
        let amendment = Amendment {
            operation: "RESTORE",
            parameters: vec![("version", old.version().to_string())],
            is_data_change: true,
            actions,
        };
        let removed: Vec<&LiveFile> = self.removed.iter().collect();
        amendment.commit(table, now, |transaction| {
            now_files.only(&removed)?.into_iter().for_each(|files| transaction.remove_files(files));
            Ok(())
        })
    }
}

/// The old columns and properties, where they are others now; the features of the table stay.
fn metadata(now: &TableState, old: &TableState) -> Result<Option<Value>> {
    let metadata = |state: &TableState| {
        let metadata = serde_json::to_value(state.snapshot.table_configuration().metadata());
        let mut metadata = metadata.map_err(|cause| internal_error("the table's metadata cannot be written", cause))?;
        if let Some(entries) = metadata.as_object_mut() {
            entries.retain(|_, value| !value.is_null());
        }
        Ok::<_, Error>(metadata)
    };
    let (now, old) = (metadata(now)?, metadata(old)?);
    Ok((now != old).then(|| json!({ "metaData": old })))
}

/// What takes the flows, and all else that keeps its place in the table, back to where they stood.
fn places(now: &TableState, old: &TableState) -> Result<Vec<Value>> {
    let domains = |state: &TableState| -> Result<BTreeMap<String, String>> {
        let domains = state.snapshot.get_domain_metadatas_internal(state.table.engine(), None);
        let domains = domains.map_err(|cause| kernel_error("the checkpoints of the table cannot be read", cause))?;
        let kept = domains.into_iter().filter(|(domain, _)| domain != ROW_TRACKING_DOMAIN);
        Ok(kept.map(|(name, domain)| (name, domain.configuration().to_owned())).collect())
    };
    let (now_domains, old_domains) = (domains(now)?, domains(old)?);
    let action = |domain: &str, configuration: &str, removed: bool| json!({"domainMetadata": {"domain": domain, "configuration": configuration, "removed": removed}});
    let mut actions = Vec::new();
    for (domain, configuration) in &old_domains {
        if now_domains.get(domain) != Some(configuration) {
            actions.push(action(domain, configuration, false));
        }
    }
    for (domain, configuration) in &now_domains {
        if !old_domains.contains_key(domain) {
            actions.push(action(domain, configuration, true));
        }
    }
    let moved = old.checkpoints().iter().filter(|(flow, checkpoint)| now.checkpoint(flow) != Some(checkpoint));
    actions.extend(moved.map(|(flow, checkpoint)| {
        json!({"txn": {"appId": flow, "version": checkpoint.batch, "lastUpdated": Utc::now().timestamp_millis()}})
    }));
    Ok(actions)
}
