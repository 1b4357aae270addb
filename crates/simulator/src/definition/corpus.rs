//! The type of `corpus/TABLE.json`: one table's rows as a template and a number.

use std::collections::BTreeMap;

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
    /// The template; without one it is made from the schema of the table of the same name.
    #[serde(default = "own_schema")]
    pub record: Json,
    /// What a change sets anew beside the cursor: merged into `record`, with fresh random values at every change.
    pub changes: Option<Json>,
    /// What a deletion sets anew beside the cursor, for endpoints that show deleted rows: merged into `record`.
    pub deleted: Option<Json>,
    /// The corpora whose rows this one tells of: a row for every one that is added, changed or deleted.
    pub feed: Option<BTreeMap<String, FeedLabels>>,
}

/// What happenings to rows of one corpus are called; one without a name is not told.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedLabels {
    /// A row was added.
    pub created: Option<String>,
    /// A row was changed.
    pub changed: Option<String>,
    /// A row was deleted.
    pub deleted: Option<String>,
}

/// Which rows an endpoint lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Show {
    /// Those that exist.
    #[default]
    Existing,
    /// Those that were deleted.
    Deleted,
    /// Both.
    All,
}

fn own_schema() -> Json {
    Json::Object(vec![("$schema".to_owned(), Json::Null)])
}

fn yes() -> bool {
    true
}
