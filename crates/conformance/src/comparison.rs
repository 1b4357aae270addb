//! Rows that were found against rows that were expected.

use std::collections::{BTreeMap, BTreeSet};

use lakeflow_interface::{ColumnPath, TableMetadata};
use serde_json::Value as Json;

use crate::finding::Finding;

/// How many rows or columns a message names.
const NAMED: usize = 3;

/// By what rows are told apart.
#[derive(Clone, Debug)]
pub(crate) enum Identity {
    /// The primary keys, as far as the expected rows have them.
    Keys(Vec<ColumnPath>),
    /// All columns that the expected rows have.
    Columns(BTreeSet<String>),
}

impl Identity {
    /// By what the rows of a table are told apart, and whether the keys that they have suffice for it.
    pub(crate) fn new(metadata: &TableMetadata, expected: &[Json]) -> Self {
        let has = |row: &Json, path: &ColumnPath| row.get(&path.parts()[0]).is_some();
        let keys = metadata.primary_keys.iter().filter(|path| expected.iter().all(|row| has(row, path)));
        let keys = Self::Keys(keys.cloned().collect());
        let distinct: BTreeSet<String> = expected.iter().map(|row| keys.of(row)).collect();
        match &keys {
            Self::Keys(paths) if !paths.is_empty() && distinct.len() == expected.len() => keys,
            _ => {
                Self::Columns(expected.iter().filter_map(Json::as_object).flat_map(|row| row.keys().cloned()).collect())
            }
        }
    }

    /// The primary keys, all of them.
    pub(crate) fn keys(metadata: &TableMetadata) -> Self {
        Self::Keys(metadata.primary_keys.clone())
    }

    /// What tells a row from others, as text.
    pub(crate) fn of(&self, row: &Json) -> String {
        match self {
            Self::Keys(paths) => {
                let parts = paths.iter().map(|path| format!("{path}={}", value_at(row, path)));
                parts.collect::<Vec<_>>().join(", ")
            }
            Self::Columns(names) => {
                let columns = names.iter().filter_map(|name| Some((name.clone(), row.get(name)?.clone())));
                Json::Object(columns.collect()).to_string()
            }
        }
    }
}

/// The value at a path, null where there is none.
pub(crate) fn value_at<'r>(row: &'r Json, path: &ColumnPath) -> &'r Json {
    path.parts().iter().try_fold(row, |value, part| value.get(part)).unwrap_or(&Json::Null)
}

/// Whether the found rows are the expected ones, each once, in any order.
pub(crate) fn same(found: &[Json], expected: &[Json], metadata: &TableMetadata) -> Result<(), Finding> {
    let identity = Identity::new(metadata, expected);
    compare(found, expected, &identity, true)
}

/// Whether the found rows are the expected ones and, besides them, only rows that came again with their parent: rows that
/// the source has now, once each, with the cursor of a row that was expected.
pub(crate) fn same_with_siblings(
    found: &[Json],
    expected: &[Json],
    now: &[Json],
    metadata: &TableMetadata,
) -> Result<(), Finding> {
    let identity = Identity::new(metadata, now);
    let named = |rows: &[Json]| rows.iter().map(|row| identity.of(row)).collect::<BTreeSet<String>>();
    let wanted = named(expected);
    let cursor = |row: &Json| metadata.cursor_field.as_ref().map(|field| value_at(row, field).to_string());
    let is_wanted = |row: &&Json| wanted.contains(&identity.of(row));
    let cursors: BTreeSet<_> = found.iter().filter(is_wanted).map(cursor).collect();
    let siblings: BTreeSet<String> =
        found.iter().filter(|row| cursors.contains(&cursor(row))).map(|row| identity.of(row)).collect();
    let belongs = |row: &&Json| is_wanted(row) || siblings.contains(&identity.of(row));
    let allowed: Vec<Json> = now.iter().filter(belongs).cloned().collect();
    compare(found, &allowed, &identity, true)
}

/// Whether the last found row of each key is the expected one.
pub(crate) fn same_in_the_end(found: &[Json], expected: &[Json], metadata: &TableMetadata) -> Result<(), Finding> {
    let identity = Identity::new(metadata, expected);
    compare(found, expected, &identity, false)
}

