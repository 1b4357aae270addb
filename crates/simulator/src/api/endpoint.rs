//! One endpoint, compiled: what its placeholders and parameters mean for which fields.

use std::collections::BTreeMap;

use lakeflow_interface::Result;

use super::parameter::{Parameter, ROLES};
use super::path::PathPattern;
use crate::definition::{
    Action, Direction, EndpointSpec, EndpointsFile, JobSpec, Json, Method, PathParameterSpec, ResponseSpec, Show,
    TokenSpec, WriteSpec, mistake, unknown,
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
    pub(crate) action: Action,
    pub(crate) write: WriteSpec,
    /// What a write or the start of a job answers instead of the row.
    pub(crate) body: Option<Json>,
    pub(crate) is_public: bool,
    pub(crate) show: Show,
    pub(crate) placeholders: Vec<(String, Placeholder)>,
    pub(crate) parameters: BTreeMap<String, Parameter>,
    pub(crate) strict: bool,
    pub(crate) default_sort: Option<(FieldPath, Direction)>,
    pub(crate) response: ResponseSpec,
    /// Fields of the page's first and last row that the body names: `first.id`, `last.updated_at`.
    pub(crate) page_fields: Vec<PageField>,
}

/// A field of the first or the last row of a page.
#[derive(Debug)]
pub(crate) struct PageField {
    /// The name as written, as `last.updated_at`.
    pub(crate) name: String,
    pub(crate) is_last: bool,
    pub(crate) field: FieldPath,
}

/// What an endpoint serves.
#[derive(Debug)]
pub(crate) enum Target {
    /// Rows of a table.
    Rows(usize),
    /// A fixed body.
    Body(Json),
    /// A token.
    Token(TokenSpec),
    /// The start of a report, with the number of times that it is not ready yet.
    Start { pending: u64, table: Option<usize> },
    /// How far a report is.
    Poll { pending: Json, pending_status: u16, body: Json },
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
    /// It identifies a report.
    Job,
    /// Anything will do.
    Any,
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
        super::check_headers(file, &format!("{key}.response.headers"), &spec.response.headers)?;
        let endpoint = Self {
            name: format!("{} {}", spec.method.as_str(), spec.path),
            pattern,
            method: spec.method,
            action: spec.action,
            write: spec.write.clone(),
            body: spec.body.clone(),
            is_public: spec.authenticated.map_or(spec.token.is_some(), |authenticated| !authenticated),
            show: spec.rows,
            default_sort: compiler.default_sort(&target)?,
            page_fields: compiler.page_fields(&target)?,
            target,
            placeholders,
            parameters,
            strict: spec.strict.unwrap_or(api.strict),
            response: spec.response.clone(),
        };
        super::check::check(&endpoint, &compiler)?;
        Ok(endpoint)
    }

    /// The table whose rows are served, or asked for by a report.
    pub(crate) fn table(&self) -> Option<usize> {
        match self.target {
            Target::Rows(table) | Target::Start { table: Some(table), .. } => Some(table),
            _ => None,
        }
    }

    /// The name of the parameter that has a role.
    pub(crate) fn parameter(&self, is_role: impl Fn(&Parameter) -> bool) -> Option<&str> {
        self.parameters.iter().find(|(_, parameter)| is_role(parameter)).map(|(name, _)| name.as_str())
    }
}

/// Compiles one endpoint.
pub(super) struct EndpointCompiler<'a> {
    file: &'a str,
    key: &'a str,
    pub(super) spec: &'a EndpointSpec,
    api: &'a EndpointsFile,
    pub(super) tables: &'a Tables,
}

