//! A described request, filled in.

use lakeflow_http::{Method, Request};
use lakeflow_interface::Result;
use serde_json::Value as Json;

use crate::definition::{self, FullRequest};
use crate::template::{self, Scope};

/// Fills in the templates of a request; parameters and headers that come to nothing are left out.
pub(crate) fn request(described: &FullRequest, scope: &Scope) -> Result<Request> {
    let path = template::render_path(described.path.text(), scope)?;
    let mut request = match described.method {
        definition::Method::Get => Request::get(path),
        definition::Method::Post => Request::new(Method::POST, path).repeatable(),
    };
    for (name, value) in &described.params {
        let value = template::render(value.text(), scope)?;
        if !value.is_empty() {
            request = request.with_query(name, value);
        }
    }
    for (name, value) in &described.headers {
        let value = template::render(value.text(), scope)?;
        if !value.is_empty() {
            request = request.with_header(name, value);
        }
    }
    match &described.body {
        Some(body) => Ok(request.with_json(filled_in(body, scope)?)),
        None => Ok(request),
    }
}

fn filled_in(body: &Json, scope: &Scope) -> Result<Json> {
    Ok(match body {
        Json::String(text) => Json::String(template::render(text, scope)?),
        Json::Array(items) => items.iter().map(|item| filled_in(item, scope)).collect::<Result<_>>()?,
        Json::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| Ok((key.clone(), filled_in(value, scope)?)));
            Json::Object(entries.collect::<Result<_>>()?)
        }
        other => other.clone(),
    })
}
