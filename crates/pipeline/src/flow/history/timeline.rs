//! The history of one key: what is known of it and what is new, set into one order.
//!
//! All that ever happened to a key is a set of events with different sequences. The versions in the table and the
//! tombstones say what happened so far: a version's start is an upsert; an end where no version starts is a delete; a
//! tombstone is a delete that closed nothing, or an upsert that changed nothing but the sequence. New events are added to
//! the set, and versions and tombstones made from it anew. So the order and the batches in which events came leave no trace.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::super::tombstones::Tombstone;
use crate::event::RowCounts;

/// A sequence, as bytes that compare.
pub(super) type Sequence = Box<[u8]>;

/// A version in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) start: Sequence,
    pub(super) end: Option<Sequence>,
}

/// A new event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) at: Sequence,
    pub(super) is_delete: bool,
}

/// Where a row's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Content {
    /// In a version of the table, by its number.
    Version(usize),
    /// In a new event, by its number.
    Change(usize),
}

/// What happened at a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happening {
    Upserted(Content),
    Deleted,
}

/// What is known of a key, and what is new.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    pub(super) versions: Vec<Version>,
    pub(super) tombstones: Vec<Tombstone>,
    /// In the order in which they were read.
    pub(super) changes: Vec<Change>,
}

/// A version to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) content: Content,
    pub(super) start: Sequence,
    pub(super) end: Option<Sequence>,
}

/// What turns the present history into the new one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Revision {
    pub(super) written: Vec<Written>,
    /// Versions of the table that go.
    pub(super) superseded: Vec<usize>,
    /// Events to remember that are not remembered yet.
    pub(super) remembered: Vec<Tombstone>,
    pub(super) counts: RowCounts,
}

type Events<'t> = BTreeMap<&'t [u8], Happening>;

impl Timeline {
    /// What happened so far.
    fn known(&self) -> Events<'_> {
        let mut events = Events::new();
        for (number, version) in self.versions.iter().enumerate() {
            events.entry(&version.start).or_insert(Happening::Upserted(Content::Version(number)));
        }
        for end in self.versions.iter().filter_map(|version| version.end.as_deref()) {
            events.entry(end).or_insert(Happening::Deleted);
        }
        for tombstone in &self.tombstones {
            let happening = match tombstone.is_delete {
                true => Some(Happening::Deleted),
                false => self.covering(&tombstone.sequence).map(|number| Happening::Upserted(Content::Version(number))),
            };
            if let Some(happening) = happening {
                events.entry(&tombstone.sequence).or_insert(happening);
            }
        }
        events
    }

    /// The version that was the current one at a sequence.
    fn covering(&self, at: &[u8]) -> Option<usize> {
        let covers = |version: &Version| *version.start <= *at && version.end.as_deref().is_none_or(|end| *end > *at);
        self.versions.iter().position(covers)
    }

    /// What is new: of events at the same sequence a delete counts, and else the one that was read last.
    fn news(&self) -> BTreeMap<&[u8], usize> {
        let mut news: BTreeMap<&[u8], usize> = BTreeMap::new();
        for (number, change) in self.changes.iter().enumerate() {
            let other = news.entry(&change.at).or_insert(number);
            if change.is_delete || !self.changes[*other].is_delete {
                *other = number;
            }
        }
        news
    }

    /// The one new event, where it comes after all that is known; that is so for nearly all keys.
    fn newest(&self) -> Option<Newest<'_>> {
        let [change] = self.changes.as_slice() else { return None };
        let is_before =
            |version: &Version| version.start < change.at && version.end.as_ref().is_none_or(|end| *end < change.at);
        let is_newest = self.tombstones.is_empty() && self.versions.iter().all(is_before);
        let open = self.versions.iter().position(|version| version.end.is_none());
        is_newest.then_some(Newest { change, open })
    }

    /// The versions whose values decide what the new events change, or become part of it.
    pub(super) fn needed(&self) -> BTreeSet<usize> {
        if let Some(newest) = self.newest() {
            return newest.open.into_iter().collect();
        }
        let (known, news) = (self.known(), self.news());
        let mut needed = BTreeSet::new();
        for (at, number) in news {
            let before = known.range::<[u8], _>((Bound::Unbounded, Bound::Included(at))).rev().take(2);
            let after = known.range::<[u8], _>((Bound::Excluded(at), Bound::Unbounded)).take(1);
            for (when, happening) in before.chain(after) {
                let Happening::Upserted(Content::Version(version)) = happening else { continue };
                let begins_after = *when > at && *self.versions[*version].start == **when;
                if !(begins_after && self.changes[number].is_delete) {
                    needed.insert(*version);
                }
            }
        }
        needed
    }

    /// The history with the new events in it. `same` says whether two rows differ in nothing but their sequences.
    pub(super) fn revise(&self, same: impl Fn(Content, Content) -> bool) -> Revision {
        if let Some(newest) = self.newest() {
            return newest.revise(&self.versions, same);
        }
        let known = self.known();
        let mut events = known.clone();
        for (at, number) in self.news() {
            let new = match self.changes[number].is_delete {
                true => Happening::Deleted,
                false => Happening::Upserted(Content::Change(number)),
            };
            let changes_nothing = match (events.get(at), new) {
                (Some(Happening::Deleted), _) => true,
                (Some(Happening::Upserted(old)), Happening::Upserted(new)) => same(*old, new),
                _ => false,
            };
            if !changes_nothing {
                events.insert(at, new);
            }
        }
        let (versions, loose) = arrange(&events, same);
        self.difference(&known, &versions, loose)
    }

    fn difference(&self, known: &Events<'_>, versions: &[Written], loose: Vec<Tombstone>) -> Revision {
        let mut revision = Revision::default();
        let mut kept = BTreeSet::new();
        let mut end_before: Option<&Sequence> = None;
        for version in versions {
            let is_old = |number: &usize| {
                let old = &self.versions[*number];
                old.start == version.start && old.end == version.end
            };
            match version.content {
                Content::Version(number) if is_old(&number) => drop(kept.insert(number)),
                _ => revision.written.push(version.clone()),
            }
            let started = self.versions.iter().position(|old| old.start == version.start);
            match started.map(Content::Version) {
                Some(content) if content == version.content => {}
                None if end_before != Some(&version.start) => revision.counts.inserted += 1,
                _ => revision.counts.updated += 1,
            }
            end_before = version.end.as_ref();
        }
        revision.superseded = (0..self.versions.len()).filter(|number| !kept.contains(number)).collect();
        revision.counts.deleted = self.closings(known, versions);
        revision.remembered = loose.into_iter().filter(|event| !self.tombstones.contains(event)).collect();
        revision
    }

    /// The number of versions that a delete closes and that it did not close before.
    fn closings(&self, known: &Events<'_>, versions: &[Written]) -> u64 {
        let was_closed_at = |end: &Sequence| {
            known.get(&**end) == Some(&Happening::Deleted)
                && self.versions.iter().any(|version| version.end.as_ref() == Some(end))
        };
        let ends = versions.iter().zip(versions.iter().skip(1).map(Some).chain([None]));
        let closed = ends.filter_map(|(version, next)| {
            version.end.as_ref().filter(|end| next.is_none_or(|next| next.start != **end))
        });
        closed.filter(|end| !was_closed_at(end)).count() as u64
    }
}

