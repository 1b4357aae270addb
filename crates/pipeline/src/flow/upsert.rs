//! Upsert: of each key the latest change counts, and the table has its row, or none where it was a delete.

use std::sync::Arc;

use arrow::row::Row;
use lakeflow_interface::{Error, ErrorKind, Result};

use super::changes::{Held, HeldPlace, Intake, narrowed, rows_at, search};
use super::keys::{Digest, DigestMap};
use super::tombstones::{NewTombstone, Tombstone, Tombstones};
use super::{Effect, Target};
use crate::delta::PlacedBatch;

/// What several threads look at.
struct Lookup {
    held: Held,
    intake: Intake,
}

/// Rows of one file that have the key of a held change.
struct Hits {
    file: Arc<str>,
    /// Rows that a held change takes away.
    superseded: Vec<(u64, Digest)>,
    /// Keys whose row in the table is later than the held change.
    later: Vec<Digest>,
}

/// What a key's row in the table is to the held change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Present {
    Superseded,
    Later,
}

/// Writes the rows of held changes that are later than the table's, and says which rows of the table go.
pub(super) async fn apply(target: &mut Target, intake: Intake, held: Held) -> Result<(Intake, Effect)> {
    let tombstones = Tombstones::of(target, &intake)?;
    let buried = tombstones.of_keys(&intake, |key| held.has(key)).await?;
    let lookup = Lookup { held, intake };
    let (lookup, hits) = match target.is_blank().await? {
        true => (lookup, Vec::new()),
        false => {
            let state = target.prepare().await?;
            let scan = narrowed(&lookup.intake.sequence, &lookup.intake, &lookup.held)?;
            search(target.table(), &state, scan, lookup, Lookup::look).await?
        }
    };
    let mut effect = Effect::default();
    let mut present = DigestMap::default();
    for hit in hits {
        for (_, key) in &hit.superseded {
            present.entry(*key).or_insert(Present::Superseded);
        }
        effect.superseded.extend(&hit.file, hit.superseded.into_iter().map(|(position, _)| position));
        present.extend(hit.later.into_iter().map(|key| (key, Present::Later)));
    }
    let Lookup { held, intake } = lookup;
    let outcome = decide(&held, &present, &buried, &mut effect)?;
    if !outcome.buried.is_empty() {
        // A folder without a log is nobody's table.
        target.prepare().await?;
        effect.tombstones = Some(tombstones.with(&intake, held.batches(), &outcome.buried).await?);
    }
    for rows in rows_at(held.batches().to_vec(), outcome.written)? {
        target.write(rows).await?;
    }
    Ok((intake, effect))
}

/// The held rows to write, and the deletes to remember.
struct Outcome {
    written: Vec<HeldPlace>,
    buried: Vec<NewTombstone>,
}

fn decide(
    held: &Held,
    present: &DigestMap<Present>,
    buried: &DigestMap<Vec<Tombstone>>,
    effect: &mut Effect,
) -> Result<Outcome> {
    let mut outcome = Outcome { written: Vec::new(), buried: Vec::new() };
    for key in held.keys() {
        let change = held.latest(key).ok_or_else(|| Error::new(ErrorKind::Internal, "a held key has no change"))?;
        let present = present.get(&key).copied();
        if present == Some(Present::Later) || is_buried(buried.get(&key), change.sequence) {
            continue;
        }
        match (change.is_delete, present) {
            (true, present) => {
                effect.counts.deleted += u64::from(present.is_some());
                let sequence = change.sequence.as_ref().into();
                outcome.buried.push(NewTombstone { row: change.place, sequence, is_delete: true });
            }
            (false, present) => {
                match present {
                    Some(_) => effect.counts.updated += 1,
                    None => effect.counts.inserted += 1,
                }
                outcome.written.push(change.place);
            }
        }
    }
    Ok(outcome)
}

/// Whether a key was deleted at a sequence or later.
fn is_buried(tombstones: Option<&Vec<Tombstone>>, sequence: Row<'_>) -> bool {
    tombstones.is_some_and(|all| all.iter().any(|tombstone| *tombstone.sequence >= *sequence.as_ref()))
}

impl Lookup {
    fn look(&self, placed: &PlacedBatch) -> Result<Hits> {
        let (keys, sequence) = placed.batch.columns().split_at(self.intake.keys.len());
        let mut hits = Hits { file: Arc::clone(&placed.file), superseded: Vec::new(), later: Vec::new() };
        let keys = self.intake.comparable_keys.keys(keys)?.into_iter().enumerate();
        let found: Vec<(usize, Digest)> =
            keys.filter_map(|(row, key)| key.filter(|key| self.held.has(*key)).map(|key| (row, key))).collect();
        if found.is_empty() {
            return Ok(hits);
        }
        let sequences = self.intake.comparable_sequence.rows(&[self.intake.joined(sequence)?])?;
        for (row, key) in found {
            match self.held.latest(key) {
                Some(held) if sequences.row(row) <= held.sequence => {
                    hits.superseded.push((placed.position(row), key));
                }
                _ => hits.later.push(key),
            }
        }
        Ok(hits)
    }
}
