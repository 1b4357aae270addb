//! Snapshot: the table is made equal to the source's, once the whole of it has been read.
//!
//! Rows are kept in a temporary file while they come, and their digests by key. After the last one the digests of the
//! table's live rows are set against them, part by part; new and changed rows are inserted, changed and missing ones
//! deleted, in one commit. What was read in part is never applied. In a history the versions that are the current ones
//! take the part of the live rows: they are closed instead of deleted.

mod difference;
mod digests;
mod staging;
mod versions;

use std::sync::Arc;

use arrow::array::RecordBatch;
use async_trait::async_trait;
use futures::TryStreamExt;
use lakeflow_interface::records::{BadValues, RESCUED_DATA};
use lakeflow_interface::{ColumnPath, Error, ErrorKind, Result};
use tokio::task::spawn_blocking;

use self::difference::{Difference, compare, place};
use self::digests::{Digests, Entry};
use self::staging::Staging;
use self::versions::Versions;
use super::columns::columns;
use super::keys::{Comparable, Digest};
use super::{Effect, Flow, Place, Target};
use crate::delta::{DeletedRows, PlacedBatch, Scan};
use crate::event::RowCounts;

/// See the module.
pub(super) struct SnapshotFlow {
    target: Target,
    /// What has been read so far; on its way through a thread while rows are added.
    collected: Option<Collected>,
    /// The checkpoint at the end, once it has come.
    complete: Option<Place>,
}

/// The rows of a snapshot, and their digests.
struct Collected {
    digester: Digester,
    digests: Digests,
    staging: Staging,
}

/// How rows are told apart: by their keys, and by all that they hold.
struct Digester {
    keys: Vec<ColumnPath>,
    prepared: Option<(Comparable, Comparable)>,
}

/// What tells a row from others.
struct RowDigest {
    key: Option<Digest>,
    row: Digest,
}

impl RowDigest {
    /// The digest's entry; without a key the content takes its place.
    fn at(&self, place: u64) -> Entry {
        Entry { key: self.key.unwrap_or(self.row), row: self.row, place }
    }
}

impl Digester {
    fn new(keys: Vec<ColumnPath>) -> Self {
        Self { keys, prepared: None }
    }

    fn digests(&mut self, rows: &RecordBatch) -> Result<Vec<RowDigest>> {
        let keys = columns(rows, &self.keys)?;
        let rows = versions::without_span(rows)?;
        let (comparable_keys, comparable_rows) = match &self.prepared {
            Some(prepared) => prepared,
            None => self.prepared.insert((Comparable::like(&keys)?, Comparable::like(rows.columns())?)),
        };
        let pairs = comparable_keys.keys(&keys)?.into_iter().zip(comparable_rows.digests(rows.columns())?);
        Ok(pairs.map(|(key, row)| RowDigest { key, row }).collect())
    }
}

impl Collected {
    /// Adds rows; gives the number of those without a key that are not counted as rescued already.
    fn push(&mut self, rows: &RecordBatch) -> Result<u64> {
        let rescued = rows.column_by_name(RESCUED_DATA);
        let mut keyless = 0;
        let first = self.staging.rows();
        for (row, digest) in self.digester.digests(rows)?.into_iter().enumerate() {
            keyless += u64::from(digest.key.is_none() && rescued.is_none_or(|column| column.is_null(row)));
            self.digests.push(digest.at((first + row) as u64))?;
        }
        self.staging.push(rows)?;
        Ok(keyless)
    }
}

/// The digests of the table's rows, and the files that their places count.
struct Live {
    digester: Digester,
    digests: Digests,
    files: Vec<Arc<str>>,
    /// What is known of the versions; none where only rows are kept.
    versions: Option<Versions>,
}

impl Live {
    fn add(mut self, placed: &PlacedBatch) -> Result<Self> {
        let open = self.versions.as_mut().map(|versions| versions.add(&placed.batch)).transpose()?;
        // Files are read side by side, but there are never many.
        let file = match self.files.iter().rposition(|file| *file == placed.file) {
            Some(file) => file,
            None => {
                self.files.push(Arc::clone(&placed.file));
                self.files.len() - 1
            }
        };
        for (row, digest) in self.digester.digests(&placed.batch)?.into_iter().enumerate() {
            if open.as_ref().is_none_or(|open| open.value(row)) {
                self.digests.push(digest.at(place(file, placed.position(row))))?;
            }
        }
        Ok(self)
    }
}

impl SnapshotFlow {
    pub(super) fn new(target: Target) -> Self {
        let digester = Digester::new(target.plan().primary_keys.clone());
        let collected = Collected { digester, digests: Digests::new(), staging: Staging::default() };
        Self { target, collected: Some(collected), complete: None }
    }

