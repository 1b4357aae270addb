//! `advance`: rows are added, changed and deleted, and the clock moves on.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use lakeflow_interface::{Error, ErrorKind, Result, unknown_name};
use serde::Deserialize;

use super::overlay::NewRow;
use super::{State, Written};
use crate::definition::Show;
use crate::query::locate;
use crate::random::{below, mix};
use crate::table::{Comparand, HappeningKind, World};

/// How far a clock that was set moves when nothing else is said, in milliseconds.
const STEP: i64 = 60_000;

/// How far a clock that was set moves with a client's write, in milliseconds.
const WRITE_STEP: i64 = 1_000;

/// In milliseconds.
const HOUR: i64 = 3_600_000;

/// What happens to the tables, and how far the clock moves.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    /// What happens to each table, by its name.
    #[serde(default)]
    pub tables: BTreeMap<String, TableAdvance>,
    /// How far the clock moves; without it, a clock that was set moves by a minute, and the real one is what it is.
    #[serde(default, deserialize_with = "crate::definition::duration::deserialize_optional")]
    pub by: Option<Duration>,
}

/// What happens to the rows of one table.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TableAdvance {
    /// How many rows are added.
    pub added: u64,
    /// How many rows, chosen at random, are changed.
    pub changed: u64,
    /// How many rows, chosen at random, are deleted.
    pub deleted: u64,
    /// How many rows are added whose cursor lies ahead of the clock, by an hour and more.
    pub future: u64,
    /// Rows to change, by their identity.
    pub changed_rows: Vec<serde_json::Value>,
    /// Rows to delete, by their identity.
    pub deleted_rows: Vec<serde_json::Value>,
}

impl Advance {
    /// An advance in which nothing happens yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how far the clock moves.
    #[must_use]
    pub fn by(mut self, duration: Duration) -> Self {
        self.by = Some(duration);
        self
    }

    /// Adds, changes and deletes so many rows of a table.
    #[must_use]
    pub fn table(mut self, name: impl Into<String>, added: u64, changed: u64, deleted: u64) -> Self {
        let table = self.tables.entry(name.into()).or_default();
        (table.added, table.changed, table.deleted) = (added, changed, deleted);
        self
    }

    /// Adds so many rows of a table whose cursor lies ahead of the clock.
    #[must_use]
    pub fn future(mut self, table: impl Into<String>, rows: u64) -> Self {
        self.tables.entry(table.into()).or_default().future = rows;
        self
    }

    /// Changes one row of a table.
    #[must_use]
    pub fn change(mut self, table: impl Into<String>, identity: impl Into<serde_json::Value>) -> Self {
        self.tables.entry(table.into()).or_default().changed_rows.push(identity.into());
        self
    }

    /// Deletes one row of a table.
    #[must_use]
    pub fn delete(mut self, table: impl Into<String>, identity: impl Into<serde_json::Value>) -> Self {
        self.tables.entry(table.into()).or_default().deleted_rows.push(identity.into());
        self
    }
}

impl TableAdvance {
    /// The most rows that it concerns.
    fn events(&self) -> u64 {
        let named = self.changed_rows.len() + self.deleted_rows.len();
        self.added + self.future + self.changed + self.deleted + named as u64
    }
}

/// The tables that an advance concerns, parents before their children: what happens to a row counts for those below it.
fn by_ancestry<'a>(world: &World, advance: &'a Advance) -> Result<Vec<(usize, &'a TableAdvance)>> {
    let mut tables = Vec::with_capacity(advance.tables.len());
    for (name, wanted) in &advance.tables {
        let Some(table) = world.tables.find(name) else {
            let names = world.tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>();
            return Err(unknown_name(ErrorKind::Configuration, "table", name, names));
        };
        tables.push((table, wanted));
    }
    let depth =
        |table: usize| std::iter::successors(Some(table), |table| Some(world.tables.get(*table).parent?.table)).count();
    tables.sort_by_key(|(table, _)| depth(*table));
    Ok(tables)
}

/// One thing that happens.
#[derive(Clone, Copy)]
enum Event {
    Add { table: usize, parent: Option<u64>, ahead: i64 },
    Change { table: usize, slot: u64 },
    Delete { table: usize, slot: u64 },
}

/// What a client's request does to one row.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    /// Adds a row below a parent.
    Create { parent: Option<u64>, written: Written },
    /// Changes a row.
    Update { slot: u64, written: Written },
    /// Deletes a row.
    Delete { slot: u64 },
}