/// An event after all others of its key.
struct Newest<'t> {
    change: &'t Change,
    /// The current version.
    open: Option<usize>,
}

impl Newest<'_> {
    fn revise(&self, versions: &[Version], same: impl Fn(Content, Content) -> bool) -> Revision {
        let (new, at) = (Content::Change(0), &self.change.at);
        let mut revision = Revision::default();
        let changes_nothing = match self.open {
            Some(open) => !self.change.is_delete && same(Content::Version(open), new),
            None => self.change.is_delete,
        };
        if changes_nothing {
            revision.remembered.push(Tombstone { sequence: at.clone(), is_delete: self.change.is_delete });
            return revision;
        }
        if let Some(open) = self.open {
            let (content, start) = (Content::Version(open), versions[open].start.clone());
            revision.written.push(Written { content, start, end: Some(at.clone()) });
            revision.superseded.push(open);
        }
        match (self.change.is_delete, self.open) {
            (true, _) => revision.counts.deleted += 1,
            (false, Some(_)) => revision.counts.updated += 1,
            (false, None) => revision.counts.inserted += 1,
        }
        if !self.change.is_delete {
            revision.written.push(Written { content: new, start: at.clone(), end: None });
        }
        revision
    }
}

/// Versions made from events, and the events that no version shows.
fn arrange(events: &Events<'_>, same: impl Fn(Content, Content) -> bool) -> (Vec<Written>, Vec<Tombstone>) {
    let (mut versions, mut loose): (Vec<Written>, Vec<Tombstone>) = (Vec::new(), Vec::new());
    for (at, happening) in events {
        let at = Sequence::from(*at);
        let open = versions.last_mut().filter(|version| version.end.is_none());
        match (happening, open) {
            (Happening::Upserted(content), Some(open)) if same(open.content, *content) => {
                loose.push(Tombstone { sequence: at, is_delete: false });
            }
            (Happening::Upserted(content), open) => {
                if let Some(open) = open {
                    open.end = Some(at.clone());
                }
                versions.push(Written { content: *content, start: at, end: None });
            }
            (Happening::Deleted, Some(open)) => open.end = Some(at),
            (Happening::Deleted, None) => loose.push(Tombstone { sequence: at, is_delete: true }),
        }
    }
    (versions, loose)
}
