//! Addresses of other pages, and the `Link` header that says them.

use url::form_urlencoded;

use super::Asked;
use crate::api::{Endpoint, Listing, Parameter};

/// The `Link` header's value for pages that are counted; none where one page holds everything.
pub(super) fn link_header(asked: &Asked<'_>, endpoint: &Endpoint, listing: &Listing, total: u64) -> Option<String> {
    let parameter = endpoint.parameter(|role| matches!(role, Parameter::Page { .. }))?;
    let first = listing.first_page;
    let last = first + total.div_ceil(listing.query.limit.max(1)).max(1) - 1;
    let current = listing.page;
    let mut links = Vec::new();
    if current > first {
        links.push((current - 1, "prev"));
    }
    if current < last {
        links.extend([(current + 1, "next"), (last, "last")]);
    }
    if current > first {
        links.push((first, "first"));
    }
    let link = |(page, relation): &(u64, &str)| {
        let address = address(asked, asked.query, &[(parameter, &page.to_string())]);
        format!("<{address}>; rel=\"{relation}\"")
    };
    (!links.is_empty()).then(|| links.iter().map(link).collect::<Vec<_>>().join(", "))
}

/// The request's own address with some parameters, of which some have other values.
pub(super) fn address(asked: &Asked<'_>, given: &[(String, String)], other: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let replaced = |name: &str| other.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    for (name, value) in given {
        query.append_pair(name, replaced(name).unwrap_or(value));
    }
    for (name, value) in other.iter().filter(|(name, _)| !given.iter().any(|(known, _)| known == name)) {
        query.append_pair(name, value);
    }
    let query = query.finish();
    let separator = if query.is_empty() { "" } else { "?" };
    format!("{}{}{separator}{query}", asked.base, asked.path)
}
