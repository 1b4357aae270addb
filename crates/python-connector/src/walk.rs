//! `Walk`: from the offsets that `read_table` returns to checkpoints, and to an end.

use std::collections::HashSet;

use lakeflow_interface::{Error, ErrorKind, Offset, Result};
use xxhash_rust::xxh3::xxh3_64;

/// Calls in a row that may give no record while the offset moves: eleven years of hours.
const EMPTY_CALLS: u32 = 100_000;

/// What one call gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Call {
    /// The number of records.
    pub(crate) records: u64,
    /// Whether there were records, all changed after the horizon.
    pub(crate) is_behind_horizon: bool,
}

/// What follows a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Call again.
    Again,
    /// The records so far are complete up to the offset; call again.
    Checkpoint(Offset),
    /// The same, and that was all.
    End(Offset),
}

/// The way through one read.
#[derive(Debug)]
pub(crate) struct Walk {
    is_snapshot: bool,
    /// The offset of the next call; nothing is the first call of a snapshot.
    start: Option<Offset>,
    seen: HashSet<u64>,
    empty_calls: u32,
}

impl Walk {
    /// A walk that begins at an offset; a snapshot always begins at the beginning.
    pub(crate) fn new(is_snapshot: bool, start: &Offset) -> Self {
        let start = (!is_snapshot).then(|| start.clone());
        let seen = start.iter().map(hash).collect();
        Self { is_snapshot, start, seen, empty_calls: 0 }
    }

    /// The offset to call with.
    pub(crate) fn start(&self) -> Option<&Offset> {
        self.start.as_ref()
    }

    /// Takes what a call gave, and the offset that it returned.
    ///
    /// # Errors
    /// [`ErrorKind::Definition`] for records with an offset that does not move, an offset that comes again, and offsets
    /// that move on and on.
    pub(crate) fn step(&mut self, call: Call, end: Option<Offset>) -> Result<Step> {
        if self.is_snapshot && end.as_ref().is_none_or(Offset::is_beginning) {
            return Ok(Step::End(Offset::beginning()));
        }
        let here = self.start.clone().unwrap_or_default();
        let end = match end {
            Some(end) if end != here => end,
            returned if call.records > 0 => return Err(self.stands_still(call, returned)),
            _ => return Ok(Step::End(self.place(here))),
        };
        if !self.seen.insert(hash(&end)) {
            return Err(Error::new(
                ErrorKind::Definition,
                format!("the connector returned the offset {end} again, after others"),
            )
            .with_hint("an offset must tell what was read from what was not: `read_table` goes in a circle"));
        }
        self.empty_calls = if call.records > 0 { 0 } else { self.empty_calls + 1 };
        if self.empty_calls > EMPTY_CALLS {
            return Err(Error::new(
                ErrorKind::Definition,
                format!("the connector moved its offset {EMPTY_CALLS} times without a record, and is at {end}"),
            )
            .with_hint("take the time in the constructor, and return the given offset once it has reached that time"));
        }
        self.start = Some(end.clone());
        Ok(match (self.is_snapshot, call.is_behind_horizon) {
            (true, _) => Step::Again,
            (false, true) => Step::End(end),
            (false, false) => Step::Checkpoint(end),
        })
    }

    /// A snapshot has no place to go on from.
    fn place(&self, offset: Offset) -> Offset {
        if self.is_snapshot { Offset::beginning() } else { offset }
    }

    fn stands_still(&self, call: Call, returned: Option<Offset>) -> Error {
        let offset = returned.map_or_else(|| "`None`".to_owned(), |offset| offset.to_string());
        let hint = if self.is_snapshot {
            "return `None` behind the last record of a snapshot"
        } else {
            "return an offset behind the records, so that the next call gives what follows; a table that has none is a \
             `snapshot`"
        };
        let message = format!(
            "the connector gave {} records without moving its offset: it was called with {} and returned {offset}",
            call.records,
            self.start.clone().unwrap_or_default(),
        );
        Error::new(ErrorKind::Definition, message).with_hint(hint)
    }
}

/// Offsets are canonical text, so equal ones have equal hashes.
fn hash(offset: &Offset) -> u64 {
    xxh3_64(offset.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: Call = Call { records: 3, is_behind_horizon: false };
    const NONE: Call = Call { records: 0, is_behind_horizon: false };

    fn at(number: i64) -> Offset {
        Offset::beginning().with("at", number)
    }

    #[test]
    fn walk_ends_where_the_offset_stands_still() {
        let mut walk = Walk::new(false, &at(1));
        assert_eq!(walk.start(), Some(&at(1)));
        assert_eq!(walk.step(SOME, Some(at(2))).unwrap(), Step::Checkpoint(at(2)));
        assert_eq!(walk.step(NONE, Some(at(3))).unwrap(), Step::Checkpoint(at(3)));
        assert_eq!(walk.start(), Some(&at(3)));
        assert_eq!(walk.step(NONE, Some(at(3))).unwrap(), Step::End(at(3)));
    }

    #[test]
    fn nothing_new_is_the_start_however_it_is_said() {
        for end in [Some(at(1)), None] {
            assert_eq!(Walk::new(false, &at(1)).step(NONE, end).unwrap(), Step::End(at(1)));
        }
        for end in [Some(Offset::beginning()), None] {
            assert_eq!(Walk::new(false, &Offset::beginning()).step(NONE, end).unwrap(), Step::End(Offset::beginning()));
        }
    }

    #[test]
    fn records_without_a_moving_offset_are_refused() {
        for end in [Some(at(1)), None] {
            let error = Walk::new(false, &at(1)).step(SOME, end).unwrap_err();
            assert!(error.message().contains("3 records without moving its offset"), "{error}");
        }
        assert!(Walk::new(false, &Offset::beginning()).step(SOME, Some(Offset::beginning())).is_err());
    }

    #[test]
    fn offset_that_comes_again_is_refused() {
        let mut walk = Walk::new(false, &at(1));
        walk.step(SOME, Some(at(2))).unwrap();
        let error = walk.step(SOME, Some(at(1))).unwrap_err();
        assert!(error.message().contains(r#"returned the offset {"at":1} again"#), "{error}");
    }

    #[test]
    fn offsets_that_move_without_records_come_to_an_end() {
        let mut walk = Walk::new(false, &Offset::beginning());
        let error = (0..).find_map(|number| walk.step(NONE, Some(at(number))).err()).unwrap();
        assert!(error.message().contains("100000 times without a record"), "{error}");
    }

    #[test]
    fn records_behind_the_horizon_end_a_read_where_it_is() {
        let behind = Call { records: 3, is_behind_horizon: true };
        assert_eq!(Walk::new(false, &at(1)).step(behind, Some(at(2))).unwrap(), Step::End(at(2)));
    }

    #[test]
    fn snapshots_end_without_an_offset_or_behind_their_last_page() {
        let whole = Step::End(Offset::beginning());
        for end in [None, Some(Offset::beginning())] {
            let mut walk = Walk::new(true, &at(9));
            assert_eq!(walk.start(), None);
            assert_eq!(walk.step(SOME, end).unwrap(), whole);
        }
        let mut paged = Walk::new(true, &Offset::beginning());
        assert_eq!(paged.step(SOME, Some(at(2))).unwrap(), Step::Again);
        assert_eq!(paged.step(SOME, Some(at(3))).unwrap(), Step::Again);
        assert_eq!(paged.step(NONE, Some(at(3))).unwrap(), whole);
    }
}
