//! A skeleton of `endpoints.yaml`, as far as it follows from the definition of a source.

use std::fmt::Write;

use lakeflow_interface::CursorOrder;
use lakeflow_manifest::Definition;
use lakeflow_manifest::definition::{
    ApiKeyPlace, Auth, Detailed, FullBound, FullRequest, Method, PageSize, Pagination, Scheme, Style, Table, ValuePlace,
};
use serde_json::{Map, Value as Json, json};

/// The endpoints that list some tables.
pub(super) fn skeleton<'t>(definition: &Definition, tables: impl Iterator<Item = &'t str>) -> String {
    let mut text = "# Made from the definition; every key is explained in docs/guides/simulator.md.\n".to_owned();
    text.push_str(&auth(definition));
    text.push_str("\nendpoints:\n");
    for name in tables {
        if let Some(table) = definition.manifest().tables.get(name) {
            text.push_str(&endpoint(definition, name, table));
        }
    }
    text
}

/// The credentials that requests carry.
fn auth(definition: &Definition) -> String {
    let connection = &definition.manifest().connection;
    let methods = connection.auth_methods.iter().flat_map(|methods| methods.values().map(|method| &method.auth));
    let kinds: Vec<Json> = connection.auth.iter().chain(methods).filter_map(kind_of_auth).collect();
    if kinds.is_empty() { String::new() } else { format!("auth: {}\n", json!(kinds)) }
}

fn kind_of_auth(auth: &Auth) -> Option<Json> {
    let Auth::Scheme(scheme) = auth else { return None };
    match scheme.as_ref() {
        Scheme::Bearer(_) => Some(json!("bearer")),
        Scheme::Basic { .. } => Some(json!("basic")),
        Scheme::ApiKey(key) => key.place().map(|place| match place {
            ApiKeyPlace::Header(name) => json!({"api_key_header": name}),
            ApiKeyPlace::Query(name) => json!({"api_key_query": name}),
        }),
        // How they are given out is an endpoint of its own.
        Scheme::OAuth2(_) | Scheme::Jwt(_) | Scheme::Session(_) => Some(json!("issued_bearer")),
    }
}

fn endpoint(definition: &Definition, name: &str, table: &Table) -> String {
    let http = &definition.manifest().http;
    let request = table.request.full();
    let pagination = table.pagination.as_ref().or(http.pagination.as_ref());
    let page_size = table.page_size.as_ref().or(http.page_size.as_ref());
    let (path, path_parameters) = path(&definition.path_of(&request), table);
    let mut text = String::new();
    let mut line = |key: &str, value: &Json| {
        let lead = if key == "path" { "  - " } else { "    " };
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{lead}{key}: {value}");
    };
    line("path", &json!(path));
    if request.method == Method::Post {
        line("method", &json!("POST"));
    }
    line("corpus", &json!(name));
    if !path_parameters.is_empty() {
        line("path_parameters", &json!(path_parameters));
    }
    if let Some((cursor, order)) = table.cursor_field.as_ref().zip(table.incremental.as_ref().map(|i| i.order)) {
        match order {
            CursorOrder::Ascending => line("default_sort", &json!(format!("{cursor} asc"))),
            CursorOrder::Descending => line("default_sort", &json!(format!("{cursor} desc"))),
            CursorOrder::None => {}
        }
    }
    let (mut parameters, mut response) = (parameters(&request, table), Map::new());
    if let Some(size) = page_size {
        add_page_size(size, &mut parameters);
    }
    if let Some(pagination) = pagination {
        add_pagination(pagination, &mut parameters, &mut response);
    }
    if let Some(key) = plain_key(&table.records.full().path.to_string()) {
        response.insert("records_key".to_owned(), json!(key));
    }
    if !parameters.is_empty() {
        line("parameters", &json!(parameters));
    }
    if !response.is_empty() {
        line("response", &json!(response));
    }
    text
}

