//! The order that a request asks for.

use super::Problem;
use super::parameter::Parameter;
use super::request::{Reader, direction, expected};
use crate::definition::{Direction, Json};
use crate::table::FieldPath;

/// The field to sort by, if there is one, and the direction.
type Order = (Option<FieldPath>, Direction);

impl Reader<'_> {
    /// The order of the rows.
    pub(super) fn order(&self) -> Result<Order, Problem> {
        let (mut sort, mut given_direction) = (None, None);
        for (name, parameter) in &self.endpoint.parameters {
            match parameter {
                Parameter::SortBy { fields, default } => {
                    let given = self.value(name);
                    let field = given.and_then(|value| fields.get(value));
                    if let (Some(value), None) = (given, field) {
                        self.refuse(name, value, || expected(fields.keys().map(String::as_str)))?;
                    }
                    let default = default.as_ref().and_then(|default| fields.get(default));
                    sort = field.or(default).cloned();
                }
                Parameter::Sort { fields, default } => {
                    let given = self.value(name);
                    let read = |text: &str| {
                        let (field, direction) = field_and_direction(text)?;
                        Some((fields.get(field)?.clone(), direction))
                    };
                    let order = given.and_then(read);
                    if let (Some(value), None) = (given, &order) {
                        self.refuse(name, value, || expected(fields.keys().map(String::as_str)))?;
                    }
                    if let Some((field, direction)) = order.or_else(|| read(default.as_deref()?)) {
                        (sort, given_direction) = (Some(field), Some(direction));
                    }
                }
                Parameter::SortOrder { default } => {
                    given_direction = Some(match self.value(name) {
                        Some(other) => match direction(other) {
                            Some(direction) => direction,
                            None => {
                                self.refuse(name, other, || expected(["asc", "desc"].into_iter()))?;
                                *default
                            }
                        },
                        None => *default,
                    });
                }
                Parameter::SortList(_) => {
                    if let Some((field, direction)) = self.sort_list(name, parameter)? {
                        (sort, given_direction) = (Some(field), Some(direction));
                    }
                }
                _ => {}
            }
        }
        let declared = self.endpoint.default_sort.as_ref().filter(|_| sort.is_none());
        let fallback = declared.map_or(Direction::Asc, |(_, direction)| *direction);
        let sort = sort.or_else(|| declared.map(|(field, _)| field.clone()));
        Ok((sort, given_direction.unwrap_or(fallback)))
    }

    /// The first element of a list in the body that says how to sort.
    fn sort_list(&self, name: &str, parameter: &Parameter) -> Result<Option<(FieldPath, Direction)>, Problem> {
        let Parameter::SortList(spec) = parameter else { return Ok(None) };
        let Some(first) = self.given.body.and_then(|body| body.get([name, "0"])) else { return Ok(None) };
        let (field, order) = match first {
            Json::Text(text) => field_and_direction(text).unwrap_or((text, Direction::Asc)),
            sort => {
                let text = |key: &str| match sort.get([key]) {
                    Some(Json::Text(text)) => text.as_str(),
                    _ => "",
                };
                (text(&spec.field), direction(text(&spec.direction)).unwrap_or_default())
            }
        };
        match self.named_field(spec.under.as_deref(), field) {
            Some(found) => Ok(Some((found, order))),
            None => Err(Problem::invalid(name, field, format!("there is no field `{field}`"))),
        }
    }
}

/// A field and a direction in one: `updated_at desc`, `updated_at:desc`, `-updated_at`.
fn field_and_direction(text: &str) -> Option<(&str, Direction)> {
    if let Some(field) = text.strip_prefix('-') {
        return Some((field, Direction::Desc));
    }
    match text.split_once([' ', ':']) {
        None => Some((text.trim_start_matches('+'), Direction::Asc)),
        Some((field, order)) => Some((field, direction(order)?)),
    }
}
