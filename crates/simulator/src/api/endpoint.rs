//! One endpoint, compiled: what its placeholders and parameters mean for which fields.

use std::collections::BTreeMap;

use lakeflow_interface::Result;

use super::path::PathPattern;
use crate::definition::{
    Direction, EndpointSpec, EndpointsFile, Json, Method, Operator, PageSizeSpec, PaginationStyle, ParameterSpec,
    PathParameterSpec, ResponseSpec, mistake, unknown,
};
use crate::table::{FieldPath, Tables};

/// One path with one method.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// The method and the path as written, for logs.
    pub(crate) name: String,
    pub(crate) pattern: PathPattern,
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) placeholders: Vec<(String, Placeholder)>,
    pub(crate) parameters: BTreeMap<String, Parameter>,
    pub(crate) strict: bool,
    pub(crate) default_sort: Option<(FieldPath, Direction)>,
    pub(crate) response: ResponseSpec,
}

/// What an endpoint serves.
#[derive(Debug)]
pub(crate) enum Target {
    /// Rows of a table.
    Rows(usize),
    /// A fixed body.
    Body(Json),
}

/// What a placeholder means.
#[derive(Debug)]
pub(crate) enum Placeholder {
    /// It must have this value.
    Constant(String),
    /// It selects a row of this table by this field.
    Row(usize, FieldPath),
    /// Rows must have it in this field.
    Filter(FieldPath),
    /// Anything will do.
    Any,
}

/// What a query parameter means.
#[derive(Debug)]
pub(crate) enum Parameter {
    Filter {
        field: FieldPath,
        operator: Operator,
        default: Option<String>,
        off: Option<String>,
        values: Option<Vec<String>>,
    },
    SortBy {
        fields: BTreeMap<String, FieldPath>,
        default: Option<String>,
    },
    SortOrder {
        default: Direction,
    },
    Page,
    PageSize(PageSizeSpec),
    Offset,
    Ignore,
}

impl Endpoint {
    /// Compiles the endpoint at a position of the file.
    pub(crate) fn compile(
        file: &str,
        position: usize,
        spec: &EndpointSpec,
        api: &EndpointsFile,
        tables: &Tables,
    ) -> Result<Self> {
        let key = format!("endpoints[{position}]");
        let compiler = EndpointCompiler { file, key: &key, spec, api, tables };
        let pattern = PathPattern::parse(&spec.path).map_err(|message| compiler.mistake("path", message))?;
        let target = compiler.target()?;
        let placeholders = compiler.placeholders(&pattern, &target)?;
        let parameters = compiler.parameters(&target)?;
        compiler.check_response(&target, &placeholders, &parameters)?;
        super::check_headers(file, &format!("{key}.response.headers"), &spec.response.headers)?;
        Ok(Self {
            name: format!("{} {}", if spec.method == Method::Get { "GET" } else { "POST" }, spec.path),
            pattern,
            method: spec.method,
            default_sort: compiler.default_sort(&target)?,
            target,
            placeholders,
            parameters,
            strict: spec.strict.unwrap_or(api.strict),
            response: spec.response.clone(),
        })
    }
}

impl Endpoint {
    /// The name of the parameter that holds the page's number.
    pub(crate) fn page_parameter(&self) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        parameters.find(|(_, parameter)| matches!(parameter, Parameter::Page)).map(|(name, _)| name.as_str())
    }
}

struct EndpointCompiler<'a> {
    file: &'a str,
    key: &'a str,
    spec: &'a EndpointSpec,
    api: &'a EndpointsFile,
    tables: &'a Tables,
}

