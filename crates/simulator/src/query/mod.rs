//! Filtering, sorting and slicing of tables of any size.

mod count;
mod order;
mod pages;
mod position;
mod sequence;

use std::ops::Range;

use crate::definition::{Direction, Operator, Show};
use crate::state::State;
use crate::table::{Comparand, FieldPath, World, passes};
pub(crate) use count::{count_at_start, count_now};
pub(crate) use pages::PageIndex;
pub(crate) use position::Position;

/// The most rows that are collected in memory to be sorted.
const COLLECTED: u64 = 2_000_000;

/// What a client asks of one table.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) table: usize,
    /// Only rows below this row: its table and number.
    pub(crate) below: Option<(usize, u64)>,
    /// Whether rows that were deleted are wanted.
    pub(crate) show: Show,
    pub(crate) filters: Vec<Filter>,
    /// Conditions of which one must hold, each of some filters that must all hold.
    pub(crate) any_of: Vec<Vec<Filter>>,
    /// The field to sort by; otherwise the order of the corpus.
    pub(crate) sort: Option<FieldPath>,
    pub(crate) direction: Direction,
    /// Only rows behind this one, in the order that is asked for; `offset` counts from there.
    pub(crate) after: Option<Position>,
    /// Only rows before this one, the last page of them.
    pub(crate) before: Option<Position>,
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

impl Query {
    /// Whether a row meets the conditions.
    fn accepts(&self, world: &World, state: &State, slot: u64) -> bool {
        let all = |filters: &[Filter]| filters.iter().all(|filter| filter.accepts(world, state, self.table, slot));
        all(&self.filters) && self.accepts_any(world, state, slot)
    }

    fn accepts_any(&self, world: &World, state: &State, slot: u64) -> bool {
        let all = |filters: &Vec<Filter>| filters.iter().all(|filter| filter.accepts(world, state, self.table, slot));
        self.any_of.is_empty() || self.any_of.iter().any(all)
    }

    /// The rows of a page, where so many rows come up to and including `after` and `before`, of so many in all.
    fn slice(&self, after: Option<u64>, before: Option<u64>, total: u64) -> Range<u64> {
        let first = after.unwrap_or_default().saturating_add(self.offset).min(total);
        match before {
            Some(before) => {
                before.saturating_sub(1).saturating_sub(self.limit).max(first)..before.saturating_sub(1).max(first)
            }
            None => first..first.saturating_add(self.limit).min(total),
        }
    }
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
    /// The place of the first row among all, from 0.
    pub(crate) first: u64,
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
        let rows = below(world, state, query.table, (ancestor, slot), query.show);
        return Ok(order::collected(world, state, query, rows));
    }
    if query.show == Show::Deleted {
        return Ok(order::collected(world, state, query, state.overlay(query.table).deleted().to_vec()));
    }
    match sequence::Sequence::of(world, state, query) {
        Some(sequence) => Ok(sequence.page(index)),
        None => {
            let candidates = world.slots(query.table) + state.overlay(query.table).additions();
            if candidates > COLLECTED {
                return Err(TooLarge { rows: candidates, most: COLLECTED });
            }
            let is_shown = |slot: &u64| world.is_shown(state, query.table, *slot, query.show);
            let rows = (0..candidates).filter(is_shown).collect();
            Ok(order::collected(world, state, query, rows))
        }
    }
}

/// The row whose field has a value.
pub(crate) fn locate(
    world: &World,
    state: &State,
    table: usize,
    (field, wanted): (&FieldPath, &Comparand),
    show: Show,
) -> Option<u64> {
    let slots = world.slots(table);
    let ends = slots + state.overlay(table).additions();
    let matches = |slot: &u64| {
        let value = world.row(state, table, *slot).field(field);
        passes(&value, Operator::Eq, std::slice::from_ref(wanted)) && world.is_shown(state, table, *slot, show)
    };
    if !field.rises || field.changeable {
        return guess(wanted.text()).filter(|slot| *slot < ends).into_iter().chain(0..ends).find(matches);
    }
    let compares = |slot: u64| wanted.against(&world.original(Some(state), table, slot).field(field));
    let first = partition_point(0..slots, |slot| compares(slot).is_some_and(std::cmp::Ordering::is_lt));
    (first..slots)
        .take_while(|slot| compares(*slot).is_some_and(std::cmp::Ordering::is_eq))
        .find(matches)
        .or_else(|| (slots..ends).find(matches))
}

/// The number of the row that a text such as `cus_0000042` probably identifies: its last digits are often `n`.
fn guess(text: &str) -> Option<u64> {
    let digits = text.len() - text.trim_end_matches(|letter: char| letter.is_ascii_digit()).len();
    text[text.len() - digits..].parse::<u64>().ok()?.checked_sub(1)
}

/// All rows of a table below a row of one of its ancestors, or that row itself.
pub(crate) fn below(
    world: &World,
    state: &State,
    table: usize,
    (ancestor, slot): (usize, u64),
    show: Show,
) -> Vec<u64> {
    if table == ancestor {
        return vec![slot];
    }
    let Some(parent) = world.tables.get(table).parent else { return Vec::new() };
    let parents = below(world, state, parent.table, (ancestor, slot), Show::Existing);
    let overlay = state.overlay(table);
    let mut rows = Vec::new();
    for parent_slot in parents {
        rows.extend(world.children(table, parent_slot));
        rows.extend_from_slice(overlay.children(parent_slot));
    }
    rows.retain(|slot| world.is_shown(state, table, *slot, show));
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
