//! A described request, filled in.

use lakeflow_http::{Method, Request};
use lakeflow_interface::{Error, ErrorKind, Result};
use minijinja::value::ValueKind;
use serde_json::Value as Json;

use crate::definition::{self, FullRequest, Template};
use crate::template::{self, Scope};

/// A described request that reads: sending it twice does no harm.
pub(crate) fn request(described: &FullRequest, scope: &Scope) -> Result<Request> {
    let request = request_once(described, scope)?;
    Ok(if described.method == definition::Method::Post { request.repeatable() } else { request })
}

/// Fills in the templates of a request; parameters, headers and fields that come to nothing are left out.
pub(crate) fn request_once(described: &FullRequest, scope: &Scope) -> Result<Request> {
    let path = template::render_path(described.path.text(), scope)?;
    let mut request = match described.method {
        definition::Method::Get => Request::get(path),
        definition::Method::Post => Request::new(Method::POST, path),
        definition::Method::Put => Request::new(Method::PUT, path),
        definition::Method::Patch => Request::new(Method::PATCH, path),
        definition::Method::Delete => Request::new(Method::DELETE, path),
    };
    for (name, param) in &described.params {
        for value in values(param.templates(), scope)? {
            request = request.with_query(name, value);
        }
    }
    for (name, value) in &described.headers {
        let value = template::render(value.text(), scope)?;
        if !value.is_empty() {
            request = request.with_header(name, value);
        }
    }
    if let Some(body) = &described.body {
        return Ok(request.with_json(filled_in(body, scope)?));
    }
    if described.form.is_empty() {
        return Ok(request);
    }
    let fields = described.form.iter().map(|(name, value)| Ok((name.clone(), template::render(value.text(), scope)?)));
    let fields: Vec<(String, String)> = fields.collect::<Result<_>>()?;
    Ok(request.with_form(fields.into_iter().filter(|(_, value)| !value.is_empty()).collect()))
}

/// The values of a parameter; a template that gives a list gives several.
fn values(templates: &[Template], scope: &Scope) -> Result<Vec<String>> {
    let mut values = Vec::new();
    for template in templates {
        let value = template::evaluate(template.text(), scope)?;
        match value.kind() {
            ValueKind::Seq | ValueKind::Iterable => {
                values.extend(value.try_iter().into_iter().flatten().map(|item| item.to_string()))
            }
            _ => values.push(template::render(template.text(), scope)?),
        }
    }
    values.retain(|value| !value.is_empty());
    Ok(values)
}

fn filled_in(body: &Json, scope: &Scope) -> Result<Json> {
    Ok(match body {
        Json::String(text) if text.contains('{') => {
            let value = template::evaluate(text, scope)?;
            serde_json::to_value(&value).map_err(|error| {
                Error::new(ErrorKind::Configuration, format!("the template `{text}` does not give JSON"))
                    .with_cause(error)
            })?
        }
        Json::Array(items) => items.iter().map(|item| filled_in(item, scope)).collect::<Result<_>>()?,
        Json::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| Ok((key.clone(), filled_in(value, scope)?)));
            Json::Object(entries.collect::<Result<_>>()?)
        }
        other => other.clone(),
    })
}
