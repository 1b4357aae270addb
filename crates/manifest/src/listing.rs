//! `Listing`: the records of a table that a request and its answer show.

use lakeflow_interface::records::Page;
use lakeflow_interface::{ColumnPath, Result};
use percent_encoding::percent_decode_str;

use crate::definition::{FullRequest, Method};
use crate::loaded::Definition;
use crate::plan::TablePlan;

/// A request that was sent once.
#[derive(Clone, Copy, Debug)]
pub struct SentRequest<'r> {
    /// The method.
    pub method: &'r str,
    /// The path, percent-encoded, from the root of the host.
    pub path: &'r str,
    /// The parameters of the query.
    pub query: &'r [(String, String)],
}

/// The records of a table that one answer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The table.
    pub table: String,
    /// The fields of the parent's row that the path names, and their values.
    pub parent: Vec<(ColumnPath, String)>,
    /// The records as JSON, as the source gives them.
    pub records: Vec<String>,
}

impl Definition {
    /// What a request and its answer show of tables: of those whose list it asks for, by method, path and the parameters
    /// that are always the same. Tables that are made from reports, or whose records are not simply listed, are left out.
    ///
    /// # Errors
    /// The answer is no JSON, or does not have the records where the definition says.
    pub fn listings(&self, request: SentRequest<'_>, answer: &str) -> Result<Vec<Listing>> {
        let fit = |plan: &TablePlan| {
            let values = match_path(&self.path_of(&plan.request), request.path)?;
            asks_for(&plan.request, request).then_some(values)
        };
        let tables = self.shared.tables.iter().filter(|(_, plan)| is_simply_listed(plan));
        let found: Vec<_> = tables.filter_map(|(name, plan)| Some((name, plan, fit(plan)?))).collect();
        // `/users/{{ options.id }}` also fits `/users/me`: what has the fewest placeholders is meant.
        let fewest = found.iter().map(|(_, _, values)| values.len()).min();
        let mut listings = Vec::new();
        for (name, plan, values) in found.into_iter().filter(|(_, _, values)| Some(values.len()) == fewest) {
            let page = Page::parse(answer)?;
            let places = plan.records.path.select(&page)?;
            listings.push(Listing {
                table: name.clone(),
                parent: parent_fields(plan, &values),
                records: places.into_iter().map(|place| page.at(place).raw().to_owned()).collect(),
            });
        }
        Ok(listings)
    }

    /// The path of a request from the root of the host, with its placeholders; what stands before it in `base_url` as far
    /// as that is known without a connection.
    pub fn path_of(&self, request: &FullRequest) -> String {
        let mut url = self.manifest().http.base_url.text().to_owned();
        for parameter in self.parameters() {
            if let Some(default) = &parameter.default {
                url = url.replace(&format!("{{{{ connection.{} }}}}", parameter.name), default);
            }
        }
        let behind_scheme = url.split_once("://").map_or("", |(_, rest)| rest);
        let base = behind_scheme.find('/').map_or("", |start| &behind_scheme[start..]);
        format!("{}{}", base.trim_end_matches('/'), request.path.text())
    }
}

/// Whether the records stand in the answer to the table's request, as the source gives them.
fn is_simply_listed(plan: &TablePlan) -> bool {
    let records = &plan.records;
    plan.table.job.is_none() && records.keyed_by.is_none() && records.columns.is_empty() && records.path.is_plain()
}

/// Whether a request is one of a table, apart from its path.
fn asks_for(request: &FullRequest, sent: SentRequest<'_>) -> bool {
    let method = match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
    };
    let has = |name: &str, value: &str| sent.query.iter().any(|(known, given)| known == name && given == value);
    let is_constant = |text: &str| !text.contains('{') && !text.is_empty();
    method == sent.method
        && request.params.iter().all(|(name, param)| {
            param.templates().iter().all(|template| !is_constant(template.text()) || has(name, template.text()))
        })
}

/// What the placeholders of a path's template stand for in a path: the text within the braces, and the value.
fn match_path(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let mut values = Vec::new();
    let (mut template, mut path) = (template, path);
    while let Some((literal, rest)) = template.split_once("{{") {
        let (inside, behind) = rest.split_once("}}")?;
        path = path.strip_prefix(literal)?;
        let next = behind.split("{{").next().unwrap_or_default();
        let end = path.find('/').unwrap_or(path.len());
        // What follows within the same segment ends the value.
        let suffix = next.split('/').next().unwrap_or_default();
        let value = path[..end].strip_suffix(suffix).filter(|value| !value.is_empty())?;
        values.push((inside.trim().to_owned(), percent_decode_str(value).decode_utf8_lossy().into_owned()));
        path = &path[value.len()..];
        template = behind;
    }
    (template == path).then_some(values)
}

fn parent_fields(plan: &TablePlan, values: &[(String, String)]) -> Vec<(ColumnPath, String)> {
    let Some(parent) = &plan.table.parent else { return Vec::new() };
    let named = values.iter().filter_map(|(inside, value)| {
        let column = parent.r#as.get(inside.strip_prefix("parent.")?)?;
        Some((column.clone(), value.clone()))
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_gives_the_values_of_its_placeholders() {
        let matched = |path| match_path("/v1/{{ options.a }}/x/{{ parent.b }}.json", path);
        assert_eq!(
            matched("/v1/m%20n/x/7.json"),
            Some(vec![("options.a".to_owned(), "m n".to_owned()), ("parent.b".to_owned(), "7".to_owned())])
        );
        for path in ["/v1/m/x/7", "/v1/m/x/.json", "/v1/m/n/x/7.json", "/v1/m/x/7.json/y", "/v2/m/x/7.json"] {
            assert_eq!(matched(path), None, "{path}");
        }
    }
}