    fn take_collected(&mut self) -> Result<Collected> {
        self.collected.take().ok_or_else(|| Error::new(ErrorKind::Internal, "the snapshot is lost"))
    }

    /// The digests of the table's live rows.
    async fn live(&mut self) -> Result<Live> {
        let digester = Digester::new(self.target.plan().primary_keys.clone());
        let versions = self.target.plan().flow.keeps_history().then(|| Versions::at(self.target.horizon()));
        let mut live = Live { digester, digests: Digests::new(), files: Vec::new(), versions };
        if self.target.is_blank().await? {
            return Ok(live);
        }
        let state = self.target.prepare().await?;
        let mut rows = self.target.table().scan(&state, Scan::all()).await?;
        while let Some(mut placed) = rows.try_next().await? {
            placed.batch = self.target.canonical(&placed.batch)?;
            live = blocking(move || live.add(&placed)).await?;
        }
        Ok(live)
    }

    async fn apply(&mut self, place: Place) -> Result<()> {
        let Collected { digests, staging, .. } = self.take_collected()?;
        let Live { digests: live, files, versions, .. } = self.live().await?;
        let rows = staging.rows();
        let difference = blocking(move || compare(digests, rows, live, &files)).await?;
        let Difference { inserted, inserted_rows, deleted, changed, duplicates } = difference;
        if duplicates > 0 {
            self.target.warn("rows of the snapshot had the key of a later row, which won", duplicates);
        }
        let counts = RowCounts {
            inserted: inserted_rows.saturating_sub(changed),
            updated: changed,
            deleted: deleted.len() - changed,
        };
        if inserted_rows > 0 {
            let mut selected = blocking(move || staging.into_selected(inserted)).await?;
            loop {
                let (batch, rest) = blocking(move || Ok((selected.next().transpose()?, selected))).await?;
                let Some(batch) = batch else { break };
                selected = rest;
                self.target
                    .write(match &versions {
                        Some(versions) => versions.opened(&batch)?,
                        None => batch,
                    })
                    .await?;
            }
        }
        if let Some(versions) = &versions {
            self.write_closed(versions, &deleted).await?;
        }
        if deleted.is_empty() && !self.target.has_news(&place) {
            return Ok(());
        }
        self.target.commit(Effect { superseded: deleted, counts, tombstones: None }, place).await
    }

    /// Writes the versions that the snapshot closes.
    async fn write_closed(&mut self, versions: &Versions, closed: &DeletedRows) -> Result<()> {
        if closed.is_empty() {
            return Ok(());
        }
        let state = self.target.prepare().await?;
        let mut rows = self.target.table().scan(&state, Scan::all().with_rows(closed.clone())).await?;
        while let Some(placed) = rows.try_next().await? {
            let batch = self.target.canonical(&placed.batch)?;
            self.target.write(versions.closed(batch)?).await?;
        }
        Ok(())
    }
}

/// Work that computes or waits for the disk.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|cause| {
        Err(Error::new(ErrorKind::Internal, "work on the snapshot was cut off").with_cause(cause))
    })
}

#[async_trait]
impl Flow for SnapshotFlow {
    async fn upserted(&mut self, rows: RecordBatch) -> Result<()> {
        let rows = self.target.canonical(&rows)?;
        let mut collected = self.take_collected()?;
        let (collected, keyless) = blocking(move || {
            let keyless = collected.push(&rows)?;
            Ok((collected, keyless))
        })
        .await?;
        self.collected = Some(collected);
        let plan = self.target.plan();
        if keyless > 0 && plan.bad_values == BadValues::Fail {
            return Err(Error::new(ErrorKind::BadValue, "a row has no key: the column is null")
                .with_context("table", &plan.source_table)
                .with_hint("`bad_values: rescue` keeps such rows and counts them"));
        }
        self.target.count_rescued(keyless);
        Ok(())
    }

    async fn checkpoint(&mut self, place: Place) -> Result<()> {
        self.complete = Some(place);
        Ok(())
    }

    async fn finish(&mut self) -> Result<()> {
        match self.complete.take() {
            Some(place) => self.apply(place).await,
            None => {
                Err(Error::new(ErrorKind::BadResponse, "the snapshot is not complete, and nothing of it was applied"))
            }
        }
    }

    async fn stop(&mut self) -> Result<()> {
        self.collected = None;
        self.target.discard();
        Ok(())
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn target_mut(&mut self) -> &mut Target {
        &mut self.target
    }
}
