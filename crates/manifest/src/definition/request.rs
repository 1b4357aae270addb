//! A request, as the source's documentation describes it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Template;

/// A request. Short form: the path of a GET request.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Request {
    /// The path of a GET request.
    Get(Template),
    /// A request in full.
    Full(FullRequest),
}

/// A request in full.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FullRequest {
    /// `get` by default.
    #[serde(default)]
    pub method: Method,
    /// The path below `base_url`, beginning with `/`. Each `{{ … }}` in it is percent-encoded: a value cannot change the
    /// path's shape.
    pub path: Template,
    /// Query parameters; one whose template gives nothing is left out. A list gives the parameter several times:
    /// `{"expand[]": [data.customer, data.invoice]}`.
    #[serde(default)]
    pub params: BTreeMap<String, Param>,
    /// Headers, besides those of `http.headers`; one whose template gives nothing is left out.
    #[serde(default)]
    pub headers: BTreeMap<String, Template>,
    /// The body as JSON, with templates in its strings. A string that is one `{{ … }}` alone becomes what it gives: a
    /// number, a list.
    pub body: Option<serde_json::Value>,
    /// The body as a form, instead of `body`; a field whose template gives nothing is left out.
    #[serde(default)]
    pub form: BTreeMap<String, Template>,
}

/// The value of a query parameter.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Param {
    /// One value; a template that gives a list gives several.
    One(Template),
    /// Several values.
    Many(Vec<Template>),
}

impl Param {
    /// The templates of its values.
    pub fn templates(&self) -> &[Template] {
        match self {
            Self::One(template) => std::slice::from_ref(template),
            Self::Many(templates) => templates,
        }
    }
}

/// The method of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// GET
    #[default]
    Get,
    /// POST; of a read it is a search, which may be sent again.
    Post,
    /// PUT, to write.
    Put,
    /// PATCH, to write.
    Patch,
    /// DELETE, to write.
    Delete,
}

impl Request {
    /// The request in full.
    pub fn full(&self) -> FullRequest {
        match self {
            Self::Full(request) => request.clone(),
            Self::Get(path) => FullRequest {
                method: Method::Get,
                path: path.clone(),
                params: BTreeMap::new(),
                headers: BTreeMap::new(),
                body: None,
                form: BTreeMap::new(),
            },
        }
    }
}
