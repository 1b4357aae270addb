//! The conditions that a request sets.

use super::Problem;
use super::parameter::Parameter;
use super::request::{Reader, expected};
use crate::definition::{FilterGroupsSpec, FilterSpec, Json, Operator, WholeSpan};
use crate::query::Filter;
use crate::table::{Comparand, FieldPath};

/// The operators of searches, as HubSpot names them.
const OPERATORS: [(&str, Operator); 11] = [
    ("EQ", Operator::Eq),
    ("NEQ", Operator::Ne),
    ("GT", Operator::Gt),
    ("GTE", Operator::Gte),
    ("LT", Operator::Lt),
    ("LTE", Operator::Lte),
    ("IN", Operator::In),
    ("NOT_IN", Operator::NotIn),
    ("CONTAINS_TOKEN", Operator::Like),
    ("HAS_PROPERTY", Operator::Present),
    ("NOT_HAS_PROPERTY", Operator::Absent),
];

impl Reader<'_> {
    /// The conditions of the parameters.
    pub(super) fn filters(&self) -> Result<Vec<Filter>, Problem> {
        let mut filters = Vec::new();
        for (name, parameter) in &self.endpoint.parameters {
            match parameter {
                Parameter::Filter { field, spec } => filters.extend(self.filter(name, field, spec)?),
                Parameter::ODataFilter { fields, always } => {
                    let Some(text) = self.value(name) else { continue };
                    for condition in
                        text.split(" and ").map(str::trim).filter(|text| !always.iter().any(|one| one == text))
                    {
                        let found = odata(condition).and_then(|(field, operator, value)| {
                            Some(Filter {
                                field: fields.get(field)?.clone(),
                                operator,
                                wanted: vec![Comparand::new(value)],
                            })
                        });
                        match found.filter(|filter| self.is_comparable(filter)) {
                            Some(filter) => filters.push(filter),
                            None => {
                                let reason = format!("the condition `{condition}` is not served");
                                return Err(Problem::invalid(name, text, reason));
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(filters)
    }

    fn filter(&self, name: &str, field: &FieldPath, spec: &FilterSpec) -> Result<Option<Filter>, Problem> {
        let given = self.value(name);
        if given.is_none() && spec.required {
            return Err(Problem::invalid(name, "", format!("`{name}` is required")));
        }
        let mut text = given.or(spec.default.as_deref());
        if let (Some(value), Some(values)) = (given, &spec.values)
            && !values.iter().any(|valid| valid == value)
        {
            self.refuse(name, value, || expected(values.iter().map(String::as_str)))?;
            text = spec.default.as_deref();
        }
        let Some(text) = text.filter(|text| Some(*text) != spec.off.as_deref()) else { return Ok(None) };
        let (wanted, operator): (Vec<Comparand>, _) = match (spec.op, given) {
            (Operator::In | Operator::NotIn, Some(_)) => {
                (self.values(name).flat_map(|text| text.split(',')).map(Comparand::new).collect(), spec.op)
            }
            (Operator::In | Operator::NotIn, None) => (text.split(',').map(Comparand::new).collect(), spec.op),
            (operator, _) => {
                let (comparand, operator) = whole(text, operator, spec.whole);
                (vec![comparand], operator)
            }
        };
        if let Some(distance) = spec.before_now {
            let latest = self.state.now - i64::try_from(distance.as_millis()).unwrap_or(i64::MAX);
            if wanted.iter().any(|wanted| wanted.instant().is_some_and(|instant| instant > latest)) {
                return Err(Problem::invalid(name, text, format!("`{name}` is too recent")));
            }
        }
        let filter = Filter { field: field.clone(), operator, wanted };
        if self.is_comparable(&filter) {
            return Ok(Some(filter));
        }
        self.refuse(name, text, || format!("`{text}` cannot be compared with the field"))?;
        Ok(None)
    }

    /// The groups of a search, of which one must hold; a single group goes with the other filters.
    pub(super) fn filter_groups(&self, filters: &mut Vec<Filter>) -> Result<Vec<Vec<Filter>>, Problem> {
        let mut groups = Vec::new();
        for (name, parameter) in &self.endpoint.parameters {
            let Parameter::FilterGroups(spec) = parameter else { continue };
            let Some(Json::List(given)) = self.given.body.and_then(|body| body.get([name.as_str()])) else { continue };
            for group in given {
                let Some(Json::List(conditions)) = group.get([spec.filters.as_str()]) else {
                    return Err(Problem::invalid(name, "", format!("a group has no list `{}`", spec.filters)));
                };
                let group = conditions.iter().map(|condition| self.condition(name, spec, condition));
                groups.push(group.collect::<Result<Vec<_>, Problem>>()?.into_iter().flatten().collect::<Vec<_>>());
            }
        }
        if groups.len() == 1 {
            filters.append(&mut groups[0]);
            groups.clear();
        }
        Ok(groups)
    }

    fn condition(&self, name: &str, spec: &FilterGroupsSpec, condition: &Json) -> Result<Vec<Filter>, Problem> {
        let text = |key: &str| condition.get([key]).and_then(Json::as_parameter);
        let field_name = text(&spec.field).unwrap_or_default();
        let Some(field) = self.named_field(spec.under.as_deref(), &field_name) else {
            return Err(Problem::invalid(name, &field_name, format!("there is no field `{field_name}`")));
        };
        let operator_name = text(&spec.operator).unwrap_or_default();
        let value = Comparand::new(&text(&spec.value).unwrap_or_default());
        let filter = |operator, wanted| Filter { field: field.clone(), operator, wanted };
        if operator_name == "BETWEEN" && !spec.operators.contains_key("BETWEEN") {
            let high = Comparand::new(&text("highValue").unwrap_or_default());
            return Ok(vec![filter(Operator::Gte, vec![value]), filter(Operator::Lte, vec![high])]);
        }
        let known = OPERATORS.iter().find(|(known, _)| *known == operator_name).map(|(_, operator)| *operator);
        let Some(operator) = spec.operators.get(&operator_name).copied().or(known) else {
            return Err(Problem::invalid(name, &operator_name, format!("there is no operator `{operator_name}`")));
        };
        let wanted = match condition.get([format!("{}s", spec.value).as_str()]) {
            Some(Json::List(values)) => {
                values.iter().filter_map(Json::as_parameter).map(|value| Comparand::new(&value)).collect()
            }
            _ => vec![value],
        };
        Ok(vec![filter(operator, wanted)])
    }

    /// Whether the values can be compared with the field's, going by the first row.
    fn is_comparable(&self, filter: &Filter) -> bool {
        let value = self.world.original(None, self.table, 0).field(&filter.field);
        filter.wanted.iter().all(|wanted| wanted.suits(&value))
    }
}

/// A bound that names a whole day or hour, as a bound on instants.
fn whole(text: &str, operator: Operator, span: Option<WholeSpan>) -> (Comparand, Operator) {
    let (comparand, span) = match span {
        None => return (Comparand::new(text), operator),
        Some(WholeSpan::Day) => (day(text), 86_400_000),
        Some(WholeSpan::Hour) => (Comparand::new(text), 3_600_000),
    };
    match operator {
        Operator::Lte => (comparand.later(span), Operator::Lt),
        Operator::Gt => (comparand.later(span), Operator::Gte),
        _ => (comparand, operator),
    }
}

/// A day, which may be written without dashes, as `20260131`.
fn day(text: &str) -> Comparand {
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Comparand::new(&format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]));
    }
    Comparand::new(text)
}

/// A condition as OData writes it: `lastModifiedDateTime gt 2026-01-01T00:00:00Z`, `name eq 'x'`.
fn odata(text: &str) -> Option<(&str, Operator, &str)> {
    let mut words = text.splitn(3, ' ');
    let (field, operator, value) = (words.next()?, words.next()?, words.next()?);
    let operator = match operator {
        "eq" => Operator::Eq,
        "ne" => Operator::Ne,
        "gt" => Operator::Gt,
        "ge" => Operator::Gte,
        "lt" => Operator::Lt,
        "le" => Operator::Lte,
        _ => return None,
    };
    let quoted = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
    Some((field, operator, quoted.unwrap_or(value)))
}
