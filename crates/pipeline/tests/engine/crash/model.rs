//! What tables should hold, worked out from all events at once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Pages, changes};

pub(crate) fn sorted(rows: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let mut rows: Vec<Value> = rows.into_iter().collect();
    rows.sort_by_key(Value::to_string);
    rows
}

/// All that happened to each key: by sequence a row, or nothing where it was deleted.
///
/// At one sequence a delete counts, and else the row that is read last.
fn events(pages: &Pages, second_read: Option<&Pages>) -> BTreeMap<u64, BTreeMap<u64, Option<Value>>> {
    let mut events: BTreeMap<u64, BTreeMap<u64, Option<Value>>> = BTreeMap::new();
    let place = |row: &Value| (row["id"].as_u64().unwrap(), row["at"].as_u64().unwrap());
    for row in changes(pages, false) {
        let (id, at) = place(row);
        events.entry(id).or_default().insert(at, Some(row.clone()));
    }
    for row in changes(pages, true).chain(second_read.into_iter().flat_map(|pages| changes(pages, true))) {
        let (id, at) = place(row);
        events.entry(id).or_default().insert(at, None);
    }
    events
}

/// The last event of each key.
pub(crate) fn latest(pages: &Pages, second_read: Option<&Pages>) -> Vec<Value> {
    let events = events(pages, second_read).into_values();
    sorted(events.filter_map(|events| events.into_values().next_back()).flatten())
}

/// Every row from the event that brought it to the next one that differs.
pub(crate) fn history(pages: &Pages, second_read: Option<&Pages>) -> Vec<Value> {
    let mut versions: Vec<Value> = Vec::new();
    for events in events(pages, second_read).into_values() {
        let mut open: Option<Value> = None;
        for (at, row) in events {
            let is_same = open.as_ref().zip(row.as_ref()).is_some_and(|(open, row)| open["text"] == row["text"]);
            if is_same {
                continue;
            }
            if let Some(mut closed) = open.take() {
                closed["__END_AT"] = at.into();
                versions.push(closed);
            }
            open = row.map(|mut row| {
                row["__START_AT"] = at.into();
                row
            });
        }
        versions.extend(open);
    }
    sorted(versions)
}

/// The versions of snapshots.
#[derive(Clone, Debug, Default)]
pub(crate) struct SnapshotHistory {
    closed: Vec<Value>,
    open: BTreeMap<u64, Value>,
}

impl SnapshotHistory {
    /// The versions with one more snapshot.
    pub(crate) fn with(&self, snapshot: &BTreeMap<u64, Value>, minute: u64) -> Self {
        let mut next = self.clone();
        let instant = json!(format!("2023-11-14T22:{:02}:20Z", 13 + minute));
        for id in self.open.keys().chain(snapshot.keys()).copied().collect::<BTreeSet<_>>() {
            let is_same = self
                .open
                .get(&id)
                .zip(snapshot.get(&id))
                .is_some_and(|(open, row)| open["at"] == row["at"] && open["text"] == row["text"]);
            if is_same {
                continue;
            }
            if let Some(mut closed) = next.open.remove(&id) {
                closed["__END_AT"] = instant.clone();
                next.closed.push(closed);
            }
            if let Some(row) = snapshot.get(&id) {
                let mut row = row.clone();
                row["__START_AT"] = instant.clone();
                next.open.insert(id, row);
            }
        }
        next
    }

    pub(crate) fn rows(&self) -> Vec<Value> {
        sorted(self.closed.iter().chain(self.open.values()).cloned())
    }
}
