//! The place of a row in a listing: by the field that the listing is sorted by, then by when and as what the row came.

use std::cmp::Ordering;

use super::Query;
use crate::definition::Direction;
use crate::state::{Moment, State};
use crate::table::{Scalar, World};

/// The place of a row in an ordered listing; it stays what it was when the row moves on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Position {
    /// The value of the field that the listing is sorted by; null where it is the order of the corpus.
    pub(crate) key: Scalar<'static>,
    /// When the row was last added, changed or deleted, where the listing follows the cursor.
    pub(crate) moment: Option<Moment>,
    pub(crate) slot: u64,
}

impl Position {
    /// The place of a row.
    pub(crate) fn of(world: &World, state: &State, query: &Query, slot: u64) -> Self {
        let sort = query.sort.as_ref();
        let key = sort.map_or(Scalar::Null, |field| world.row(state, query.table, slot).field(field).into_owned());
        let follows_cursor = sort.is_some_and(|field| field.is_cursor);
        let overlay = state.overlay(query.table);
        let moment = if follows_cursor { overlay.moment(slot, world.slots(query.table)) } else { None };
        Self { key, moment, slot }
    }

    /// The order of two places in a direction; nulls come last in both.
    pub(crate) fn order(&self, other: &Self, direction: Direction) -> Ordering {
        let keys = match direction {
            Direction::Desc if self.key != Scalar::Null && other.key != Scalar::Null => other.key.order(&self.key),
            _ => self.key.order(&other.key),
        };
        let rest = (self.moment, self.slot).cmp(&(other.moment, other.slot));
        keys.then(if direction == Direction::Desc { rest.reverse() } else { rest })
    }
}
