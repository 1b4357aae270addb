//! What a read needs to know of a record: its cursor and its identity.

use std::fmt::Write;

use lakeflow_interface::Result;
use lakeflow_interface::records::{NodeIndex, Value};

use super::TableRead;
use super::pages::TablePage;
use crate::cursor::Cursor;

/// A record's place and cursor.
pub(super) struct Row<'p> {
    pub(super) place: NodeIndex,
    pub(super) value: Value<'p>,
    pub(super) cursor: Option<Cursor>,
}

impl TableRead {
    /// The records of a page.
    pub(super) fn rows<'p>(&self, fetched: &'p TablePage) -> Result<Vec<Row<'p>>> {
        let kind = self.cursor_kind()?;
        let path = self.plan.metadata.cursor_field.as_ref().map(|column| column.parts()).unwrap_or_default();
        let row = |place: &NodeIndex| {
            let place = *place;
            let value = fetched.page.at(place);
            let cursor = value.get_path(path).and_then(|value| kind.read(value));
            Row { place, value, cursor }
        };
        Ok(fetched.places.iter().map(row).collect())
    }

    /// The identities of all records of a page.
    pub(super) fn identities(&self, fetched: &TablePage) -> Result<Vec<String>> {
        Ok(self.rows(fetched)?.iter().map(|row| self.identity(row.value, row.cursor.as_ref())).collect())
    }

    /// `key@cursor`: one version of one row. Constant columns are part of the key.
    pub(super) fn identity(&self, value: Value<'_>, cursor: Option<&Cursor>) -> String {
        let mut identity = String::with_capacity(48);
        for (position, key) in self.plan.metadata.primary_keys.iter().enumerate() {
            if position > 0 {
                identity.push(',');
            }
            let constant = match key.parts() {
                [name] => self.constants.iter().find(|(constant, _)| constant == name),
                _ => None,
            };
            match (constant, value.get_path(key.parts())) {
                (Some((_, constant)), _) => {
                    // Writing to a `String` cannot fail.
                    let _ = write!(identity, "{:?}", constant.as_deref().unwrap_or_default());
                }
                (None, Some(value)) => identity.push_str(value.raw()),
                (None, None) => identity.push_str("null"),
            }
        }
        identity.push('@');
        identity.push_str(cursor.map_or("", |cursor| &cursor.text));
        identity
    }
}
