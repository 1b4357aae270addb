//! What a request asks for: placeholders and parameters, read by their roles.

use std::fmt::Write as _;

use super::Refusal;
use super::endpoint::{Endpoint, Parameter, Placeholder, Target};
use crate::definition::{Direction, Operator};
use crate::query::{Filter, Query, below, locate};
use crate::state::State;
use crate::table::{Comparand, FieldPath, World};

/// A question to a table, and what it takes to page through its answer.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) query: Query,
    /// The page's number, from 1.
    pub(crate) page: u64,
    /// The row that the path selects, where it selects one of the table itself.
    pub(crate) row: Option<u64>,
}

/// Why a request cannot be answered.
#[derive(Debug, PartialEq)]
pub(crate) struct Problem {
    pub(crate) refusal: Refusal,
    pub(crate) parameter: String,
    pub(crate) value: String,
    pub(crate) reason: String,
}

impl Problem {
    fn not_found() -> Self {
        Self {
            refusal: Refusal::NotFound,
            parameter: String::new(),
            value: String::new(),
            reason: "there is no such row".to_owned(),
        }
    }

    fn invalid(parameter: &str, value: &str, reason: impl Into<String>) -> Self {
        Self {
            refusal: Refusal::InvalidParameter,
            parameter: parameter.to_owned(),
            value: value.to_owned(),
            reason: reason.into(),
        }
    }
}

/// Checks the placeholders and, for rows, reads what is asked of them.
pub(crate) fn read(
    world: &World,
    state: &State,
    endpoint: &Endpoint,
    values: &[String],
    query: &[(String, String)],
) -> Result<Option<Listing>, Problem> {
    let constants = endpoint.placeholders.iter().zip(values);
    if constants
        .clone()
        .any(|((_, meaning), value)| matches!(meaning, Placeholder::Constant(wanted) if wanted != value))
    {
        return Err(Problem::not_found());
    }
    if endpoint.strict
        && let Some((name, value)) = query.iter().find(|(name, _)| !endpoint.parameters.contains_key(name))
    {
        return Err(Problem::invalid(name, value, format!("unknown parameter `{name}`")));
    }
    let Target::Rows(table) = endpoint.target else { return Ok(None) };
    let reader = Reader { world, state, endpoint, table, query };
    let below = reader.selected(values)?;
    let mut filters = reader.path_filters(values);
    filters.extend(reader.filters()?);
    let (sort, direction) = reader.order()?;
    let (page, offset, limit) = reader.slice()?;
    let text = format!("{table} {below:?} {:?} {direction:?} {filters:?}", sort.as_ref().map(|(name, _)| name));
    let row = below.filter(|(of, _)| *of == table).map(|(_, slot)| slot);
    let sort = sort.map(|(_, field)| field);
    Ok(Some(Listing { query: Query { table, below, filters, sort, direction, offset, limit, text }, page, row }))
}

struct Reader<'a> {
    world: &'a World,
    state: &'a State,
    endpoint: &'a Endpoint,
    table: usize,
    query: &'a [(String, String)],
}

/// The page's number, the rows before it, and the most rows in it.
type Slice = (u64, u64, u64);

