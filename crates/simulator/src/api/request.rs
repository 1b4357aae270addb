//! What a request asks for: placeholders and parameters, read by their roles.

use std::fmt::Write as _;

use super::cursor::Cursor;
use super::endpoint::{Endpoint, Placeholder};
use super::parameter::Parameter;
use super::{Problem, Refusal};
use crate::definition::{Action, CursorSpec, Direction, Json, Operator, SelectSpec, Show};
use crate::query::{Filter, Position, Query, below, locate};
use crate::state::State;
use crate::table::{Comparand, FieldPath, World};

/// A question to a table, and what it takes to page through its answer.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) query: Query,
    /// The page's number as the client counts it.
    pub(crate) page: u64,
    /// The number of the first page.
    pub(crate) first_page: u64,
    /// The row that the path selects, where it selects one of the table itself.
    pub(crate) row: Option<u64>,
    pub(crate) shape: Shape,
    /// The parameters, with those that a cursor remembers.
    pub(crate) parameters: Vec<(String, String)>,
}

/// How the records of an answer differ from those of the corpus.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    /// The object whose fields are chosen, and the fields.
    pub(crate) select: Option<(Option<String>, Vec<String>)>,
    /// Fields whose identities are replaced by rows of a table.
    pub(crate) expand: Vec<(String, usize)>,
}

/// What a client sends beside the path.
#[derive(Clone, Copy)]
pub(crate) struct Given<'a> {
    /// The parameters of the query and the plain fields of the body.
    pub(crate) parameters: &'a [(String, String)],
    /// The body, where it is JSON.
    pub(crate) body: Option<&'a Json>,
}

/// Checks the placeholders and, for rows, reads what is asked of them.
pub(crate) fn read(
    world: &World,
    state: &State,
    endpoint: &Endpoint,
    values: &[String],
    given: Given<'_>,
) -> Result<Option<Listing>, Problem> {
    let constants = endpoint.placeholders.iter().zip(values);
    if constants
        .clone()
        .any(|((_, meaning), value)| matches!(meaning, Placeholder::Constant(wanted) if wanted != value))
    {
        return Err(Problem::not_found());
    }
    if endpoint.strict {
        refuse_unknown(endpoint, given)?;
    }
    let Some(table) = endpoint.table() else { return Ok(None) };
    let parameters = with_remembered(endpoint, given.parameters)?;
    let given = Given { parameters: &parameters, ..given };
    let reader = Reader { world, state, endpoint, table, given };
    let show = reader.show()?;
    let below = reader.selected(values, show)?;
    let mut filters = reader.path_filters(values);
    filters.extend(reader.filters()?);
    let any_of = reader.filter_groups(&mut filters)?;
    let (sort, direction) = reader.order()?;
    let slice = reader.slice()?;
    let text = format!(
        "{table} {below:?} {show:?} {:?} {direction:?} {filters:?} {any_of:?}",
        sort.as_ref().map(|field| &field.path)
    );
    let (after, before) = reader.bounds()?;
    let query = Query {
        table,
        below,
        show,
        filters,
        any_of,
        sort,
        direction,
        after: None,
        before: None,
        offset: slice.offset,
        limit: slice.limit,
        text,
    };
    let query = reader.bounded(query, after, before)?;
    let row = below.filter(|(of, _)| *of == table).map(|(_, slot)| slot);
    let (page, first_page) = (slice.page, slice.first_page);
    let shape = reader.shape()?;
    Ok(Some(Listing { query, page, first_page, row, shape, parameters }))
}

/// Refuses parameters of a read that the endpoint does not know.
pub(crate) fn refuse_unknown(endpoint: &Endpoint, given: Given<'_>) -> Result<(), Problem> {
    if endpoint.action != Action::Read {
        return Ok(());
    }
    let refused = |name: &str, value: &str| Err(Problem::invalid(name, value, format!("unknown parameter `{name}`")));
    if let Some(Json::Object(fields)) = given.body
        && let Some((name, _)) = fields.iter().find(|(name, _)| !endpoint.parameters.contains_key(name))
    {
        return refused(name, "");
    }
    let in_body = |name: &str| given.body.is_some_and(|body| body.get(name.split('.').take(1)).is_some());
    match given.parameters.iter().find(|(name, _)| !endpoint.parameters.contains_key(name) && !in_body(name)) {
        Some((name, value)) => refused(name, value),
        None => Ok(()),
    }
}

/// The parameters with those that a cursor among them remembers.
fn with_remembered(endpoint: &Endpoint, given: &[(String, String)]) -> Result<Vec<(String, String)>, Problem> {
    let mut parameters = given.to_vec();
    for (name, parameter) in &endpoint.parameters {
        let (Parameter::Cursor(spec) | Parameter::Delta(spec)) = parameter else { continue };
        let Some((_, text)) = given.iter().find(|(known, _)| known == name) else { continue };
        if let Some(allowed) = &spec.alone_with
            && let Some((other, value)) = given.iter().find(|(known, _)| known != name && !allowed.contains(known))
        {
            return Err(Problem::invalid(other, value, format!("`{other}` cannot stand beside `{name}`")));
        }
        let cursor = Cursor::decode(text).ok_or_else(|| Problem::invalid(name, text, "the cursor is not valid"))?;
        for (name, value) in cursor.query {
            if !parameters.iter().any(|(known, _)| *known == name) {
                parameters.push((name, value));
            }
        }
    }
    Ok(parameters)
}

