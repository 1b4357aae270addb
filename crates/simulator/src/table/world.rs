//! The world: the tables with their sizes, and the rows that follow from them.

use std::sync::Arc;

use super::row::{Place, Row, Told};
use super::scalar::Scalar;
use super::{Feed, FieldPath, HappeningKind, Tables};
use crate::definition::Show;
use crate::random::{below, between, mix};
use crate::state::State;
use crate::vocabulary::Vocabularies;

/// The tables with their sizes: everything that the rows are computed from.
pub(crate) struct World {
    pub(crate) tables: Arc<Tables>,
    slots: Vec<u64>,
    pub(crate) now: i64,
    pub(crate) seed: u64,
    pub(crate) vocabularies: Vocabularies,
}

impl World {
    /// A world with so many rows in each table that has no parent.
    pub(crate) fn new(tables: Arc<Tables>, counts: &[u64], seed: u64, now: i64) -> Self {
        let mut world = Self { slots: counts.to_vec(), now, seed, vocabularies: Vocabularies::new(seed), tables };
        for table in 0..counts.len() {
            world.slots[table] = world.slots_of(table, counts);
        }
        world
    }

    fn slots_of(&self, table: usize, counts: &[u64]) -> u64 {
        match self.tables.get(table).parent {
            Some(parent) => self.slots_of(parent.table, counts).saturating_mul(parent.most),
            None => counts[table],
        }
    }

    /// The numbers that rows of a table may have at the start: all are taken where there is no parent.
    pub(crate) fn slots(&self, table: usize) -> u64 {
        self.slots[table]
    }

    /// A row as it is now.
    pub(crate) fn row<'a>(&'a self, state: &'a State, table: usize, slot: u64) -> Row<'a> {
        let mut row = self.original(Some(state), table, slot);
        let overlay = state.overlay(table);
        row.written = overlay.written(slot);
        row.change = overlay.change(slot);
        if row.change.is_some() {
            row.choose_program(overlay.is_deleted(slot));
        }
        row
    }

    /// A row as it was made.
    pub(crate) fn original<'a>(&'a self, state: Option<&'a State>, table: usize, slot: u64) -> Row<'a> {
        let compiled = self.tables.get(table);
        Row {
            world: self,
            state,
            table,
            slot,
            program: &compiled.programs[0],
            variant: 0,
            seed: mix(mix(self.seed, compiled.seed), slot),
            addition: state.and_then(|state| state.overlay(table).addition(slot, self.slots(table))),
            change: None,
            written: None,
        }
    }

    /// What a row tells of that a feed has from the start: the corpora take turns, and so do the kinds of happenings.
    pub(crate) fn told_at_start(&self, feed: &Feed, seed: u64, slot: u64) -> Option<Told> {
        let sources = feed.sources.len() as u64;
        let source = (slot % sources.max(1)) as usize;
        let spec = feed.sources.get(source)?;
        let told = |kind: &HappeningKind| spec.label(*kind).is_some();
        let kinds: Vec<HappeningKind> = HappeningKind::ALL.into_iter().filter(told).collect();
        let kind = *kinds.get((slot / sources) as usize % kinds.len().max(1))?;
        let rows = self.slots(spec.table);
        let slot = match kind {
            // Who is deleted from the start was never listed.
            HappeningKind::Deleted => rows.saturating_add(slot),
            _ => below(seed, rows),
        };
        Some(Told { source, kind, slot })
    }

    /// The parent of a row: its table and number.
    pub(crate) fn parent_of(&self, state: Option<&State>, table: usize, slot: u64) -> Option<(usize, u64)> {
        let parent = self.tables.get(table).parent?;
        let added = state.and_then(|state| state.overlay(table).addition(slot, self.slots(table)));
        Some((parent.table, added.map_or(slot / parent.most.max(1), |added| added.parent)))
    }

    /// The numbers that the children of one parent had at the start.
    pub(crate) fn children(&self, table: usize, parent_slot: u64) -> std::ops::Range<u64> {
        let Some(parent) = self.tables.get(table).parent else { return 0..0 };
        if parent_slot >= self.slots(parent.table) {
            return 0..0;
        }
        let random = mix(mix(self.seed, self.tables.get(table).seed ^ 0x5eed), parent_slot);
        let count = between(random, parent.least as i64, parent.most as i64) as u64;
        let first = parent_slot.saturating_mul(parent.most);
        first..first + count
    }

    /// Whether a row is among those that are asked for.
    pub(crate) fn is_shown(&self, state: &State, table: usize, slot: u64, show: Show) -> bool {
        match show {
            Show::Existing => self.exists(state, table, slot),
            Show::Deleted => self.was(state, table, slot) && state.overlay(table).is_deleted(slot),
            Show::All => self.was(state, table, slot),
        }
    }

    /// Whether a row exists now.
    pub(crate) fn exists(&self, state: &State, table: usize, slot: u64) -> bool {
        !state.overlay(table).is_deleted(slot) && self.was(state, table, slot)
    }

    /// Whether a row exists, or existed until it was itself deleted.
    fn was(&self, state: &State, table: usize, slot: u64) -> bool {
        let overlay = state.overlay(table);
        if slot >= self.slots(table) + overlay.additions() {
            return false;
        }
        match self.parent_of(Some(state), table, slot) {
            None => true,
            Some((parent, parent_slot)) => {
                (slot >= self.slots(table) || self.children(table, parent_slot).contains(&slot))
                    && self.exists(state, parent, parent_slot)
            }
        }
    }
}

impl<'a> Row<'a> {
    /// The value of one field, without rendering the row.
    pub(crate) fn field(self, field: &FieldPath) -> Scalar<'a> {
        let link = &field.links[self.variant];
        let made = Place::of(self, link.node).descend(&link.rest).map_or(Scalar::Null, Place::value);
        match self.written.and_then(|written| written.get(&field.path)) {
            Some(value) => Scalar::written(value, &made),
            None => made,
        }
    }
}