impl<'a> Reader<'a> {
    /// The row that the placeholders select: each must lie below the one before it.
    fn selected(&self, values: &[String]) -> Result<Option<(usize, u64)>, Problem> {
        let mut selected: Option<(usize, u64)> = None;
        for ((_, meaning), value) in self.endpoint.placeholders.iter().zip(values) {
            let Placeholder::Row(table, field) = meaning else { continue };
            let wanted = Comparand::new(value);
            let slot = match selected {
                // A parent narrows the search: names may be unique below it only.
                Some((ancestor, slot)) => {
                    below(self.world, self.state, *table, ancestor, slot).into_iter().find(|row| {
                        let value = self.world.row(self.state, *table, *row).field(field);
                        crate::table::passes(&value, Operator::Eq, std::slice::from_ref(&wanted))
                    })
                }
                None => locate(self.world, self.state, *table, field, &wanted),
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

    fn filters(&self) -> Result<Vec<Filter>, Problem> {
        let mut filters = Vec::new();
        for (name, parameter) in &self.endpoint.parameters {
            let Parameter::Filter { field, operator, default, off, values } = parameter else { continue };
            let given = self.value(name);
            let mut text = given.or(default.as_deref());
            if let (Some(value), Some(values)) = (given, values)
                && !values.iter().any(|valid| valid == value)
            {
                self.refuse(name, value, || expected(values.iter().map(String::as_str)))?;
                text = default.as_deref();
            }
            let Some(text) = text.filter(|text| Some(*text) != off.as_deref()) else { continue };
            let wanted: Vec<Comparand> = match operator {
                Operator::In => text.split(',').map(Comparand::new).collect(),
                _ => vec![Comparand::new(text)],
            };
            let filter = Filter { field: field.clone(), operator: *operator, wanted };
            if self.is_comparable(&filter) {
                filters.push(filter);
            } else {
                self.refuse(name, text, || format!("`{text}` cannot be compared with the field"))?;
            }
        }
        Ok(filters)
    }

    /// Whether the values can be compared with the field's, going by the first row.
    fn is_comparable(&self, filter: &Filter) -> bool {
        let value = self.world.original(None, self.table, 0).field(&filter.field);
        filter.wanted.iter().all(|wanted| wanted.suits(&value))
    }

    fn order(&self) -> Result<(Option<(String, FieldPath)>, Direction), Problem> {
        let mut sort = None;
        let mut direction = None;
        for (name, parameter) in &self.endpoint.parameters {
            match parameter {
                Parameter::SortBy { fields, default } => {
                    let given = self.value(name);
                    let field = given.and_then(|value| fields.get(value));
                    if let (Some(value), None) = (given, field) {
                        self.refuse(name, value, || expected(fields.keys().map(String::as_str)))?;
                    }
                    let chosen = given.filter(|_| field.is_some()).or(default.as_deref());
                    sort = chosen.and_then(|value| Some((value.to_owned(), fields.get(value)?.clone())));
                }
                Parameter::SortOrder { default } => {
                    direction = Some(match self.value(name) {
                        Some("asc") => Direction::Asc,
                        Some("desc") => Direction::Desc,
                        Some(other) => {
                            self.refuse(name, other, || expected(["asc", "desc"].into_iter()))?;
                            *default
                        }
                        None => *default,
                    });
                }
                _ => {}
            }
        }
        let declared = self.endpoint.default_sort.as_ref().filter(|_| sort.is_none());
        let fallback = declared.map_or(Direction::Asc, |(_, direction)| *direction);
        let sort = sort.or_else(|| declared.map(|(field, _)| ("default".to_owned(), field.clone())));
        Ok((sort, direction.unwrap_or(fallback)))
    }

    fn slice(&self) -> Result<Slice, Problem> {
        let (mut page, mut size, mut offset) = (None, None, None);
        for (name, parameter) in &self.endpoint.parameters {
            match parameter {
                Parameter::Page => page = Some(self.number(name, 1, 1, u64::MAX)?),
                Parameter::PageSize(spec) => size = Some(self.number(name, spec.default, 1, spec.maximum)?),
                Parameter::Offset => offset = Some(self.number(name, 0, 0, u64::MAX)?),
                _ => {}
            }
        }
        let limit = size.unwrap_or(u64::MAX);
        let page = page.unwrap_or(1);
        Ok((page, offset.unwrap_or_else(|| (page - 1).saturating_mul(limit)), limit))
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

    fn value(&self, name: &str) -> Option<&'a str> {
        self.query.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Refuses an invalid value where the endpoint is strict.
    fn refuse(&self, name: &str, value: &str, reason: impl FnOnce() -> String) -> Result<(), Problem> {
        if self.endpoint.strict { Err(Problem::invalid(name, value, reason())) } else { Ok(()) }
    }
}

fn expected<'v>(values: impl Iterator<Item = &'v str>) -> String {
    let mut text = String::from("expected one of");
    for (position, value) in values.enumerate() {
        let separator = if position == 0 { ' ' } else { ',' };
        // Writing to a string does not fail.
        let _ = write!(text, "{separator}`{value}`");
    }
    text
}