impl EndpointCompiler<'_> {
    /// A mistake at a key of this endpoint.
    pub(super) fn mistake(&self, key: &str, message: impl Into<String>) -> lakeflow_interface::Error {
        mistake(self.file, &format!("{}.{key}", self.key), message).with_context("path", &self.spec.path)
    }

    /// The table of a corpus.
    pub(super) fn table(&self, key: &str, name: &str) -> Result<usize> {
        self.tables.find(name).ok_or_else(|| {
            let names: Vec<&str> = self.tables.iter().map(|table| table.name.as_str()).collect();
            unknown(self.file, &format!("{}.{key}", self.key), "corpus", name, names)
        })
    }

    /// A field of a table.
    pub(super) fn field(&self, key: &str, table: usize, path: &str) -> Result<FieldPath> {
        let place = |error: lakeflow_interface::Error| {
            error.with_context("file", self.file).with_context("key", format!("{}.{key}", self.key))
        };
        self.tables.field(table, path).map_err(place)
    }

    /// A name that does not exist.
    pub(super) fn unknown<'n>(
        &self,
        key: &str,
        what: &str,
        name: &str,
        valid: impl IntoIterator<Item = &'n str> + Clone,
    ) -> lakeflow_interface::Error {
        unknown(self.file, &format!("{}.{key}", self.key), what, name, valid)
    }

    fn target(&self) -> Result<Target> {
        let table = self.spec.corpus.as_ref().map(|corpus| self.table("corpus", corpus)).transpose()?;
        let body = self.spec.body.clone();
        match (&self.spec.token, &self.spec.job, table, body) {
            (Some(token), None, None, _) => Ok(Target::Token(token.clone())),
            (None, Some(JobSpec::Start { pending }), table, Some(_)) => Ok(Target::Start { pending: *pending, table }),
            (None, Some(JobSpec::Poll { pending, pending_status }), None, Some(body)) => {
                Ok(Target::Poll { pending: pending.clone(), pending_status: *pending_status, body })
            }
            (None, Some(_), _, _) => {
                Err(self.mistake("job", "expected a `body` beside `job`, and `corpus` at `start` only"))
            }
            (Some(_), _, _, _) => Err(self.mistake("token", "expected neither `corpus` nor `job` beside `token`")),
            (None, None, Some(table), body) if body.is_none() || self.spec.action != Action::Read => {
                Ok(Target::Rows(table))
            }
            (None, None, None, Some(body)) => Ok(Target::Body(body)),
            _ => Err(self.mistake("corpus", "expected either `corpus` or `body`")),
        }
    }

    /// The fields of a page's first and last row that the body names.
    fn page_fields(&self, target: &Target) -> Result<Vec<PageField>> {
        let Target::Rows(table) = target else { return Ok(Vec::new()) };
        let response = &self.spec.response;
        let mut texts = Vec::new();
        for extra in [&response.extras, &response.extras_if_more, &response.extras_at_end].into_iter().flatten() {
            collect_texts(extra.1, &mut texts);
        }
        let mut fields = Vec::new();
        let names = texts.iter().flat_map(|text| text.split('{').skip(1).filter_map(|part| part.split_once('}')));
        for (name, _) in names {
            let name = name.strip_suffix(":text").unwrap_or(name);
            let Some((end @ ("first" | "last"), path)) = name.split_once('.') else { continue };
            let field = self.field("response.extras", *table, path)?;
            fields.push(PageField { name: name.to_owned(), is_last: end == "last", field });
        }
        Ok(fields)
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
            _ if matches!(spec, PathParameterSpec::Any) => return Ok(Placeholder::Any),
            _ if matches!(spec, PathParameterSpec::Job) => return Ok(Placeholder::Job),
            _ => return Err(self.mistake(&key, "a fixed body has no rows to select: expected `any`")),
        };
        match spec {
            PathParameterSpec::Any => Ok(Placeholder::Any),
            PathParameterSpec::Job => Ok(Placeholder::Job),
            PathParameterSpec::Filter(field) => Ok(Placeholder::Filter(self.field(&key, table, field)?)),
            PathParameterSpec::Row(selector) => {
                let ancestors: Vec<usize> =
                    std::iter::successors(Some(table), |table| Some(self.tables.get(*table).parent?.table)).collect();
                let Some(of) = ancestors.iter().copied().find(|table| self.tables.get(*table).name == selector.of)
                else {
                    let valid: Vec<&str> =
                        ancestors.iter().map(|table| self.tables.get(*table).name.as_str()).collect();
                    let what = "corpus or parent of this endpoint";
                    return Err(self.unknown(&format!("{key}.row.of"), what, &selector.of, valid).with_hint(format!(
                        "rows of `{}` stand below others where their corpus says `\"parent\": \"{}\"`",
                        self.tables.get(table).name,
                        selector.of
                    )));
                };
                Ok(Placeholder::Row(of, self.field(&key, of, &selector.field)?))
            }
        }
    }

    fn parameters(&self, target: &Target) -> Result<BTreeMap<String, Parameter>> {
        let mut parameters = BTreeMap::new();
        let (Target::Rows(table) | Target::Start { table: Some(table), .. }) = target else {
            for name in self.spec.parameters.keys() {
                parameters.insert(name.clone(), Parameter::Ignore);
            }
            return Ok(parameters);
        };
        let lists = !self.spec.response.single_entity && self.spec.action == Action::Read;
        let overridden = |name: &String| self.spec.parameters.contains_key(name);
        let common = self.api.parameters.iter().filter(|(name, _)| lists && !overridden(name));
        for (name, spec) in common.chain(&self.spec.parameters) {
            parameters.insert(name.clone(), Parameter::compile(self, name, spec, *table)?);
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
}

/// The strings of a template.
fn collect_texts<'j>(json: &'j Json, texts: &mut Vec<&'j str>) {
    match json {
        Json::Text(text) => texts.push(text),
        Json::List(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        Json::Object(fields) => fields.iter().for_each(|(_, value)| collect_texts(value, texts)),
        _ => {}
    }
}
