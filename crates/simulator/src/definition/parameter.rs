//! What parameters of requests mean.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::corpus::Show;

/// What a query parameter means.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterSpec {
    /// Keeps the rows whose field compares with the value.
    Filter(FilterSpec),
    /// Chooses the field to sort by.
    SortBy(SortBySpec),
    /// Chooses the direction: `asc` or `desc`.
    SortOrder(SortOrderSpec),
    /// Chooses field and direction in one: `updated_at desc`, `updated_at:desc`, `-updated_at`.
    Sort(SortBySpec),
    /// The page's number, from 1.
    Page,
    /// The page's number, from 0.
    PageFromZero,
    /// The rows of a page.
    PerPage(PageSizeSpec),
    /// The same as `per_page`, for APIs that page by offset.
    Limit(PageSizeSpec),
    /// How many rows to pass over.
    Offset,
    /// A cursor that an earlier answer gave (`{next_cursor}`, `{cursor}`): the rows behind it.
    Cursor(CursorSpec),
    /// The same for the rows that changed since a listing was read to its end (`{delta_url}`).
    Delta(CursorSpec),
    /// The identity of a row: those behind it.
    AfterRow,
    /// The identity of a row: the last ones before it.
    BeforeRow,
    /// Chooses the fields that a record has, as a list with commas.
    Select(SelectSpec),
    /// Chooses whether deleted rows are listed.
    Rows(RowsSpec),
    /// Replaces identities by the rows that they identify: `expand[]=data.customer`.
    Expand(ExpandSpec),
    /// Filters as OData writes them: `lastModifiedDateTime gt 2026-01-01T00:00:00Z`, joined by `and`.
    ODataFilter(ODataFilterSpec),
    /// Filters as a list of groups in a body, of which one must hold; within a group all must.
    FilterGroups(FilterGroupsSpec),
    /// The order as a list in a body; its first element counts.
    SortList(SortListSpec),
    /// Known, without effect.
    Ignore,
}

/// A filter on a field.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterSpec {
    /// The field, as `state` or `commit.committer.date`.
    pub field: String,
    /// How it compares.
    #[serde(default)]
    pub op: Operator,
    /// The value when the parameter is absent; without one the filter is then off.
    pub default: Option<String>,
    /// A value that switches the filter off, as `all`.
    pub off: Option<String>,
    /// The only values allowed; a strict endpoint refuses others.
    pub values: Option<Vec<String>>,
    /// Whether a request without it is refused, strict or not.
    #[serde(default)]
    pub required: bool,
    /// A value names a whole `day` or `hour`: `lte` includes all of it.
    pub whole: Option<WholeSpan>,
    /// A value must lie so far before the clock, as `1m`; later ones are refused, strict or not.
    #[serde(default, deserialize_with = "super::duration::deserialize_optional")]
    pub before_now: Option<Duration>,
}

/// A span that a value names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WholeSpan {
    /// `2026-01-31`, `20260131`.
    Day,
    /// `20260131T23`.
    Hour,
}

/// A cursor.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CursorSpec {
    /// Whether the cursor remembers the other parameters, so that a request needs none of them.
    pub carries: bool,
    /// The only parameters that may stand beside it; others are refused. It then carries the rest.
    pub alone_with: Option<Vec<String>>,
}

/// A choice of fields.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SelectSpec {
    /// The object whose fields are chosen, as `properties`; without it the record itself.
    pub under: Option<String>,
    /// Fields that are there whatever is chosen.
    pub always: Vec<String>,
    /// Fields when nothing is chosen; without it all.
    pub default: Option<Vec<String>>,
}

/// A choice between existing and deleted rows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsSpec {
    /// From the parameter's values to rows: `{"true": deleted, "false": existing}`.
    pub values: BTreeMap<String, Show>,
}

/// Fields whose identities can be replaced by rows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpandSpec {
    /// What stands before a field's name, as `data.`.
    #[serde(default)]
    pub prefix: String,
    /// From fields to the corpora that they identify rows of.
    pub fields: BTreeMap<String, String>,
}

/// Filters in OData's language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ODataFilterSpec {
    /// The fields that can be filtered by.
    pub fields: Vec<String>,
    /// Conditions that hold for all rows, as they are written.
    #[serde(default)]
    pub always: Vec<String>,
}

/// Groups of filters in a body.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterGroupsSpec {
    /// The key of a group's list of filters.
    #[serde(default = "filters")]
    pub filters: String,
    /// The key of a filter's field.
    #[serde(default = "property_name")]
    pub field: String,
    /// The key of a filter's operator.
    #[serde(default = "operator")]
    pub operator: String,
    /// The key of a filter's value; a list of values has the key with an `s` behind it.
    #[serde(default = "value")]
    pub value: String,
    /// The object that has the fields, as `properties`.
    pub under: Option<String>,
    /// From the API's operators to ours; those of HubSpot are known.
    #[serde(default)]
    pub operators: BTreeMap<String, Operator>,
}

/// An order in a body.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SortListSpec {
    /// The key of the field.
    #[serde(default = "property_name")]
    pub field: String,
    /// The key of the direction.
    #[serde(default = "direction")]
    pub direction: String,
    /// The object that has the fields, as `properties`.
    pub under: Option<String>,
}

fn filters() -> String {
    "filters".to_owned()
}

fn property_name() -> String {
    "propertyName".to_owned()
}

fn operator() -> String {
    "operator".to_owned()
}

fn value() -> String {
    "value".to_owned()
}

fn direction() -> String {
    "direction".to_owned()
}

/// How a field compares with a parameter's value. A null only matches `ne`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// Equal.
    #[default]
    Eq,
    /// Not equal.
    Ne,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// Equal to one of a list with commas, or of several parameters of that name.
    In,
    /// Equal to none of a list with commas.
    NotIn,
    /// Equal, where `*` in the value stands for anything.
    Like,
    /// Not null.
    Present,
    /// Null.
    Absent,
}

/// A parameter that chooses the field to sort by.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SortBySpec {
    /// From the parameter's values to fields: `{updated: updated_at}`.
    pub fields: BTreeMap<String, String>,
    /// The value when the parameter is absent.
    pub default: Option<String>,
}

/// A parameter that chooses the direction.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SortOrderSpec {
    /// The direction when the parameter is absent.
    pub default: Direction,
}

/// The direction of a sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Smallest first.
    #[default]
    Asc,
    /// Greatest first.
    Desc,
}

/// The number of rows of a page.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageSizeSpec {
    /// When the parameter is absent.
    pub default: u64,
    /// The most that is given; a strict endpoint refuses more, others give this many.
    pub maximum: u64,
}
