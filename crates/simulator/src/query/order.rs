//! Small sets of rows, collected and sorted in memory.

use super::{Page, Query};
use crate::definition::Direction;
use crate::state::State;
use crate::table::{Scalar, World};

/// Filters, sorts and slices some rows.
pub(crate) fn collected(world: &World, state: &State, query: &Query, mut rows: Vec<u64>) -> Page {
    rows.retain(|slot| query.filters.iter().all(|filter| filter.accepts(world, state, query.table, *slot)));
    if let Some(field) = &query.sort {
        let key = |slot: u64| world.row(state, query.table, slot).field(field).into_owned();
        let mut keyed: Vec<(Scalar<'static>, u64)> = rows.iter().map(|slot| (key(*slot), *slot)).collect();
        keyed.sort_by(|(left, _), (right, _)| match query.direction {
            Direction::Desc if *left == Scalar::Null || *right == Scalar::Null => left.order(right),
            Direction::Desc => right.order(left),
            Direction::Asc => left.order(right),
        });
        rows = keyed.into_iter().map(|(_, slot)| slot).collect();
    } else if query.direction == Direction::Desc {
        rows.reverse();
    }
    let total = rows.len() as u64;
    let first = usize::try_from(query.offset.min(total)).unwrap_or(usize::MAX);
    let page = rows.into_iter().skip(first).take(usize::try_from(query.limit).unwrap_or(usize::MAX)).collect();
    Page { rows: page, total }
}
