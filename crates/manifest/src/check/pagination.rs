//! Checks how lists are paged.

use lakeflow_http::Pagination;
use lakeflow_http::pagination::{Place, Signal, Target};

use super::{Checker, deeper};
use crate::definition::{self, Detailed, PageSize, Style};
use crate::path::JsonPath;

impl Checker<'_> {
    pub(super) fn paging(
        &mut self,
        path: &[&str],
        pagination: Option<&definition::Pagination>,
        size: Option<&PageSize>,
    ) {
        if let Some(size) = size.filter(|size| size.default > size.max) {
            let message = format!("expected at most `max`, which is {}, found `{}`", size.max, size.default);
            self.report(&deeper(&deeper(path, "page_size"), "default"), message);
        }
        let Some(definition::Pagination::Detailed(detailed)) = pagination else { return };
        let (style, key, place) = match detailed {
            Detailed::Cursor(cursor) => ("cursor", "next", Some(&cursor.next)),
            Detailed::NextUrl(next) => ("next_url", "next", Some(&next.next)),
            Detailed::LastRecord(last) => ("last_record", "more", last.more.as_ref()),
            _ => return,
        };
        if let Some(place) = place.filter(|place| !place.is_single()) {
            let message = format!("expected the path of one value, found `{place}`");
            self.report(&[path, &["pagination", style, key]].concat(), message);
        }
    }
}

/// How pages follow each other, in the words of the HTTP client.
pub(super) fn compile(pagination: Option<&definition::Pagination>) -> Pagination {
    let parameter = |name: &str| Target::Parameter(name.to_owned());
    let body = |path: &JsonPath| Place::Body(path.keys());
    let numbered = |param: &str, first| Pagination::PageNumber { into: parameter(param), first, total: None };
    match pagination {
        None | Some(definition::Pagination::Style(Style::None)) => Pagination::None,
        Some(definition::Pagination::Style(Style::LinkHeader)) => Pagination::LinkHeader { rel: "next".to_owned() },
        Some(definition::Pagination::Style(Style::PageNumber)) => numbered("page", 1),
        Some(definition::Pagination::Detailed(detailed)) => match detailed {
            Detailed::LinkHeader(link) => Pagination::LinkHeader { rel: link.rel.clone() },
            Detailed::PageNumber(page) => numbered(&page.param, page.first),
            Detailed::Offset(offset) => Pagination::Offset { into: parameter(&offset.param), first: 0, total: None },
            Detailed::Cursor(cursor) => {
                Pagination::Cursor { from: body(&cursor.next), into: parameter(&cursor.param), signal: None }
            }
            Detailed::NextUrl(next) => Pagination::NextUrl { from: body(&next.next), signal: None },
            Detailed::LastRecord(last) => Pagination::LastRecord {
                field: last.field.split('.').map(str::to_owned).collect(),
                into: parameter(&last.param),
                signal: last.more.as_ref().map(|more| Signal::More(body(more))),
            },
        },
    }
}

/// The query parameters that paging sets.
pub(super) fn parameters<'p>(pagination: &'p Pagination, size: Option<&'p PageSize>) -> Vec<(&'p str, &'static str)> {
    let target = match pagination {
        Pagination::PageNumber { into, .. }
        | Pagination::Offset { into, .. }
        | Pagination::Cursor { into, .. }
        | Pagination::LastRecord { into, .. } => Some(into),
        _ => None,
    };
    let paged = target.and_then(|target| match target {
        Target::Parameter(name) => Some((name.as_str(), "pagination")),
        Target::BodyField(_) => None,
    });
    paged.into_iter().chain(size.map(|size| (size.param.as_str(), "page_size"))).collect()
}
