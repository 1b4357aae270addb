//! The parameters of an endpoint, compiled: what each means for which fields.

use std::collections::BTreeMap;

use lakeflow_interface::Result;

use super::endpoint::EndpointCompiler;
use crate::definition::{
    CursorSpec, Direction, FilterGroupsSpec, FilterSpec, PageSizeSpec, ParameterSpec, SelectSpec, Show, SortBySpec,
    SortListSpec,
};
use crate::table::FieldPath;

/// What a parameter means.
#[derive(Debug)]
pub(crate) enum Parameter {
    Filter { field: FieldPath, spec: FilterSpec },
    SortBy { fields: BTreeMap<String, FieldPath>, default: Option<String> },
    SortOrder { default: Direction },
    Sort { fields: BTreeMap<String, FieldPath>, default: Option<String> },
    Page { first: u64 },
    PageSize(PageSizeSpec),
    Offset,
    Cursor(CursorSpec),
    Delta(CursorSpec),
    AfterRow,
    BeforeRow,
    Select(SelectSpec),
    Rows(BTreeMap<String, Show>),
    Expand { prefix: String, fields: BTreeMap<String, usize> },
    ODataFilter { fields: BTreeMap<String, FieldPath>, always: Vec<String> },
    FilterGroups(FilterGroupsSpec),
    SortList(SortListSpec),
    Ignore,
}

impl Parameter {
    /// Compiles what the file says of one parameter of a table's listing.
    pub(super) fn compile(
        compiler: &EndpointCompiler<'_>,
        name: &str,
        spec: &ParameterSpec,
        table: usize,
    ) -> Result<Self> {
        let key = format!("parameters.{name}");
        Ok(match spec {
            ParameterSpec::Filter(filter) => {
                Self::Filter { field: compiler.field(&key, table, &filter.field)?, spec: filter.clone() }
            }
            ParameterSpec::SortBy(sort) => {
                let (fields, default) = sortable(compiler, (&key, "sort_by"), sort, table)?;
                Self::SortBy { fields, default }
            }
            ParameterSpec::Sort(sort) => {
                let (fields, default) = sortable(compiler, (&key, "sort"), sort, table)?;
                Self::Sort { fields, default }
            }
            ParameterSpec::SortOrder(order) => Self::SortOrder { default: order.default },
            ParameterSpec::Page => Self::Page { first: 1 },
            ParameterSpec::PageFromZero => Self::Page { first: 0 },
            ParameterSpec::PerPage(size) | ParameterSpec::Limit(size) => {
                if size.default == 0 || size.default > size.maximum {
                    return Err(compiler.mistake(&key, "expected a `default` from 1 to `maximum`"));
                }
                Self::PageSize(*size)
            }
            ParameterSpec::Offset => Self::Offset,
            ParameterSpec::Cursor(cursor) => Self::Cursor(cursor.clone()),
            ParameterSpec::Delta(cursor) => Self::Delta(cursor.clone()),
            ParameterSpec::AfterRow => Self::AfterRow,
            ParameterSpec::BeforeRow => Self::BeforeRow,
            ParameterSpec::Select(select) => {
                if let Some(under) = &select.under {
                    compiler.field(&key, table, under)?;
                }
                Self::Select(select.clone())
            }
            ParameterSpec::Rows(rows) => Self::Rows(rows.values.clone()),
            ParameterSpec::Expand(expand) => {
                let mut fields = BTreeMap::new();
                for (field, corpus) in &expand.fields {
                    compiler.field(&key, table, field)?;
                    fields.insert(field.clone(), compiler.table(&format!("{key}.expand.fields.{field}"), corpus)?);
                }
                Self::Expand { prefix: expand.prefix.clone(), fields }
            }
            ParameterSpec::ODataFilter(filter) => {
                let field = |name: &String| Ok((name.clone(), compiler.field(&key, table, &name.replace('/', "."))?));
                let fields = filter.fields.iter().map(field).collect::<Result<_>>()?;
                Self::ODataFilter { fields, always: filter.always.clone() }
            }
            ParameterSpec::FilterGroups(groups) => Self::FilterGroups(groups.clone()),
            ParameterSpec::SortList(list) => Self::SortList(list.clone()),
            ParameterSpec::Ignore => Self::Ignore,
        })
    }
}

type Sortable = (BTreeMap<String, FieldPath>, Option<String>);

fn sortable(
    compiler: &EndpointCompiler<'_>,
    (key, role): (&str, &str),
    sort: &SortBySpec,
    table: usize,
) -> Result<Sortable> {
    let fields = sort.fields.iter().map(|(value, field)| Ok((value.clone(), compiler.field(key, table, field)?)));
    let fields: BTreeMap<String, FieldPath> = fields.collect::<Result<_>>()?;
    if let Some(default) = &sort.default {
        let name = default.trim_start_matches('-').split([' ', ':']).next().unwrap_or_default();
        if !fields.contains_key(name) {
            let valid: Vec<&str> = fields.keys().map(String::as_str).collect();
            return Err(compiler.unknown(&format!("{key}.{role}.default"), "value", name, valid));
        }
    }
    Ok((fields, sort.default.clone()))
}

/// Whether a parameter has a role.
type IsRole = fn(&Parameter) -> bool;

/// The roles that one parameter at most may have.
pub(super) const ROLES: [(&str, IsRole); 7] = [
    ("page", |parameter| matches!(parameter, Parameter::Page { .. })),
    ("per_page", |parameter| matches!(parameter, Parameter::PageSize(_))),
    ("offset", |parameter| matches!(parameter, Parameter::Offset)),
    ("cursor", |parameter| matches!(parameter, Parameter::Cursor(_))),
    ("delta", |parameter| matches!(parameter, Parameter::Delta(_))),
    ("sort_by", |parameter| matches!(parameter, Parameter::SortBy { .. })),
    ("sort_order", |parameter| matches!(parameter, Parameter::SortOrder { .. })),
];
