//! Filtering, sorting and slicing of tables of any size.

mod count;
mod order;
mod pages;
mod sequence;

use std::ops::Range;

use crate::definition::{Direction, Operator};
use crate::state::State;
use crate::table::{Comparand, FieldPath, World, passes};
pub(crate) use count::{count_at_start, count_now};
pub(crate) use pages::PageIndex;

/// The most rows that are collected in memory to be sorted.
const COLLECTED: u64 = 2_000_000;

/// What a client asks of one table.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) table: usize,
    /// Only rows below this row: its table and number.
    pub(crate) below: Option<(usize, u64)>,
    pub(crate) filters: Vec<Filter>,
    /// The field to sort by; otherwise the order of the corpus.
    pub(crate) sort: Option<FieldPath>,
    pub(crate) direction: Direction,
    pub(crate) offset: u64,
    pub(crate) limit: u64,
    /// The filters and the order as text, to recognise the same question again.
    pub(crate) text: String,
}

/// One condition on the rows.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub(crate) field: FieldPath,
    pub(crate) operator: Operator,
    pub(crate) wanted: Vec<Comparand>,
}

impl Filter {
    fn accepts(&self, world: &World, state: &State, table: usize, slot: u64) -> bool {
        passes(&world.row(state, table, slot).field(&self.field), self.operator, &self.wanted)
    }
}

/// The rows of a page, and how many there are in all.
#[derive(Debug, PartialEq)]
pub(crate) struct Page {
    pub(crate) rows: Vec<u64>,
    pub(crate) total: u64,
}

/// Why a question cannot be answered.
#[derive(Debug, PartialEq)]
pub(crate) struct TooLarge {
    pub(crate) rows: u64,
    pub(crate) most: u64,
}

/// Answers a question.
pub(crate) fn answer(world: &World, state: &State, index: &PageIndex, query: &Query) -> Result<Page, TooLarge> {
    if let Some((ancestor, slot)) = query.below {
        let rows = below(world, state, query.table, ancestor, slot);
        return Ok(order::collected(world, state, query, rows));
    }
    match sequence::Sequence::of(world, state, query) {
        Some(sequence) => Ok(sequence.page(index)),
        None => {
            let candidates = world.slots(query.table) + state.overlay(query.table).additions();
            if candidates > COLLECTED {
                return Err(TooLarge { rows: candidates, most: COLLECTED });
            }
            let rows = (0..candidates).filter(|slot| world.exists(state, query.table, *slot)).collect();
            Ok(order::collected(world, state, query, rows))
        }
    }
}

/// The row whose field has a value.
pub(crate) fn locate(world: &World, state: &State, table: usize, field: &FieldPath, wanted: &Comparand) -> Option<u64> {
    let slots = world.slots(table);
    let ends = slots + state.overlay(table).additions();
    let matches = |slot: &u64| {
        let value = world.row(state, table, *slot).field(field);
        passes(&value, Operator::Eq, std::slice::from_ref(wanted)) && world.exists(state, table, *slot)
    };
    if !field.rises || field.changeable {
        return (0..ends).find(matches);
    }
    let compares = |slot: u64| wanted.against(&world.original(Some(state), table, slot).field(field));
    let first = partition_point(0..slots, |slot| compares(slot).is_some_and(std::cmp::Ordering::is_lt));
    (first..slots)
        .take_while(|slot| compares(*slot).is_some_and(std::cmp::Ordering::is_eq))
        .find(matches)
        .or_else(|| (slots..ends).find(matches))
}

/// All rows of a table below a row of one of its ancestors, or that row itself.
pub(crate) fn below(world: &World, state: &State, table: usize, ancestor: usize, slot: u64) -> Vec<u64> {
    if table == ancestor {
        return vec![slot];
    }
    let Some(parent) = world.tables.get(table).parent else { return Vec::new() };
    let parents = below(world, state, parent.table, ancestor, slot);
    let overlay = state.overlay(table);
    let mut rows = Vec::new();
    for parent_slot in parents {
        rows.extend(world.children(table, parent_slot));
        rows.extend_from_slice(overlay.children(parent_slot));
    }
    rows.retain(|slot| world.exists(state, table, *slot));
    rows
}

/// The first number of a range for which a condition that holds from the start no longer holds.
pub(crate) fn partition_point(range: Range<u64>, holds: impl Fn(u64) -> bool) -> u64 {
    let Range { mut start, mut end } = range;
    while start < end {
        let middle = start + (end - start) / 2;
        if holds(middle) {
            start = middle + 1;
        } else {
            end = middle;
        }
    }
    start
}