/// Whether a cursor remembers the other parameters.
pub(crate) fn carries(spec: &CursorSpec) -> bool {
    spec.carries || spec.alone_with.is_some()
}

pub(super) struct Reader<'a> {
    pub(super) world: &'a World,
    pub(super) state: &'a State,
    pub(super) endpoint: &'a Endpoint,
    pub(super) table: usize,
    pub(super) given: Given<'a>,
}

/// The part of a listing that a page holds.
struct Slice {
    page: u64,
    first_page: u64,
    offset: u64,
    limit: u64,
}

/// A place in a listing: by a cursor, or by the identity of a row.
enum Bound {
    Cursor(Option<Position>),
    Row(u64),
}

impl<'a> Reader<'a> {
    fn show(&self) -> Result<Show, Problem> {
        for (name, parameter) in &self.endpoint.parameters {
            let Parameter::Rows(values) = parameter else { continue };
            let Some(value) = self.value(name) else { continue };
            match values.get(value) {
                Some(show) => return Ok(*show),
                None => self.refuse(name, value, || expected(values.keys().map(String::as_str)))?,
            }
        }
        Ok(self.endpoint.show)
    }

    /// The row that the placeholders select: each must lie below the one before it.
    fn selected(&self, values: &[String], show: Show) -> Result<Option<(usize, u64)>, Problem> {
        let mut selected: Option<(usize, u64)> = None;
        for ((_, meaning), value) in self.endpoint.placeholders.iter().zip(values) {
            let Placeholder::Row(table, field) = meaning else { continue };
            let wanted = Comparand::new(value);
            let show = if *table == self.table { show } else { Show::Existing };
            let slot = match selected {
                // A parent narrows the search: names may be unique below it only.
                Some(ancestor) => below(self.world, self.state, *table, ancestor, show).into_iter().find(|row| {
                    let value = self.world.row(self.state, *table, *row).field(field);
                    crate::table::passes(&value, Operator::Eq, std::slice::from_ref(&wanted))
                }),
                None => locate(self.world, self.state, *table, (field, &wanted), show),
            };
            selected = Some((*table, slot.ok_or_else(Problem::not_found)?));
        }
        Ok(selected)
    }

    fn path_filters(&self, values: &[String]) -> Vec<Filter> {
        let filter = |((_, meaning), value): (&(String, Placeholder), &String)| match meaning {
            Placeholder::Filter(field) => {
                Some(Filter { field: field.clone(), operator: Operator::Eq, wanted: vec![Comparand::new(value)] })
            }
            _ => None,
        };
        self.endpoint.placeholders.iter().zip(values).filter_map(filter).collect()
    }

    fn slice(&self) -> Result<Slice, Problem> {
        let (mut page, mut size, mut offset, mut first_page) = (None, None, None, 1);
        for (name, parameter) in &self.endpoint.parameters {
            match parameter {
                Parameter::Page { first } => {
                    first_page = *first;
                    page = Some(self.number(name, *first, *first, u64::MAX)?);
                }
                Parameter::PageSize(spec) => size = Some(self.number(name, spec.default, 1, spec.maximum)?),
                Parameter::Offset => offset = Some((name, self.number(name, 0, 0, u64::MAX)?)),
                _ => {}
            }
        }
        let limit = size.or(self.endpoint.response.page_size).unwrap_or(u64::MAX);
        let page = page.unwrap_or(first_page);
        let passed = offset.as_ref().map_or_else(|| (page - first_page).saturating_mul(limit), |(_, offset)| *offset);
        if let Some(most) = self.endpoint.response.most_rows.filter(|most| passed.saturating_add(limit) > *most) {
            let name = offset.map_or("page", |(name, _)| name.as_str());
            let value = self.value(name).unwrap_or_default();
            return Err(Problem::invalid(name, value, format!("only the first {most} rows can be paged through")));
        }
        Ok(Slice { page, first_page, offset: passed, limit })
    }

    /// The places behind and before which rows are wanted.
    fn bounds(&self) -> Result<(Option<Bound>, Option<Bound>), Problem> {
        let (mut after, mut before) = (None, None);
        for (name, parameter) in &self.endpoint.parameters {
            let Some(value) = self.value(name) else { continue };
            match parameter {
                Parameter::Cursor(_) | Parameter::Delta(_) => {
                    let cursor = Cursor::decode(value);
                    let cursor = cursor.ok_or_else(|| Problem::invalid(name, value, "the cursor is not valid"))?;
                    after = Some(Bound::Cursor(cursor.position));
                }
                Parameter::AfterRow => after = Some(Bound::Row(self.identified(name, value)?)),
                Parameter::BeforeRow => before = Some(Bound::Row(self.identified(name, value)?)),
                _ => {}
            }
        }
        Ok((after, before))
    }

