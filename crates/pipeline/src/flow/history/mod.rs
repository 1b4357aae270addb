//! History: every version of a row, with the span of the sequence in which it was the current one.
//!
//! Of the table only keys, starts and ends are read, of files where a held key may be. Whole rows are read of those
//! versions that a change closes, splits or is compared with.

#[cfg(test)]
mod model;
mod rows;
mod timeline;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow::datatypes::{DataType, Field, SchemaRef, TimeUnit};
use lakeflow_interface::{ColumnPath, Error, ErrorKind, Result};
use tokio::task::spawn_blocking;

use self::rows::{Pool, write};
use self::timeline::{Change, Content, Revision, Sequence, Timeline, Version, Written};
use super::changes::{Held, HeldPlace, Intake, narrowed, rows_at, search};
use super::columns::{joined_type, with_column, with_fields};
use super::keys::{Digest, DigestMap};
use super::tombstones::{NewTombstone, Tombstone, Tombstones};
use super::{Effect, FlowKind, Target};
use crate::delta::{DeletedRows, PlacedBatch, Scan};
use crate::plan::PlannedTable;

/// The column with the sequence at which a version became the current one.
pub(crate) const START_AT: &str = "__START_AT";
/// The column with the sequence at which it stopped being so; null while it is.
pub(crate) const END_AT: &str = "__END_AT";

/// The columns of a destination: in a history two more than its rows have.
pub(super) fn destination_schema(plan: &PlannedTable, rows: &SchemaRef) -> Result<SchemaRef> {
    let kind = match plan.flow {
        FlowKind::History => joined_type(rows, &plan.sequence_by)?,
        FlowKind::SnapshotHistory => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        FlowKind::Append | FlowKind::Upsert | FlowKind::Snapshot => return Ok(Arc::clone(rows)),
    };
    Ok(with_fields(rows, [START_AT, END_AT].map(|name| Field::new(name, kind.clone(), true))))
}

/// Rows as versions that begin at their sequences and are open.
pub(super) fn opened(rows: &RecordBatch, intake: &Intake) -> Result<RecordBatch> {
    let start = intake.sequence_of(rows)?;
    let end = new_null_array(start.data_type(), rows.num_rows());
    spanned(rows, &start, &end)
}

/// Rows with their span set.
pub(super) fn spanned(rows: &RecordBatch, start: &ArrayRef, end: &ArrayRef) -> Result<RecordBatch> {
    let rows = with_column(rows, &[START_AT.to_owned()], start)?;
    with_column(&rows, &[END_AT.to_owned()], end)
}

/// What several threads look at.
struct Lookup {
    held: Held,
    intake: Intake,
}

/// A version of a held key in the table.
struct FoundVersion {
    key: Digest,
    file: Arc<str>,
    position: u64,
    span: Version,
}

/// The timelines of the held keys, with the places of their versions and changes.
struct Histories {
    held: Held,
    keys: Vec<KeyHistory>,
    /// The changes of keys of which nothing else is known.
    first: Vec<HeldPlace>,
}

#[derive(Default)]
struct KeyHistory {
    timeline: Timeline,
    versions: Vec<(Arc<str>, u64)>,
    changes: Vec<HeldPlace>,
}

/// Adds held changes to the history: writes versions, and says which rows of the table go.
pub(super) async fn apply(target: &mut Target, intake: Intake, held: Held) -> Result<(Intake, Effect)> {
    let tombstones = Tombstones::of(target, &intake)?;
    let remembered = tombstones.of_keys(&intake, |key| held.has(key)).await?;
    let lookup = Lookup { held, intake };
    let (lookup, found) = find(target, lookup).await?;
    let Lookup { held, intake } = lookup;
    let (histories, needed) = blocking(move || {
        let histories = Histories::new(held, found, remembered);
        let needed = histories.needed();
        Ok((histories, needed))
    })
    .await?;
    let pool = fetch(target, &intake, histories.held.batches(), needed).await?;
    let held = histories.held.batches().to_vec();
    let first = histories.first.clone();
    let (pool, outcome) = blocking(move || {
        let outcome = histories.revise(&pool)?;
        Ok((pool, outcome))
    })
    .await?;
    let mut effect = Effect { superseded: outcome.superseded, counts: outcome.counts, tombstones: None };
    if !outcome.remembered.is_empty() {
        // A folder without a log is nobody's table.
        target.prepare().await?;
        effect.tombstones = Some(tombstones.with(&intake, &held, &outcome.remembered).await?);
    }
    effect.counts.inserted += first.len() as u64;
    for rows in rows_at(held, first)? {
        target.write(opened(&rows, &intake)?).await?;
    }
    write(target, &intake, pool, &outcome.written).await?;
    Ok((intake, effect))
}

/// Reads keys, starts and ends of the table's rows where a held key may be.
async fn find(target: &mut Target, lookup: Lookup) -> Result<(Lookup, Vec<Vec<FoundVersion>>)> {
    if target.is_blank().await? {
        return Ok((lookup, Vec::new()));
    }
    let state = target.prepare().await?;
    let span: Vec<ColumnPath> = [START_AT, END_AT].iter().map(|name| name.parse()).collect::<Result<_>>()?;
    let scan = narrowed(&span, &lookup.intake, &lookup.held)?;
    search(target.table(), &state, scan, lookup, Lookup::look).await
}