fn compare(found: &[Json], expected: &[Json], identity: &Identity, once: bool) -> Result<(), Finding> {
    let mut by_identity: BTreeMap<String, Vec<&Json>> = BTreeMap::new();
    for row in found {
        by_identity.entry(identity.of(row)).or_default().push(row);
    }
    let wanted: BTreeMap<String, &Json> = expected.iter().map(|row| (identity.of(row), row)).collect();
    let missing: Vec<&String> = wanted.keys().filter(|key| !by_identity.contains_key(*key)).collect();
    let surplus: Vec<&String> = by_identity.keys().filter(|key| !wanted.contains_key(*key)).collect();
    let repeated: Vec<&String> = by_identity.iter().filter(|(_, rows)| rows.len() > 1).map(|(key, _)| key).collect();
    let mut faults = Vec::new();
    let mut fault = |what: &str, rows: &[&String]| {
        if !rows.is_empty() {
            faults.push(format!("{} {what}: {}", rows.len(), named(rows)));
        }
    };
    fault("missing", &missing);
    fault("that should not be there", &surplus);
    if once {
        fault("that came more than once", &repeated);
    }
    if let Some(difference) = first_difference(&by_identity, &wanted) {
        faults.push(difference);
    }
    if faults.is_empty() {
        return Ok(());
    }
    let each = if once { ", each once" } else { "" };
    let expected = match expected.len() {
        0 => "no rows".to_owned(),
        count => format!("{count} rows{each}"),
    };
    Err(Finding::new(expected, format!("{} rows\n{}", found.len(), faults.join("\n"))))
}

fn first_difference(found: &BTreeMap<String, Vec<&Json>>, wanted: &BTreeMap<String, &Json>) -> Option<String> {
    for (key, expected) in wanted {
        let Some(row) = found.get(key).and_then(|rows| rows.last()) else { continue };
        let columns = expected.as_object()?.iter();
        let mut differing = columns.filter(|(name, value)| row.get(*name).unwrap_or(&Json::Null) != *value);
        if let Some((name, value)) = differing.next() {
            let found = row.get(name).unwrap_or(&Json::Null);
            return Some(format!("in the row {key}: `{name}` is {}, the source has {}", short(found), short(value)));
        }
    }
    None
}

/// Some of the names, and how many more there are.
pub(crate) fn named<S: AsRef<str>>(names: &[S]) -> String {
    let shown: Vec<String> = names.iter().take(NAMED).map(|name| shortened(name.as_ref())).collect();
    match names.len().saturating_sub(NAMED) {
        0 => shown.join("; "),
        more => format!("{}; and {more} more", shown.join("; ")),
    }
}

/// A value as text of a bearable length.
pub(crate) fn short(value: &Json) -> String {
    shortened(&value.to_string())
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 120;
    if text.chars().count() <= LONGEST { text.to_owned() } else { text.chars().take(LONGEST).chain(['…']).collect() }
}

/// The rows that are new or differ from before.
pub(crate) fn changed(before: &[Json], after: &[Json], metadata: &TableMetadata) -> Vec<Json> {
    let identity = Identity::new(metadata, after);
    let before: BTreeMap<String, &Json> = before.iter().map(|row| (identity.of(row), row)).collect();
    after.iter().filter(|row| before.get(&identity.of(row)) != Some(row)).cloned().collect()
}

/// The rows that are gone.
pub(crate) fn gone(before: &[Json], after: &[Json], metadata: &TableMetadata) -> Vec<Json> {
    let identity = Identity::new(metadata, before);
    let after: BTreeSet<String> = after.iter().map(|row| identity.of(row)).collect();
    before.iter().filter(|row| !after.contains(&identity.of(row))).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(id: u64, value: u64, parent_changed: &str) -> Json {
        json!({"id": id, "value": value, "parent_changed": parent_changed})
    }

    /// Whether a read that should give item 1, of a parent that has item 2 too, may give this; item 3 has another parent.
    fn is_allowed(found: &[Json]) -> bool {
        let metadata = TableMetadata {
            primary_keys: vec!["id".parse().unwrap()],
            cursor_field: Some("parent_changed".parse().unwrap()),
            ingestion_type: lakeflow_interface::IngestionType::Cdc,
            order: lakeflow_interface::CursorOrder::default(),
        };
        let now = [json!({"id": 1, "value": 7}), json!({"id": 2, "value": 5}), json!({"id": 3, "value": 5})];
        same_with_siblings(found, &now[..1], &now, &metadata).is_ok()
    }

    #[test]
    fn siblings_of_a_changed_row_may_come_again_and_nothing_else() {
        let (changed, sibling) = (item(1, 7, "late"), item(2, 5, "late"));
        assert!(is_allowed(std::slice::from_ref(&changed)));
        assert!(is_allowed(&[sibling.clone(), changed.clone()]));
        let broken = [
            vec![],
            vec![sibling.clone()],
            vec![changed.clone(), sibling.clone(), sibling.clone()],
            vec![changed.clone(), changed.clone()],
            vec![changed.clone(), item(2, 4, "late")],
            vec![item(1, 6, "late")],
            vec![changed.clone(), item(3, 5, "early")],
            vec![changed, item(4, 5, "late")],
        ];
        for found in broken {
            assert!(!is_allowed(&found), "{found:?}");
        }
    }
}