    fn bounded(&self, mut query: Query, after: Option<Bound>, before: Option<Bound>) -> Result<Query, Problem> {
        let position = |bound: Option<Bound>| match bound? {
            Bound::Cursor(position) => position,
            Bound::Row(slot) => Some(Position::of(self.world, self.state, &query, slot)),
        };
        (query.after, query.before) = (position(after), position(before));
        Ok(query)
    }

    fn identified(&self, name: &str, value: &str) -> Result<u64, Problem> {
        let identity = &self.world.tables.get(self.table).identity;
        locate(self.world, self.state, self.table, (identity, &Comparand::new(value)), self.endpoint.show)
            .ok_or_else(|| Problem::invalid(name, value, format!("there is no row `{value}`")))
    }

    fn shape(&self) -> Result<Shape, Problem> {
        let mut shape = Shape::default();
        for (name, parameter) in &self.endpoint.parameters {
            match parameter {
                Parameter::Select(spec) => shape.select = self.selection(name, spec),
                Parameter::Expand { prefix, fields } => {
                    for value in self.values(name) {
                        let field = value.strip_prefix(prefix.as_str()).and_then(|field| fields.get_key_value(field));
                        match field {
                            Some((field, table)) => shape.expand.push((field.clone(), *table)),
                            None => self.refuse(name, value, || expected(fields.keys().map(String::as_str)))?,
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(shape)
    }

    fn selection(&self, name: &str, spec: &SelectSpec) -> Option<(Option<String>, Vec<String>)> {
        let given: Vec<&str> = self.values(name).flat_map(|value| value.split(',')).map(str::trim).collect();
        let mut fields: Vec<String> = match (given.is_empty(), &spec.default) {
            (true, None) => return None,
            (true, Some(default)) => default.clone(),
            (false, _) => given.into_iter().map(str::to_owned).collect(),
        };
        fields.extend(spec.always.iter().cloned());
        Some((spec.under.clone(), fields))
    }

    fn number(&self, name: &str, default: u64, least: u64, most: u64) -> Result<u64, Problem> {
        let Some(text) = self.value(name) else { return Ok(default) };
        match text.parse::<u64>() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            other => {
                self.refuse(name, text, || format!("expected a number from {least} to {most}, found `{text}`"))?;
                Ok(other.map_or(default, |number| number.clamp(least, most)))
            }
        }
    }

    /// The value of a parameter.
    pub(super) fn value(&self, name: &str) -> Option<&'a str> {
        self.values(name).next()
    }

    /// All values of a parameter that may be given several times.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.given.parameters.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Refuses an invalid value where the endpoint is strict.
    pub(super) fn refuse(&self, name: &str, value: &str, reason: impl FnOnce() -> String) -> Result<(), Problem> {
        if self.endpoint.strict { Err(Problem::invalid(name, value, reason())) } else { Ok(()) }
    }

    /// A field of the table that a client names.
    pub(super) fn named_field(&self, under: Option<&str>, name: &str) -> Option<FieldPath> {
        let path = under.map_or_else(|| name.to_owned(), |under| format!("{under}.{name}"));
        self.world.tables.field(self.table, &path).ok()
    }
}

impl Problem {
    /// Something that the path selects does not exist.
    pub(crate) fn not_found() -> Self {
        Self { refusal: Refusal::NotFound, reason: "there is no such row".to_owned(), ..Self::bare(Refusal::NotFound) }
    }

    /// A parameter has a value that is not served.
    pub(crate) fn invalid(parameter: &str, value: &str, reason: impl Into<String>) -> Self {
        Self {
            refusal: Refusal::InvalidParameter,
            parameter: parameter.to_owned(),
            value: value.to_owned(),
            reason: reason.into(),
        }
    }

    /// A problem of which no more is to be said.
    pub(crate) fn bare(refusal: Refusal) -> Self {
        Self { refusal, parameter: String::new(), value: String::new(), reason: String::new() }
    }
}

/// The values that are valid.
pub(super) fn expected<'v>(values: impl Iterator<Item = &'v str>) -> String {
    let mut text = String::from("expected one of");
    for (position, value) in values.enumerate() {
        let separator = if position == 0 { ' ' } else { ',' };
        // Writing to a string does not fail.
        let _ = write!(text, "{separator}`{value}`");
    }
    text
}

/// The directions as clients write them.
pub(super) fn direction(text: &str) -> Option<Direction> {
    match text.to_ascii_lowercase().as_str() {
        "asc" | "ascending" => Some(Direction::Asc),
        "desc" | "descending" => Some(Direction::Desc),
        _ => None,
    }
}
