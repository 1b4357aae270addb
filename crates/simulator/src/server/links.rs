//! The `Link` header: where the pages before and after this one are.

use url::form_urlencoded;

use super::answer::Asked;
use crate::api::{Endpoint, Listing};

/// The header's value; none where one page holds everything.
pub(crate) fn link_header(asked: &Asked<'_>, endpoint: &Endpoint, listing: &Listing, total: u64) -> Option<String> {
    let parameter = endpoint.page_parameter()?;
    let last = total.div_ceil(listing.query.limit.max(1)).max(1);
    let current = listing.page;
    let mut links = Vec::new();
    if current > 1 {
        links.push((current - 1, "prev"));
    }
    if current < last {
        links.extend([(current + 1, "next"), (last, "last")]);
    }
    if current > 1 {
        links.push((1, "first"));
    }
    let link = |(page, relation): &(u64, &str)| {
        format!("<{}{}?{}>; rel=\"{relation}\"", asked.base, asked.path, query(asked.query, parameter, *page))
    };
    (!links.is_empty()).then(|| links.iter().map(link).collect::<Vec<_>>().join(", "))
}

/// The request's own query with another page.
fn query(given: &[(String, String)], parameter: &str, page: u64) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let page = page.to_string();
    let mut written = false;
    for (name, value) in given {
        let is_page = name == parameter;
        query.append_pair(name, if is_page { &page } else { value });
        written |= is_page;
    }
    if !written {
        query.append_pair(parameter, &page);
    }
    query.finish()
}
