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
    let mut paging = Paging { parameters, extras: Map::new(), style: None };
    match pagination {
        Pagination::Style(Style::None) => {}
        Pagination::Style(Style::LinkHeader) => paging.by_links("link_header"),
        Pagination::Style(Style::PageNumber) => paging.ask(Some(PAGE), None, json!("page")),
        Pagination::Style(Style::Odata) => {
            paging.ask(Some("$skiptoken"), None, json!({"cursor": {}}));
            paging.extras.insert("@odata.nextLink".to_owned(), json!("{next_url}"));
            paging.style = Some("next_url");
        }
        Pagination::Detailed(detailed) => paging.add(detailed),
    }
    response.extend(paging.style.map(|style| ("pagination".to_owned(), json!(style))));
    if !paging.extras.is_empty() {
        response.insert("extras".to_owned(), Json::Object(paging.extras));
    }
}

/// The parameter of pages that are numbered, where the definition does not name one.
const PAGE: &str = "page";

/// What an endpoint says of the pages of its list.
struct Paging<'p> {
    parameters: &'p mut Map<String, Json>,
    extras: Map<String, Json>,
    style: Option<&'static str>,
}

impl Paging<'_> {
    fn add(&mut self, detailed: &Detailed) {
        match detailed {
            Detailed::LinkHeader(_) => self.by_links("link_header"),
            Detailed::PageNumber(number) => {
                let role = if number.first == Some(0) { "page_from_zero" } else { "page" };
                let usual = number.body.is_none().then_some(PAGE);
                self.ask(number.param.as_deref().or(usual), number.body.as_deref(), json!(role));
                self.tell(number.total_pages.as_ref(), "pages");
                self.tell(number.total_records.as_ref(), "total");
                self.tell_end(number.more.as_ref(), number.end.as_ref());
            }
            Detailed::Offset(offset) => {
                self.ask(offset.param.as_deref(), offset.body.as_deref(), json!("offset"));
                self.tell(offset.total_records.as_ref(), "total");
                self.tell_end(offset.more.as_ref(), offset.end.as_ref());
            }
            Detailed::Cursor(cursor) => {
                self.ask(cursor.param.as_deref(), cursor.body.as_deref(), json!({"cursor": {}}));
                self.tell(Some(&cursor.next), "next_cursor");
                self.tell_end(cursor.more.as_ref(), cursor.end.as_ref());
            }
            Detailed::NextUrl(next) => {
                self.by_links("next_url");
                self.tell(Some(&next.next), "next_url");
            }
            Detailed::LastRecord(last) => {
                self.ask(last.param.as_deref(), last.body.as_deref(), json!("after_row"));
                self.tell_end(last.more.as_ref(), last.end.as_ref());
            }
        }
    }

    fn by_links(&mut self, style: &'static str) {
        self.ask(Some(PAGE), None, json!("page"));
        self.style = Some(style);
    }

    fn ask(&mut self, param: Option<&str>, body: Option<&str>, role: Json) {
        if let Some(name) = param.or(body) {
            self.parameters.insert(name.to_owned(), role);
        }
    }

    fn tell(&mut self, place: Option<&ValuePlace>, name: &str) {
        if let Some(ValuePlace::Body(path)) = place
            && let Some(key) = plain_key(&path.to_string())
        {
            self.extras.insert(key, json!(format!("{{{name}}}")));
        }
    }

    fn tell_end(&mut self, more: Option<&ValuePlace>, end: Option<&ValuePlace>) {
        self.tell(more, "has_more");
        self.tell(end, "at_end");
    }
}

/// `$.data.items` as a simulator writes it; nothing for the whole page, and for what is not keys alone.
fn plain_key(path: &str) -> Option<String> {
    let key = path.strip_prefix("$.")?;
    (!key.contains(['[', '?', '*'])).then(|| key.to_owned())
}
