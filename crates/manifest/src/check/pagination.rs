//! Checks how lists are paged.

use lakeflow_http::Pagination;
use lakeflow_http::pagination::{Place, Signal, Target, Total};

use super::{Checker, deeper};
use crate::definition::{self, Detailed, PageNumber, PageSize, Style, ValuePlace};

impl Checker<'_> {
    pub(super) fn paging(
        &mut self,
        path: &[&str],
        pagination: Option<&definition::Pagination>,
        size: Option<&PageSize>,
    ) {
        if let Some(size) = size {
            self.page_size(&deeper(path, "page_size"), size);
        }
        let Some(definition::Pagination::Detailed(detailed)) = pagination else { return };
        let (style, targets, places) = details(detailed);
        let path = [path, &["pagination", style]].concat();
        let given = targets.iter().filter(|(_, target)| target.is_some()).count();
        if given > 1 {
            let words: Vec<String> = targets.iter().map(|(word, _)| format!("`{word}`")).collect();
            self.report(&path, format!("expected one of {}, found {given}", words.join(", ")));
        } else if given == 0 && !targets.is_empty() && style != "page_number" {
            let words: Vec<String> = targets.iter().map(|(word, _)| format!("`{word}`")).collect();
            self.report(&path, format!("expected one of {}, found none", words.join(", ")));
        }
        for (word, place) in places {
            self.value_place(&deeper(&path, word), place);
        }
    }

    /// A place of one value, by keys only.
    pub(super) fn value_place(&mut self, path: &[&str], place: Option<&ValuePlace>) {
        if let Some(ValuePlace::Body(place)) = place
            && !place.is_plain()
        {
            self.report(path, format!("expected the path of one value, found `{place}`"));
        }
    }

    pub(super) fn page_size(&mut self, path: &[&str], size: &PageSize) {
        if size.param.is_some() == size.body.is_some() {
            self.report(path, "expected one of `param` and `body`");
        }
        if size.default > size.max {
            let message = format!("expected at most `max`, which is {}, found `{}`", size.max, size.default);
            self.report(&deeper(path, "default"), message);
        }
    }
}

type Targets<'d> = Vec<(&'static str, Option<&'d String>)>;
type Places<'d> = Vec<(&'static str, Option<&'d ValuePlace>)>;

/// The name of a style, the words that say where the next request takes a value, and those that say where a page has one.
fn details(detailed: &Detailed) -> (&'static str, Targets<'_>, Places<'_>) {
    match detailed {
        Detailed::LinkHeader(_) => ("link_header", Vec::new(), Vec::new()),
        Detailed::PageNumber(page) => (
            "page_number",
            vec![("param", page.param.as_ref()), ("body", page.body.as_ref())],
            vec![
                ("total_pages", page.total_pages.as_ref()),
                ("total_records", page.total_records.as_ref()),
                ("granted_size", page.granted_size.as_ref()),
                ("more", page.more.as_ref()),
                ("end", page.end.as_ref()),
            ],
        ),
        Detailed::Offset(offset) => (
            "offset",
            vec![("param", offset.param.as_ref()), ("body", offset.body.as_ref())],
            vec![
                ("total_records", offset.total_records.as_ref()),
                ("granted_size", offset.granted_size.as_ref()),
                ("more", offset.more.as_ref()),
                ("end", offset.end.as_ref()),
            ],
        ),
        Detailed::Cursor(cursor) => (
            "cursor",
            vec![("param", cursor.param.as_ref()), ("body", cursor.body.as_ref()), ("header", cursor.header.as_ref())],
            vec![("next", Some(&cursor.next)), ("more", cursor.more.as_ref()), ("end", cursor.end.as_ref())],
        ),
        Detailed::NextUrl(next) => (
            "next_url",
            Vec::new(),
            vec![("next", Some(&next.next)), ("more", next.more.as_ref()), ("end", next.end.as_ref())],
        ),
        Detailed::LastRecord(last) => (
            "last_record",
            vec![("param", last.param.as_ref()), ("body", last.body.as_ref())],
            vec![("more", last.more.as_ref()), ("end", last.end.as_ref())],
        ),
    }
}

