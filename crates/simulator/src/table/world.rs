//! The world: the tables with their sizes, and the rows that follow from them.

use std::sync::Arc;

use super::row::{Place, Row};
use super::scalar::Scalar;
use super::{FieldPath, Tables};
use crate::random::{between, mix};
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
        if let Some(change) = state.overlay(table).change(slot) {
            row.change = Some(change);
            if change.revision > 0 {
                row.program = self.tables.get(table).changed.as_ref().unwrap_or(row.program);
            }
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
            program: &compiled.base,
            seed: mix(mix(self.seed, compiled.seed), slot),
            addition: state.and_then(|state| state.overlay(table).addition(slot, self.slots(table))),
            change: None,
        }
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

    /// Whether a row exists now.
    pub(crate) fn exists(&self, state: &State, table: usize, slot: u64) -> bool {
        let overlay = state.overlay(table);
        if slot >= self.slots(table) + overlay.additions() || overlay.is_deleted(slot) {
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
        let link = match &field.changed {
            Some(changed) if self.revision() > 0 => changed,
            _ => &field.base,
        };
        match Place::of(self, link.node).descend(&link.rest) {
            Some(place) => place.value(),
            None => Scalar::Null,
        }
    }
}
