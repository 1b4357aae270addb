//! `vacuum`: files that no version needs any more are deleted.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use delta_kernel::actions::deletion_vector::DeletionVectorDescriptor;
use futures::TryStreamExt;
use futures::stream::{self, StreamExt};
use lakeflow_interface::{Error, ErrorKind, Result};
use object_store::ObjectMeta;
use object_store::path::Path;
use serde::Serialize;
use serde_json::Value;

use super::history::HistoryEntry;
use crate::delta::deletion::vector_file;
use crate::delta::state::TableState;
use crate::delta::storage::{internal_error, kernel_error, storage_error};
use crate::delta::table::DeltaTable;

/// How long files are kept that no longer belong to the table, where the table does not say.
const RETENTION: Duration = Duration::from_hours(7 * 24);
/// The folder of files that checkpoints name.
const OWN_FOLDER: &str = "_lakeflow";

/// What a vacuum deletes.
#[derive(Clone, Copy, Debug, Default)]
pub struct VacuumSettings {
    /// How long files are kept that no longer belong to the table; none stands for what the table says, or seven days.
    pub retention: Option<Duration>,
    /// Whether a shorter time than that is meant: running readers and writers may lose their files.
    pub allow_short: bool,
    /// Whether nothing is deleted, only told.
    pub dry_run: bool,
}

/// What a vacuum deleted, or would.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Vacuumed {
    /// The files, by their paths below the table.
    pub files: Vec<String>,
    /// Their size.
    pub bytes: u64,
    /// Files that were there before this instant were looked at.
    pub before: DateTime<Utc>,
}

impl DeltaTable {
    /// Deletes files below the table that no version of the retention time needs, and that are older than it.
    ///
    /// A retention time shorter than the table's is an [`ErrorKind::Configuration`] error unless it is allowed.
    pub async fn vacuum(&self, state: &TableState, settings: &VacuumSettings) -> Result<Vacuumed> {
        let retention = self.retention(state, settings)?;
        let before = Utc::now() - retention;
        let needed = Needed::new(self, state, before).await?;
        let objects = self.objects().await?;
        let unneeded: Vec<ObjectMeta> = self
            .candidates(objects)?
            .into_iter()
            .filter(|object| object.last_modified < before && !needed.has(&object.location))
            .collect();
        let root = self.root()?;
        let mut files: Vec<String> =
            unneeded.iter().map(|object| relative(&root, &object.location).join("/")).collect();
        files.sort();
        let bytes = unneeded.iter().map(|object| object.size).sum();
        if !settings.dry_run && !unneeded.is_empty() {
            let paths = stream::iter(unneeded.into_iter().map(|object| Ok(object.location))).boxed();
            let deleted = self.store().delete_stream(paths).try_collect::<Vec<_>>().await;
            deleted.map_err(|cause| self.located(storage_error("unneeded files cannot be deleted", cause)))?;
        }
        Ok(Vacuumed { files, bytes, before })
    }

    fn retention(&self, state: &TableState, settings: &VacuumSettings) -> Result<Duration> {
        let usual = state.snapshot.table_properties().deleted_file_retention_duration.unwrap_or(RETENTION);
        let wanted = settings.retention.unwrap_or(usual);
        if wanted >= usual || settings.allow_short {
            return Ok(wanted);
        }
        let hours = |duration: Duration| duration.as_secs() / 3600;
        let message = format!("a retention of {} hours is shorter than the table's {}", hours(wanted), hours(usual));
        Err(self.located(Error::new(ErrorKind::Configuration, message).with_hint(
            "readers and runs that began before may still need the files; where there are none, allow it explicitly",
        )))
    }

    fn root(&self) -> Result<Path> {
        Path::from_url_path(self.location().path())
            .map_err(|cause| internal_error("the table's URL has no path", cause))
    }

    async fn objects(&self) -> Result<Vec<ObjectMeta>> {
        let objects = self.store().list(Some(&self.root()?)).try_collect().await;
        objects.map_err(|cause| self.located(storage_error("the table's files cannot be listed", cause)))
    }