impl State {
    /// The state after an advance; `real_now` is given where the clock is the real one. An error changes nothing.
    pub(crate) fn advanced(&self, world: &World, advance: &Advance, real_now: Option<i64>) -> Result<Self> {
        let mut next = self.clone();
        next.version += 1;
        next.now = match (advance.by, real_now) {
            (Some(by), _) => self.now.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)),
            (None, Some(real_now)) => self.now.max(real_now),
            (None, None) => self.now.saturating_add(STEP),
        };
        let passed = i128::from(next.now - self.now);
        let total: u64 = advance.tables.values().map(TableAdvance::events).sum();
        let mut position = 0;
        for (table, wanted) in by_ancestry(world, advance)? {
            for event in next.plan(world, table, wanted)? {
                position += 1;
                let share = passed * position / i128::from(total);
                next.apply(world, event, self.now + share as i64);
            }
        }
        next.sort(world);
        Ok(next)
    }

    /// The state after a client's request, and the row that it was about; `real_now` as above.
    pub(crate) fn after_write(&self, world: &World, table: usize, write: &Write, real_now: Option<i64>) -> (Self, u64) {
        let mut next = self.clone();
        next.version += 1;
        next.now = real_now.map_or(self.now.saturating_add(WRITE_STEP), |real_now| self.now.max(real_now));
        let at = next.now;
        let slot = match write {
            Write::Create { parent, written } => {
                let slot = world.slots(table) + next.overlays[table].additions();
                next.overlays[table].write(slot, written);
                next.apply(world, Event::Add { table, parent: *parent, ahead: 0 }, at);
                slot
            }
            Write::Update { slot, written } => {
                next.overlays[table].write(*slot, written);
                next.touch(world, table, *slot, at);
                *slot
            }
            Write::Delete { slot } => {
                next.apply(world, Event::Delete { table, slot: *slot }, at);
                *slot
            }
        };
        next.sort(world);
        (next, slot)
    }

    fn sort(&mut self, world: &World) {
        for (table, overlay) in self.overlays.iter_mut().enumerate() {
            overlay.sort(world.slots(table));
        }
    }

    fn plan(&self, world: &World, table: usize, wanted: &TableAdvance) -> Result<Vec<Event>> {
        let changes = wanted.changed > 0 || !wanted.changed_rows.is_empty();
        if changes && !world.tables.get(table).changeable {
            let name = &world.tables.get(table).name;
            return Err(Error::new(ErrorKind::Configuration, format!("rows of `{name}` cannot change"))
                .with_hint("give its corpus `changes`, or a timestamp as its `cursor`"));
        }
        let mut picker = Picker { world, state: self, table, taken: HashSet::new(), draws: 0 };
        let deleted_rows = picker.named(&wanted.deleted_rows)?;
        let changed_rows = picker.named(&wanted.changed_rows)?;
        let changed = changed_rows.into_iter().chain(picker.random(wanted.changed)?);
        let mut events: Vec<Event> = changed.map(|slot| Event::Change { table, slot }).collect();
        let deleted = deleted_rows.into_iter().chain(picker.random(wanted.deleted)?);
        let deletes: Vec<Event> = deleted.map(|slot| Event::Delete { table, slot }).collect();
        events.extend(picker.parents(wanted.added)?.into_iter().map(|parent| Event::Add { table, parent, ahead: 0 }));
        let ahead = (1..).map(|hours| hours * HOUR);
        let future = picker.parents(wanted.future)?.into_iter().zip(ahead);
        events.extend(future.map(|(parent, ahead)| Event::Add { table, parent, ahead }));
        events.extend(deletes);
        Ok(events)
    }

    fn apply(&mut self, world: &World, event: Event, at: i64) {
        let (table, parent) = match event {
            Event::Add { table, parent, ahead } => {
                let moment = (at + ahead, self.next_sequence());
                let slot =
                    self.add(world, table, NewRow { moment, parent: parent.unwrap_or_default(), happening: None });
                self.tell(world, HappeningKind::Created, table, slot, at);
                (table, parent)
            }
            Event::Change { table, slot } => {
                let moment = (at, self.next_sequence());
                self.overlays[table].touch(world.slots(table), slot, moment, true);
                self.tell(world, HappeningKind::Changed, table, slot, at);
                (table, world.parent_of(Some(self), table, slot).map(|(_, parent)| parent))
            }
            Event::Delete { table, slot } => {
                let parent = world.parent_of(Some(self), table, slot).map(|(_, parent)| parent);
                let moment = (at, self.next_sequence());
                let reset = &world.tables.get(table).reset_by_deletion;
                self.overlays[table].delete(world.slots(table), slot, moment, reset);
                self.tell(world, HappeningKind::Deleted, table, slot, at);
                (table, parent)
            }
        };
        if let (Some(link), Some(parent)) = (world.tables.get(table).parent.filter(|link| link.touched), parent) {
            self.touch(world, link.table, parent, at);
        }
    }

    /// Moves the cursor of a row that was written or whose child has changed, and so on upwards.
    fn touch(&mut self, world: &World, table: usize, slot: u64, at: i64) {
        if !world.exists(self, table, slot) {
            return;
        }
        let compiled = world.tables.get(table);
        let is_written = self.overlays[table].written(slot).is_some();
        let shows_change = compiled.cursor.is_some() || !compiled.told_by.is_empty();
        if (shows_change && compiled.changeable) || is_written {
            let moment = (at, self.next_sequence());
            self.overlays[table].touch(world.slots(table), slot, moment, false);
            self.tell(world, HappeningKind::Changed, table, slot, at);
        }
        if let (Some(link), Some((_, parent))) = (compiled.parent, world.parent_of(Some(self), table, slot))
            && link.touched
        {
            self.touch(world, link.table, parent, at);
        }
    }

    fn add(&mut self, world: &World, table: usize, row: NewRow) -> u64 {
        let base_children = world.tables.get(table).parent.map_or(0, |_| {
            let children = world.children(table, row.parent);
            children.end - children.start
        });
        self.overlays[table].add(world.slots(table), base_children, row)
    }

    /// Adds what has happened to a row to the feeds that tell of it.
    fn tell(&mut self, world: &World, kind: HappeningKind, table: usize, slot: u64, at: i64) {
        for feed in &world.tables.get(table).told_by {
            let sources = world.tables.get(*feed).feed.iter().flat_map(|feed| &feed.sources);
            if !sources.clone().any(|source| source.table == table && source.label(kind).is_some()) {
                continue;
            }
            let happening = Some(Arc::new(self.overlays[table].happening(kind, table, slot)));
            let moment = (at, self.next_sequence());
            self.add(world, *feed, NewRow { moment, parent: 0, happening });
        }
    }

    fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }
}