impl EndpointCompiler<'_> {
    fn mistake(&self, key: &str, message: impl Into<String>) -> lakeflow_interface::Error {
        mistake(self.file, &format!("{}.{key}", self.key), message).with_context("path", &self.spec.path)
    }

    fn table(&self, key: &str, name: &str) -> Result<usize> {
        self.tables.find(name).ok_or_else(|| {
            let names: Vec<&str> = self.tables.iter().map(|table| table.name.as_str()).collect();
            unknown(self.file, &format!("{}.{key}", self.key), "corpus", name, names)
        })
    }

    fn field(&self, key: &str, table: usize, path: &str) -> Result<FieldPath> {
        let place = |error: lakeflow_interface::Error| {
            error.with_context("file", self.file).with_context("key", format!("{}.{key}", self.key))
        };
        self.tables.field(table, path).map_err(place)
    }

    fn target(&self) -> Result<Target> {
        match (&self.spec.corpus, &self.spec.body) {
            (Some(corpus), None) => Ok(Target::Rows(self.table("corpus", corpus)?)),
            (None, Some(body)) => Ok(Target::Body(body.clone())),
            _ => Err(self.mistake("corpus", "expected either `corpus` or `body`")),
        }
    }

    fn placeholders(&self, pattern: &PathPattern, target: &Target) -> Result<Vec<(String, Placeholder)>> {
        let declared = &self.spec.path_parameters;
        let names: Vec<&str> = pattern.placeholders().collect();
        if let Some(name) = declared.keys().find(|name| !names.contains(&name.as_str())) {
            let key = format!("{}.path_parameters", self.key);
            return Err(unknown(self.file, &key, "placeholder", name, names));
        }
        let mut placeholders = Vec::with_capacity(names.len());
        for name in names {
            let meaning = match (declared.get(name), self.api.constants.get(name)) {
                (Some(spec), _) => self.placeholder(name, spec, target)?,
                (None, Some(constant)) => Placeholder::Constant(constant.clone()),
                (None, None) => {
                    let message = format!("placeholder `{name}` is no constant: expected its meaning, found none");
                    return Err(self.mistake("path_parameters", message)
                        .with_hint(format!("write `{name}: {{row: {{of: CORPUS, field: FIELD}}}}`, `{name}: {{filter: FIELD}}` or `{name}: any`")));
                }
            };
            placeholders.push((name.to_owned(), meaning));
        }
        Ok(placeholders)
    }

    fn placeholder(&self, name: &str, spec: &PathParameterSpec, target: &Target) -> Result<Placeholder> {
        let key = format!("path_parameters.{name}");
        let table = match target {
            Target::Rows(table) => *table,
            Target::Body(_) if matches!(spec, PathParameterSpec::Any) => return Ok(Placeholder::Any),
            Target::Body(_) => return Err(self.mistake(&key, "a fixed body has no rows to select: expected `any`")),
        };
        match spec {
            PathParameterSpec::Any => Ok(Placeholder::Any),
            PathParameterSpec::Filter(field) => Ok(Placeholder::Filter(self.field(&key, table, field)?)),
            PathParameterSpec::Row(selector) => {
                let ancestors: Vec<usize> =
                    std::iter::successors(Some(table), |table| Some(self.tables.get(*table).parent?.table)).collect();
                let Some(of) = ancestors.iter().copied().find(|table| self.tables.get(*table).name == selector.of)
                else {
                    let valid: Vec<&str> =
                        ancestors.iter().map(|table| self.tables.get(*table).name.as_str()).collect();
                    let what = "corpus or parent of this endpoint";
                    return Err(unknown(self.file, &format!("{}.{key}.row.of", self.key), what, &selector.of, valid));
                };
                Ok(Placeholder::Row(of, self.field(&key, of, &selector.field)?))
            }
        }
    }

    fn parameters(&self, target: &Target) -> Result<BTreeMap<String, Parameter>> {
        let mut parameters = BTreeMap::new();
        let Target::Rows(table) = target else {
            for name in self.spec.parameters.keys() {
                parameters.insert(name.clone(), Parameter::Ignore);
            }
            return Ok(parameters);
        };
        let common = self.api.parameters.iter().filter(|_| !self.spec.response.single_entity);
        for (name, spec) in common.chain(&self.spec.parameters) {
            parameters.insert(name.clone(), self.parameter(name, spec, *table)?);
        }
        for (role, is_role) in ROLES {
            let names: Vec<&String> =
                parameters.iter().filter(|(_, parameter)| is_role(parameter)).map(|(name, _)| name).collect();
            if let [first, second, ..] = names.as_slice() {
                return Err(
                    self.mistake("parameters", format!("expected one `{role}`, found `{first}` and `{second}`"))
                );
            }
        }
        Ok(parameters)
    }

    fn parameter(&self, name: &str, spec: &ParameterSpec, table: usize) -> Result<Parameter> {
        let key = format!("parameters.{name}");
        Ok(match spec {
            ParameterSpec::Filter(filter) => Parameter::Filter {
                field: self.field(&key, table, &filter.field)?,
                operator: filter.op,
                default: filter.default.clone(),
                off: filter.off.clone(),
                values: filter.values.clone(),
            },
            ParameterSpec::SortBy(sort) => {
                let fields =
                    sort.fields.iter().map(|(value, field)| Ok((value.clone(), self.field(&key, table, field)?)));
                let fields: BTreeMap<String, FieldPath> = fields.collect::<Result<_>>()?;
                if let Some(default) = sort.default.as_ref().filter(|default| !fields.contains_key(*default)) {
                    let valid: Vec<&str> = fields.keys().map(String::as_str).collect();
                    return Err(unknown(
                        self.file,
                        &format!("{}.{key}.sort_by.default", self.key),
                        "value",
                        default,
                        valid,
                    ));
                }
                Parameter::SortBy { fields, default: sort.default.clone() }
            }
            ParameterSpec::SortOrder(order) => Parameter::SortOrder { default: order.default },
            ParameterSpec::Page => Parameter::Page,
            ParameterSpec::PerPage(size) | ParameterSpec::Limit(size) => {
                if size.default == 0 || size.default > size.maximum {
                    return Err(self.mistake(&key, "expected a `default` from 1 to `maximum`"));
                }
                Parameter::PageSize(*size)
            }
            ParameterSpec::Offset => Parameter::Offset,
            ParameterSpec::Ignore => Parameter::Ignore,
        })
    }

    fn default_sort(&self, target: &Target) -> Result<Option<(FieldPath, Direction)>> {
        let (Some(text), Target::Rows(table)) = (&self.spec.default_sort, target) else { return Ok(None) };
        let (field, direction) = match text.split_once(' ') {
            None => (text.as_str(), Direction::Asc),
            Some((field, "asc")) => (field, Direction::Asc),
            Some((field, "desc")) => (field, Direction::Desc),
            Some(_) => {
                return Err(
                    self.mistake("default_sort", format!("expected `FIELD asc` or `FIELD desc`, found `{text}`"))
                );
            }
        };
        Ok(Some((self.field("default_sort", *table, field)?, direction)))
    }

    fn check_response(
        &self,
        target: &Target,
        placeholders: &[(String, Placeholder)],
        parameters: &BTreeMap<String, Parameter>,
    ) -> Result<()> {
        let response = &self.spec.response;
        let has = |role: fn(&Parameter) -> bool| parameters.values().any(role);
        let needed = match response.pagination {
            PaginationStyle::LinkHeader | PaginationStyle::PageNumber
                if !has(|role| matches!(role, Parameter::Page)) =>
            {
                "page"
            }
            PaginationStyle::Offset if !has(|role| matches!(role, Parameter::Offset)) => "offset",
            _ if response.pagination != PaginationStyle::None
                && !has(|role| matches!(role, Parameter::PageSize(_))) =>
            {
                "per_page` or `limit"
            }
            _ => "",
        };
        if !needed.is_empty() {
            return Err(self
                .mistake("response.pagination", format!("expected a parameter with the role `{needed}`, found none")));
        }
        if let (true, Target::Rows(table)) = (response.single_entity, target) {
            let selects = |meaning: &Placeholder| matches!(meaning, Placeholder::Row(of, _) if of == table);
            if !placeholders.iter().any(|(_, meaning)| selects(meaning)) {
                let name = &self.tables.get(*table).name;
                return Err(self.mistake(
                    "response.single_entity",
                    format!("expected a placeholder that selects a row of `{name}`, found none"),
                ));
            }
        }
        if !response.extras.is_empty() && response.records_key.is_none() {
            return Err(self.mistake("response.extras", "expected `records_key` beside `extras`"));
        }
        if !(100..600).contains(&response.status) {
            return Err(
                self.mistake("response.status", format!("expected an HTTP status, found `{}`", response.status))
            );
        }
        Ok(())
    }
}

/// Whether a parameter has a role.
type IsRole = fn(&Parameter) -> bool;

/// The roles that one parameter at most may have.
const ROLES: [(&str, IsRole); 5] = [
    ("page", |parameter| matches!(parameter, Parameter::Page)),
    ("per_page", |parameter| matches!(parameter, Parameter::PageSize(_))),
    ("offset", |parameter| matches!(parameter, Parameter::Offset)),
    ("sort_by", |parameter| matches!(parameter, Parameter::SortBy { .. })),
    ("sort_order", |parameter| matches!(parameter, Parameter::SortOrder { .. })),
];