    /// The objects that may be files of this table: not its log, nothing hidden, no other table's.
    fn candidates(&self, objects: Vec<ObjectMeta>) -> Result<Vec<ObjectMeta>> {
        let root = self.root()?;
        let mut others: HashSet<Vec<String>> = HashSet::new();
        for object in &objects {
            let parts = relative(&root, &object.location);
            if let Some(place) = parts.iter().position(|part| part == "_delta_log").filter(|place| *place > 0) {
                others.insert(parts[..place].to_vec());
            }
        }
        let is_hidden = |part: &String| part.starts_with(['_', '.']);
        let is_candidate = |object: &ObjectMeta| {
            let parts = relative(&root, &object.location);
            let own = usize::from(parts.first().is_some_and(|first| first == OWN_FOLDER));
            !parts[own..].iter().any(is_hidden) && !(1..parts.len()).any(|depth| others.contains(&parts[..depth]))
        };
        Ok(objects.into_iter().filter(is_candidate).collect())
    }
}

/// The parts of a path below a folder.
fn relative(root: &Path, path: &Path) -> Vec<String> {
    let below = path.prefix_match(root).into_iter().flatten();
    below.map(|part| part.as_ref().to_owned()).collect()
}

/// What versions of the retention time need.
struct Needed {
    files: HashSet<Path>,
    /// What checkpoints say, in which the names of their files are.
    checkpoints: Vec<String>,
}

impl Needed {
    async fn new(table: &DeltaTable, state: &TableState, since: DateTime<Utc>) -> Result<Self> {
        let mut needed = Self { files: HashSet::new(), checkpoints: Vec::new() };
        for file in state.files().await? {
            needed.add(table, &file.path, file.deletion_vector.as_ref())?;
        }
        let (handle, snapshot) = (table.clone(), state.snapshot.clone());
        let domains = table.blocking(move || {
            let domains = snapshot.get_all_domain_metadata(handle.engine());
            domains.map_err(|cause| kernel_error("the checkpoints of the table cannot be read", cause))
        });
        needed.checkpoints.extend(domains.await?.iter().map(|domain| domain.configuration().to_owned()));
        needed.add_former(table, state, since).await?;
        Ok(needed)
    }

    /// Adds what the versions since an instant needed, and the checkpoints that held at the instant.
    async fn add_former(&mut self, table: &DeltaTable, state: &TableState, since: DateTime<Utc>) -> Result<()> {
        let mut is_former = false;
        for version in (0..=state.version()).rev() {
            let Some(actions) = table.read_commit(version).await? else {
                return if is_former { Ok(()) } else { Err(table.located(cut_off(version))) };
            };
            is_former |= HistoryEntry::of(version, &actions).at.is_some_and(|at| at < since);
            let checkpoints_before = self.checkpoints.len();
            self.checkpoints.extend(checkpoints(&actions));
            if is_former {
                if self.checkpoints.len() > checkpoints_before {
                    return Ok(());
                }
                continue;
            }
            for remove in actions.iter().filter_map(|action| action.get("remove")) {
                let path = remove["path"].as_str().unwrap_or_default();
                self.add(table, path, descriptor(&remove["deletionVector"])?.as_ref())?;
            }
        }
        Ok(())
    }

    fn add(&mut self, table: &DeltaTable, path: &str, vector: Option<&DeletionVectorDescriptor>) -> Result<()> {
        self.files.insert(table.file(path)?);
        if let Some(vector) = vector {
            self.files.extend(vector_file(table, vector)?);
        }
        Ok(())
    }

    fn has(&self, path: &Path) -> bool {
        let name = path.filename().unwrap_or_default();
        self.files.contains(path) || self.checkpoints.iter().any(|checkpoint| checkpoint.contains(name))
    }
}

fn cut_off(version: u64) -> Error {
    Error::new(ErrorKind::Configuration, "the log does not reach back to the end of the retention")
        .with_context("version", version.to_string())
        .with_hint("choose a shorter retention")
}

/// The texts of the checkpoints that a commit sets.
fn checkpoints(actions: &[Value]) -> impl Iterator<Item = String> {
    let domains = actions.iter().filter_map(|action| action.get("domainMetadata"));
    domains.filter_map(|domain| domain["configuration"].as_str().map(str::to_owned))
}

fn descriptor(value: &Value) -> Result<Option<DeletionVectorDescriptor>> {
    let Some(kind) = value["storageType"].as_str() else { return Ok(None) };
    let invalid = |cause| kernel_error("a deletion vector in the log is not valid", cause);
    let number = |name: &str| value[name].as_i64().and_then(|number| i32::try_from(number).ok());
    DeletionVectorDescriptor::try_new(
        kind.parse().map_err(invalid)?,
        value["pathOrInlineDv"].as_str().unwrap_or_default(),
        number("offset"),
        number("sizeInBytes").unwrap_or_default(),
        value["cardinality"].as_i64().unwrap_or_default(),
    )
    .map(Some)
    .map_err(invalid)
}