impl Lookup {
    fn look(&self, placed: &PlacedBatch) -> Result<Vec<FoundVersion>> {
        let (keys, span) = placed.batch.columns().split_at(self.intake.keys.len());
        let keys = self.intake.comparable_keys.keys(keys)?.into_iter().enumerate();
        let hits: Vec<(usize, Digest)> =
            keys.filter_map(|(row, key)| key.filter(|key| self.held.has(*key)).map(|key| (row, key))).collect();
        if hits.is_empty() {
            return Ok(Vec::new());
        }
        let starts = self.intake.comparable_sequence.rows(&span[..1])?;
        let ends = self.intake.comparable_sequence.rows(&span[1..])?;
        let open = span[1].logical_nulls();
        let found = hits.into_iter().map(|(row, key)| {
            let is_open = open.as_ref().is_some_and(|nulls| nulls.is_null(row));
            let end = (!is_open).then(|| ends.row(row).as_ref().into());
            let span = Version { start: starts.row(row).as_ref().into(), end };
            FoundVersion { key, file: Arc::clone(&placed.file), position: placed.position(row), span }
        });
        Ok(found.collect())
    }
}

impl Histories {
    fn new(held: Held, found: Vec<Vec<FoundVersion>>, mut remembered: DigestMap<Vec<Tombstone>>) -> Self {
        let mut by_key: DigestMap<KeyHistory> = DigestMap::default();
        for version in found.into_iter().flatten() {
            let history = by_key.entry(version.key).or_default();
            history.timeline.versions.push(version.span);
            history.versions.push((version.file, version.position));
        }
        let mut first = Vec::new();
        for key in held.keys() {
            let tombstones = remembered.remove(&key);
            if let (Some(place), None, false) = (held.only_upsert(key), &tombstones, by_key.contains_key(&key)) {
                first.push(place);
                continue;
            }
            let history = by_key.entry(key).or_default();
            history.timeline.tombstones = tombstones.unwrap_or_default();
            for change in held.all(key) {
                let at = change.sequence.as_ref().into();
                history.timeline.changes.push(Change { at, is_delete: change.is_delete });
                history.changes.push(change.place);
            }
        }
        Self { held, keys: by_key.into_values().collect(), first }
    }

    /// The rows whose values are needed.
    fn needed(&self) -> DeletedRows {
        let needed = self
            .keys
            .iter()
            .flat_map(|history| history.timeline.needed().into_iter().map(|version| &history.versions[version]));
        by_file(needed)
    }

    fn revise(self, pool: &Pool) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut superseded = Vec::new();
        for history in &self.keys {
            let same = |one, other| one == other || history.digest(one, pool) == history.digest(other, pool);
            let revision = history.timeline.revise(same);
            superseded.extend(revision.superseded.iter().map(|number| &history.versions[*number]));
            outcome.add(history, revision, pool)?;
        }
        outcome.superseded = by_file(superseded);
        Ok(outcome)
    }
}

/// Rows by their files, each file's in order.
fn by_file<'r>(rows: impl IntoIterator<Item = &'r (Arc<str>, u64)>) -> DeletedRows {
    let mut files: HashMap<&Arc<str>, Vec<u64>> = HashMap::new();
    for (file, position) in rows {
        files.entry(file).or_default().push(*position);
    }
    let mut ordered = DeletedRows::default();
    for (file, positions) in files {
        ordered.extend(file, positions);
    }
    ordered
}

impl KeyHistory {
    /// Where a row's values are among those at hand.
    fn place(&self, content: Content, pool: &Pool) -> Option<HeldPlace> {
        match content {
            Content::Change(number) => Some(self.changes[number]),
            Content::Version(number) => {
                let (file, position) = &self.versions[number];
                pool.fetched(file, *position)
            }
        }
    }

    /// What a row's values come to; a version that was not fetched is like nothing but itself.
    fn digest(&self, content: Content, pool: &Pool) -> Result<Digest, Content> {
        self.place(content, pool).map(|place| pool.digest(place)).ok_or(content)
    }
}

/// What is to be done about all held keys.
#[derive(Default)]
struct Outcome {
    written: Vec<(HeldPlace, Sequence, Option<Sequence>)>,
    superseded: DeletedRows,
    remembered: Vec<NewTombstone>,
    counts: crate::event::RowCounts,
}

impl Outcome {
    fn add(&mut self, history: &KeyHistory, revision: Revision, pool: &Pool) -> Result<()> {
        for Written { content, start, end } in revision.written {
            let place = history.place(content, pool);
            let place =
                place.ok_or_else(|| Error::new(ErrorKind::Internal, "a version to be written again was not read"))?;
            self.written.push((place, start, end));
        }
        let row = history.changes[0];
        self.remembered.extend(revision.remembered.into_iter().map(|tombstone| {
            let Tombstone { sequence, is_delete } = tombstone;
            NewTombstone { row, sequence, is_delete }
        }));
        self.counts += revision.counts;
        Ok(())
    }
}

/// Reads whole rows, and puts them behind the held ones.
async fn fetch(target: &mut Target, intake: &Intake, held: &[RecordBatch], needed: DeletedRows) -> Result<Pool> {
    let pool = Pool::new(target.canonical_schema(), intake, held)?;
    if needed.is_empty() {
        return Ok(pool);
    }
    let state = target.prepare().await?;
    let scan = Scan::all().with_rows(needed);
    let (mut pool, fetched) = search(target.table(), &state, scan, pool, Pool::digested).await?;
    fetched.into_iter().for_each(|rows| pool.add(rows));
    Ok(pool)
}

/// Work that computes.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let outcome = spawn_blocking(work).await;
    outcome.unwrap_or_else(|cause| Err(Error::new(ErrorKind::Internal, "work was cut off").with_cause(cause)))
}