/// Where a response has a value, in the words of the HTTP client.
pub(crate) fn place(place: &ValuePlace) -> Place {
    match place {
        ValuePlace::Body(path) => Place::Body(path.keys()),
        ValuePlace::Header(place) => Place::Header(place.header.clone()),
    }
}

/// Where a request takes a value: a parameter, unless it is a field of the body or a header.
pub(crate) fn target(param: Option<&String>, body: Option<&String>, header: Option<&String>) -> Option<Target> {
    match (param, body, header) {
        (Some(name), ..) => Some(Target::Parameter(name.clone())),
        (None, Some(field), _) => Some(Target::BodyField(field.split('.').map(str::to_owned).collect())),
        (None, None, Some(name)) => Some(Target::Header(name.clone())),
        (None, None, None) => None,
    }
}

fn signal(more: Option<&ValuePlace>, end: Option<&ValuePlace>) -> Option<Signal> {
    more.map(|more| Signal::More(place(more))).or_else(|| end.map(|end| Signal::End(place(end))))
}

/// How pages follow each other, in the words of the HTTP client.
pub(crate) fn compile(pagination: Option<&definition::Pagination>) -> Pagination {
    match pagination {
        None | Some(definition::Pagination::Style(Style::None)) => Pagination::None,
        Some(definition::Pagination::Style(Style::LinkHeader)) => Pagination::LinkHeader { rel: "next".to_owned() },
        Some(definition::Pagination::Style(Style::PageNumber)) => page_number(&PageNumber::default()),
        Some(definition::Pagination::Style(Style::Odata)) => {
            Pagination::NextUrl { from: Place::Body(vec!["@odata.nextLink".to_owned()]), signal: None }
        }
        Some(definition::Pagination::Detailed(detailed)) => compile_detailed(detailed),
    }
}

fn page_number(page: &PageNumber) -> Pagination {
    let pages = page.total_pages.as_ref().map(|total| Total::Pages(place(total)));
    Pagination::PageNumber {
        into: target(page.param.as_ref(), page.body.as_ref(), None).unwrap_or(Target::Parameter("page".to_owned())),
        first: page.first.unwrap_or(1),
        total: pages.or_else(|| page.total_records.as_ref().map(|total| Total::Records(place(total)))),
        size: page.granted_size.as_ref().map(place),
        signal: signal(page.more.as_ref(), page.end.as_ref()),
        carry: page.carry.iter().map(|(name, from)| (place(from), Target::Parameter(name.clone()))).collect(),
    }
}

fn compile_detailed(detailed: &Detailed) -> Pagination {
    let none = || Target::Parameter(String::new());
    match detailed {
        Detailed::LinkHeader(link) => Pagination::LinkHeader { rel: link.rel.clone() },
        Detailed::PageNumber(page) => page_number(page),
        Detailed::Offset(offset) => Pagination::Offset {
            into: target(offset.param.as_ref(), offset.body.as_ref(), None).unwrap_or_else(none),
            first: offset.first.unwrap_or(0),
            total: offset.total_records.as_ref().map(|total| Total::Records(place(total))),
            size: offset.granted_size.as_ref().map(place),
            signal: signal(offset.more.as_ref(), offset.end.as_ref()),
        },
        Detailed::Cursor(cursor) => Pagination::Cursor {
            from: place(&cursor.next),
            into: target(cursor.param.as_ref(), cursor.body.as_ref(), cursor.header.as_ref()).unwrap_or_else(none),
            signal: signal(cursor.more.as_ref(), cursor.end.as_ref()),
        },
        Detailed::NextUrl(next) => {
            Pagination::NextUrl { from: place(&next.next), signal: signal(next.more.as_ref(), next.end.as_ref()) }
        }
        Detailed::LastRecord(last) => Pagination::LastRecord {
            field: last.field.split('.').map(str::to_owned).collect(),
            into: target(last.param.as_ref(), last.body.as_ref(), None).unwrap_or_else(none),
            signal: signal(last.more.as_ref(), last.end.as_ref()),
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
        Target::BodyField(_) | Target::Header(_) => None,
    });
    let size = size.and_then(|size| size.param.as_deref()).map(|param| (param, "page_size"));
    paged.into_iter().chain(size).collect()
}
