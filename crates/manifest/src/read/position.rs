//! `Position`: how far a table has been read, as its offset says it.

use std::collections::BTreeMap;

use chrono::Duration;
use lakeflow_interface::{Error, ErrorKind, Offset, Result};
use serde_json::{Map, Value as Json, json};

use crate::cursor::{Cursor, CursorKind};

/// How far a table has been read.
#[derive(Clone, Debug, Default)]
pub(super) struct Position {
    /// The greatest cursor of a record that was handed on.
    pub(super) cursor: Option<Cursor>,
    pub(super) seen: Seen,
    /// Where the read of the parent goes on.
    pub(super) parent: Option<Offset>,
    /// Records below the parent's last rows, which are read again, that an interrupted read handed on.
    pub(super) delivered: Seen,
}

impl Position {
    /// Reads an offset.
    pub(super) fn read(offset: &Offset, kind: CursorKind) -> Result<Self> {
        let invalid = || {
            Error::new(ErrorKind::Configuration, format!("`{offset}` is not an offset of this table"))
                .with_hint("the definition of the connector may have changed; a full refresh reads the table anew")
        };
        let text = |value: &Json| value.as_str().map(str::to_owned).ok_or_else(invalid);
        let cursor = |value: &Json| kind.parse(&text(value)?).ok_or_else(invalid);
        let mut position = Self { cursor: offset.get("cursor").map(cursor).transpose()?, ..Self::default() };
        for (name, seen) in [("seen", &mut position.seen), ("delivered", &mut position.delivered)] {
            for entry in offset.get(name).and_then(Json::as_array).into_iter().flatten() {
                let entry = text(entry)?;
                let (_, cursor) = entry.rsplit_once('@').ok_or_else(invalid)?;
                let cursor = kind.parse(cursor).ok_or_else(invalid)?;
                seen.insert(entry, cursor);
            }
        }
        if let Some(parent) = offset.get("parent") {
            position.parent = Some(Offset::from(parent.as_object().ok_or_else(invalid)?.clone()));
        }
        Ok(position)
    }

    /// The offset that says this.
    pub(super) fn offset(&self) -> Offset {
        let mut entries = Map::new();
        if let Some(cursor) = &self.cursor {
            entries.insert("cursor".to_owned(), json!(*cursor.text));
        }
        for (name, seen) in [("seen", &self.seen), ("delivered", &self.delivered)] {
            if !seen.0.is_empty() {
                entries.insert(name.to_owned(), seen.0.keys().cloned().collect());
            }
        }
        if let Some(parent) = &self.parent {
            entries.insert("parent".to_owned(), Json::Object(parent.entries().clone()));
        }
        Offset::from(entries)
    }

    /// Notes a record that is handed on.
    pub(super) fn note(&mut self, key: String, cursor: &Cursor, lookback: Duration) {
        if self.cursor.as_ref().is_none_or(|greatest| cursor > greatest) {
            self.cursor = Some(cursor.clone());
        }
        if self.cursor.as_ref().is_some_and(|greatest| cursor.is_within(lookback, greatest)) {
            self.seen.insert(key, cursor.clone());
        }
    }

    /// Forgets records that no later read asks for again.
    pub(super) fn prune(&mut self, lookback: Duration) {
        if let Some(greatest) = &self.cursor {
            self.seen.0.retain(|_, cursor| cursor.is_within(lookback, greatest));
        }
    }
}

/// Records that a later read asks for again, as `key@cursor`.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen(BTreeMap<String, Cursor>);

impl Seen {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn contains(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub(super) fn insert(&mut self, key: String, cursor: Cursor) {
        self.0.insert(key, cursor);
    }
}