/// Chooses rows of one table, none twice.
struct Picker<'a> {
    world: &'a World,
    state: &'a State,
    table: usize,
    taken: HashSet<u64>,
    draws: u64,
}

impl Picker<'_> {
    fn named(&mut self, identities: &[serde_json::Value]) -> Result<Vec<u64>> {
        let table = self.world.tables.get(self.table);
        let mut slots = Vec::with_capacity(identities.len());
        for identity in identities {
            let text = identity.as_str().map_or_else(|| identity.to_string(), str::to_owned);
            match locate(self.world, self.state, self.table, (&table.identity, &Comparand::new(&text)), Show::Existing)
            {
                Some(slot) if self.taken.insert(slot) => slots.push(slot),
                Some(_) => {}
                None => {
                    return Err(Error::new(
                        ErrorKind::Configuration,
                        format!("table `{}` has no row `{text}`", table.name),
                    ));
                }
            }
        }
        Ok(slots)
    }

    fn random(&mut self, count: u64) -> Result<Vec<u64>> {
        (0..count)
            .map(|_| {
                self.one(self.table).inspect(|slot| {
                    self.taken.insert(*slot);
                })
            })
            .collect()
    }

    /// The parents of rows to be added; none where the table has no parent.
    fn parents(&mut self, count: u64) -> Result<Vec<Option<u64>>> {
        match self.world.tables.get(self.table).parent {
            None => Ok(vec![None; usize::try_from(count).unwrap_or(usize::MAX)]),
            Some(parent) => {
                self.taken.clear();
                (0..count).map(|_| self.one(parent.table).map(Some)).collect()
            }
        }
    }

    /// A row that exists: a random number, or the next one that is taken by a row.
    fn one(&mut self, table: usize) -> Result<u64> {
        let candidates = self.world.slots(table) + self.state.overlay(table).additions();
        self.draws += 1;
        let seed = mix(self.world.seed ^ self.state.version, mix(self.table as u64, self.draws));
        let start = below(seed, candidates);
        (start..candidates)
            .chain(0..start)
            .find(|slot| !self.taken.contains(slot) && self.world.exists(self.state, table, *slot))
            .ok_or_else(|| {
                let name = &self.world.tables.get(table).name;
                Error::new(ErrorKind::Configuration, format!("table `{name}` has no more rows to choose from"))
            })
    }
}
