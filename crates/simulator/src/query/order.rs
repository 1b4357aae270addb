//! Small sets of rows, collected and sorted in memory.

use std::cmp::Ordering;

use super::{Page, Position, Query};
use crate::state::State;
use crate::table::World;

/// Filters, sorts and slices some rows.
pub(crate) fn collected(world: &World, state: &State, query: &Query, mut rows: Vec<u64>) -> Page {
    rows.retain(|slot| query.accepts(world, state, *slot));
    let mut positions: Vec<Position> = rows.into_iter().map(|slot| Position::of(world, state, query, slot)).collect();
    positions.sort_by(|left, right| left.order(right, query.direction));
    let total = positions.len() as u64;
    let count = |holds: &dyn Fn(&Position) -> bool| positions.partition_point(holds) as u64;
    let after = query
        .after
        .as_ref()
        .map(|after| count(&|position| position.order(after, query.direction) != Ordering::Greater));
    let before = query
        .before
        .as_ref()
        .map(|before| count(&|position| position.order(before, query.direction) == Ordering::Less) + 1);
    let range = query.slice(after, before, total);
    let first = range.start;
    let places = first as usize..range.end as usize;
    Page { rows: positions[places].iter().map(|position| position.slot).collect(), total, first }
}
