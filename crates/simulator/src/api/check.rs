//! Whether what an endpoint says of its answers goes together.

use lakeflow_interface::Result;

use super::endpoint::{Endpoint, EndpointCompiler, Placeholder, Target};
use super::parameter::Parameter;
use crate::definition::{Action, PaginationStyle};

/// Checks a compiled endpoint.
pub(super) fn check(endpoint: &Endpoint, compiler: &EndpointCompiler<'_>) -> Result<()> {
    let response = &endpoint.response;
    if let Some(needed) = missing_role(endpoint) {
        let message = format!("expected a parameter with the role `{needed}`, found none");
        return Err(compiler.mistake("response.pagination", message));
    }
    if let Target::Rows(table) = endpoint.target {
        let selects = |meaning: &Placeholder| matches!(meaning, Placeholder::Row(of, _) if *of == table);
        let selected = endpoint.placeholders.iter().any(|(_, meaning)| selects(meaning));
        let key = match endpoint.action {
            Action::Read if response.single_entity => "response.single_entity",
            Action::Update | Action::Delete => "action",
            _ => "",
        };
        if !key.is_empty() && !selected {
            let name = &compiler.tables.get(table).name;
            let message = format!("expected a placeholder that selects a row of `{name}`, found none");
            return Err(compiler.mistake(key, message));
        }
    } else if endpoint.action != Action::Read {
        return Err(compiler.mistake("action", "expected a `corpus` beside `action`"));
    }
    let has_extras =
        [&response.extras, &response.extras_if_more, &response.extras_at_end].iter().any(|extras| !extras.is_empty());
    if has_extras && response.records_key.is_none() && response.columns.is_empty() {
        return Err(compiler.mistake("response.extras", "expected `records_key` beside `extras`"));
    }
    if !(100..600).contains(&response.status) {
        let message = format!("expected an HTTP status, found `{}`", response.status);
        return Err(compiler.mistake("response.status", message));
    }
    Ok(())
}

/// The role of a parameter without which the endpoint's pages could not be found.
fn missing_role(endpoint: &Endpoint) -> Option<&'static str> {
    let has = |role: fn(&Parameter) -> bool| endpoint.parameters.values().any(role);
    let page = has(|role| matches!(role, Parameter::Page { .. }));
    let offset = has(|role| matches!(role, Parameter::Offset));
    let cursor = has(|role| matches!(role, Parameter::Cursor(_)));
    let row = has(|role| matches!(role, Parameter::AfterRow));
    let sized = has(|role| matches!(role, Parameter::PageSize(_))) || endpoint.response.page_size.is_some();
    match endpoint.response.pagination {
        PaginationStyle::None => None,
        PaginationStyle::LinkHeader if !page && !cursor => Some("page` or `cursor"),
        PaginationStyle::PageNumber if !page => Some("page"),
        PaginationStyle::Offset if !offset => Some("offset"),
        PaginationStyle::Cursor if !cursor && !row => Some("cursor` or `after_row"),
        PaginationStyle::NextUrl if !page && !offset && !cursor => Some("page`, `offset` or `cursor"),
        _ if !sized => Some("per_page` or `limit"),
        _ => None,
    }
}