/// A path with the placeholders of a simulator, and what they mean.
fn path(template: &str, table: &Table) -> (String, Map<String, Json>) {
    let mut path = String::new();
    let mut parameters = Map::new();
    let mut rest = template;
    while let Some((literal, inside, behind)) = rest
        .split_once("{{")
        .and_then(|(literal, rest)| rest.split_once("}}").map(|(inside, rest)| (literal, inside, rest)))
    {
        let name = inside.split('|').next().unwrap_or(inside).trim();
        let (root, name) = name.split_once('.').unwrap_or(("", name));
        let field =
            table.parent.as_ref().filter(|_| root == "parent").and_then(|parent| {
                Some(json!({"row": {"of": parent.table, "field": parent.r#as.get(name)?.to_string()}}))
            });
        let _ = write!(path, "{literal}{{{name}}}");
        parameters.insert(name.to_owned(), field.unwrap_or_else(|| json!("any")));
        rest = behind;
    }
    path.push_str(rest);
    (path, parameters)
}

/// The parameters of a request: bounds select by the cursor, of others nothing is known.
fn parameters(request: &FullRequest, table: &Table) -> Map<String, Json> {
    let mut parameters: Map<String, Json> = request.params.keys().map(|name| (name.clone(), json!("ignore"))).collect();
    let (Some(incremental), Some(cursor)) = (&table.incremental, &table.cursor_field) else { return parameters };
    let bounds = [(&incremental.from, "gt"), (&incremental.to, "lt")];
    for (bound, operator) in bounds.into_iter().filter_map(|(bound, operator)| Some((bound.as_ref()?.full(), operator)))
    {
        let FullBound { param, body, inclusive, .. } = bound;
        let operator = if inclusive { format!("{operator}e") } else { operator.to_owned() };
        if let Some(name) = param.or(body) {
            parameters.insert(name, json!({"filter": {"field": cursor.to_string(), "op": operator}}));
        }
    }
    parameters
}

fn add_page_size(size: &PageSize, parameters: &mut Map<String, Json>) {
    if let Some(name) = size.param.as_ref().or(size.body.as_ref()) {
        let role = json!({"per_page": {"default": size.default, "maximum": size.max}});
        parameters.insert(name.clone(), role);
    }
}

/// How a list goes on: the parameter that asks for the next page, and what an answer tells of it.
fn add_pagination(pagination: &Pagination, parameters: &mut Map<String, Json>, response: &mut Map<String, Json>) {
    let mut extras = Map::new();
    let mut tell = |place: Option<&ValuePlace>, name: &str| {
        if let Some(ValuePlace::Body(path)) = place
            && let Some(key) = plain_key(&path.to_string())
        {
            extras.insert(key, json!(format!("{{{name}}}")));
        }
    };
    let mut ask = |param: Option<&String>, body: Option<&String>, role: Json| {
        if let Some(name) = param.or(body) {
            parameters.insert(name.clone(), role);
        }
    };
    let page = "page".to_owned();
    let mut style = None;
    match pagination {
        Pagination::Style(Style::None) => {}
        Pagination::Style(Style::LinkHeader) => {
            ask(Some(&page), None, json!("page"));
            style = Some("link_header");
        }
        Pagination::Style(Style::PageNumber) => ask(Some(&page), None, json!("page")),
        Pagination::Style(Style::Odata) => {
            ask(Some(&"$skiptoken".to_owned()), None, json!({"cursor": {}}));
            extras.insert("@odata.nextLink".to_owned(), json!("{next_url}"));
            style = Some("next_url");
        }
        Pagination::Detailed(detailed) => match detailed.as_ref() {
            Detailed::LinkHeader(_) => {
                ask(Some(&page), None, json!("page"));
                style = Some("link_header");
            }
            Detailed::PageNumber(number) => {
                let role = if number.first == Some(0) { "page_from_zero" } else { "page" };
                let usual = number.body.is_none().then_some(&page);
                ask(number.param.as_ref().or(usual), number.body.as_ref(), json!(role));
                tell(number.total_pages.as_ref(), "pages");
                tell(number.total_records.as_ref(), "total");
                tell(number.more.as_ref(), "has_more");
                tell(number.end.as_ref(), "at_end");
            }
            Detailed::Offset(offset) => {
                ask(offset.param.as_ref(), offset.body.as_ref(), json!("offset"));
                tell(offset.total_records.as_ref(), "total");
                tell(offset.more.as_ref(), "has_more");
                tell(offset.end.as_ref(), "at_end");
            }
            Detailed::Cursor(cursor) => {
                ask(cursor.param.as_ref(), cursor.body.as_ref(), json!({"cursor": {}}));
                tell(Some(&cursor.next), "next_cursor");
                tell(cursor.more.as_ref(), "has_more");
                tell(cursor.end.as_ref(), "at_end");
            }
            Detailed::NextUrl(next) => {
                ask(Some(&page), None, json!("page"));
                tell(Some(&next.next), "next_url");
                style = Some("next_url");
            }
            Detailed::LastRecord(last) => {
                ask(last.param.as_ref(), last.body.as_ref(), json!("after_row"));
                tell(last.more.as_ref(), "has_more");
                tell(last.end.as_ref(), "at_end");
            }
        },
    }
    response.extend(style.map(|style| ("pagination".to_owned(), json!(style))));
    if !extras.is_empty() {
        response.insert("extras".to_owned(), Json::Object(extras));
    }
}

/// `$.data.items` as a simulator writes it; nothing for the whole page, and for what is not keys alone.
fn plain_key(path: &str) -> Option<String> {
    let key = path.strip_prefix("$.")?;
    (!key.contains(['[', '?', '*'])).then(|| key.to_owned())
}
