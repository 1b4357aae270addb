//! The type of `corpus/TABLE.json`: one table's rows as a template and a number.

use serde::Deserialize;

use super::json::Json;

/// One table: a template of its records, and how many there are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusFile {
    /// What the rows are, for people.
    pub description: Option<String>,
    /// The number of rows at scale 1; not for a child.
    pub count: Option<u64>,
    /// Whether `count` grows with the scale.
    #[serde(default = "yes")]
    pub scaled: bool,
    /// The corpus that these rows belong to.
    pub parent: Option<String>,
    /// The least and the greatest number of rows that one parent has.
    pub per_parent: Option<[u64; 2]>,
    /// Whether a parent's cursor moves when one of its children is added, changed or deleted.
    #[serde(default = "yes")]
    pub touches_parent: bool,
    /// The field that identifies a row.
    pub identity: String,
    /// The field that says when a row last changed: a timestamp, or a number that grows with `n`.
    pub cursor: Option<String>,
    /// The template.
    pub record: Json,
    /// What a change sets anew beside the cursor: merged into `record`, with fresh random values at every change.
    pub changes: Option<Json>,
}

fn yes() -> bool {
    true
}
