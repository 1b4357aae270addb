//! What follows a page: nothing, one request, or a run of requests whose addresses are known.

use lakeflow_interface::records::Kind;
use lakeflow_interface::{Error, ErrorKind, Result};
use serde_json::Value as Json;
use url::Url;

use super::link_header::link_target;
use super::place::scalar;
use super::{FetchedPage, PageSettings, Pagination, Place, Signal, Target, Total};
use crate::{Client, Request};

/// The requests that follow a page.
pub(super) enum Following {
    /// The list has ended.
    Nothing,
    /// The next page.
    One(Request),
    /// All pages from here to one that is known to be the last for now.
    Run(Run),
}

/// Requests that differ in one number only.
#[derive(Clone, Debug)]
pub(super) struct Run {
    template: Request,
    into: Target,
    next: u64,
    last: u64,
    step: u64,
}

impl Run {
    /// Whether its last request has been given.
    pub(super) fn has_ended(&self) -> bool {
        self.next > self.last
    }

    /// How many requests are left.
    fn len(&self) -> u64 {
        if self.has_ended() { 0 } else { (self.last - self.next) / self.step + 1 }
    }
}

/// The pages of a list whose addresses one of its pages made known.
#[derive(Clone, Debug)]
pub struct PagesAhead {
    /// The page that made them known.
    number: u64,
    run: Run,
}

impl PagesAhead {
    pub(super) fn behind(number: u64, run: Run) -> Self {
        Self { number, run }
    }

    /// The place in the list, from 1, of the last page for now.
    pub fn last(&self) -> u64 {
        self.number + self.run.len()
    }

    /// The request for the page at a place in the list.
    pub fn request(&self, number: u64) -> Request {
        let Run { template, into, next, step, .. } = &self.run;
        let first = i128::from(*next) - i128::from(self.number) * i128::from(*step);
        let value = first + i128::from(number.saturating_sub(1)) * i128::from(*step);
        let mut request = template.clone();
        into.set(&mut request, &Json::from(u64::try_from(value).unwrap_or(0)));
        request
    }
}

impl Iterator for Run {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        let number = (self.next <= self.last).then_some(self.next)?;
        self.next = number.saturating_add(self.step);
        let mut request = self.template.clone();
        self.into.set(&mut request, &Json::from(number));
        Some(request)
    }
}

/// The request for the first page.
pub(super) fn first_request(settings: &PageSettings, mut request: Request) -> Request {
    if let Pagination::PageNumber { into, first, .. } | Pagination::Offset { into, first, .. } = &settings.pagination {
        into.set(&mut request, &Json::from(*first));
    }
    request
}

/// What follows a page that `request` gave.
pub(super) fn following(
    client: &Client,
    settings: &PageSettings,
    request: &Request,
    fetched: &FetchedPage,
) -> Result<Following> {
    if !fetched.status.is_success() || fetched.status == http::StatusCode::NO_CONTENT {
        return Ok(Following::Nothing);
    }
    let rules = Rules { client, settings, request, fetched };
    match &settings.pagination {
        Pagination::None => Ok(Following::Nothing),
        Pagination::LinkHeader { rel } => rules.by_link(rel),
        Pagination::PageNumber { signal, .. } | Pagination::Offset { signal, .. }
            if !rules.may_go_on(signal.as_ref()) =>
        {
            Ok(Following::Nothing)
        }
        Pagination::PageNumber { into, first, total, signal, carry, .. } => rules
            .by_number(into, *first, total.as_ref(), signal.is_some())
            .map(|following| rules.carrying(following, carry)),
        Pagination::Offset { into, first, total, signal, .. } => {
            rules.by_offset(into, *first, total.as_ref(), signal.is_some())
        }
        Pagination::Cursor { from, into, signal } => {
            Ok(rules.with_value(into, rules.value_at(from).filter(|_| rules.may_go_on(signal.as_ref()))))
        }
        Pagination::NextUrl { from, signal } => match rules.text_at(from) {
            Some(link) if rules.may_go_on(signal.as_ref()) => rules.at_link(&link).map(Following::from),
            _ => Ok(Following::Nothing),
        },
        Pagination::LastRecord { field, into, signal } => {
            let is_full = signal.is_some() || !rules.is_short()?;
            let may_go_on = is_full && rules.may_go_on(signal.as_ref());
            Ok(rules.with_value(into, rules.last_record(field).filter(|_| may_go_on)))
        }
    }
}

struct Rules<'a> {
    client: &'a Client,
    settings: &'a PageSettings,
    request: &'a Request,
    fetched: &'a FetchedPage,
}

impl Rules<'_> {
    fn by_link(&self, rel: &str) -> Result<Following> {
        let headers = &self.fetched.headers;
        let Some(next) = link_target(headers, rel) else { return Ok(Following::Nothing) };
        let next = self.resolve(next)?;
        let last = link_target(headers, "last").map(|link| self.resolve(link)).transpose()?;
        let run = last.and_then(|last| run_of_pages(&self.fetched.url, &next, &last));
        let template = self.request.at(&next);
        Ok(match run {
            Some((name, next, last)) => {
                Following::Run(Run { template, into: Target::Parameter(name), next, last, step: 1 })
            }
            None => Following::One(template),
        })
    }

    fn by_number(&self, into: &Target, first: u64, total: Option<&Total>, goes_on: bool) -> Result<Following> {
        let next = first + self.fetched.number;
        let pages = match total {
            Some(Total::Pages(place)) => self.number_at(place),
            Some(Total::Records(place)) => {
                let size = self.page_size().unwrap_or(self.records()?).max(1);
                self.number_at(place).map(|records| records.div_ceil(size))
            }
            None => None,
        };
        Ok(match pages {
            Some(pages) => self.run(into, next, (first + pages).saturating_sub(1), 1),
            None if !goes_on && self.is_short()? => Following::Nothing,
            None => self.with_value(into, Some(Json::from(next))),
        })
    }

    fn by_offset(&self, into: &Target, first: u64, total: Option<&Total>, goes_on: bool) -> Result<Following> {
        let step = self.page_size().unwrap_or(self.records()?).max(1);
        let next = into.number_in(self.request).unwrap_or(first) + step;
        let records = match total {
            Some(Total::Records(place)) => self.number_at(place),
            Some(Total::Pages(place)) => self.number_at(place).map(|pages| pages.saturating_mul(step)),
            None => None,
        };
        Ok(match records {
            Some(records) => self.run(into, next, (first + records).saturating_sub(1), step),
            None if !goes_on && self.is_short()? => Following::Nothing,
            None => self.with_value(into, Some(Json::from(next))),
        })
    }

    /// The next request with what a page gives besides its number.
    fn carrying(&self, following: Following, carry: &[(Place, Target)]) -> Following {
        let set = |request: &mut Request| {
            for (place, into) in carry {
                if let Some(value) = self.value_at(place) {
                    into.set(request, &value);
                }
            }
        };
        match following {
            Following::One(mut request) => {
                set(&mut request);
                Following::One(request)
            }
            Following::Run(mut run) => {
                set(&mut run.template);
                Following::Run(run)
            }
            Following::Nothing => Following::Nothing,
        }
    }

    fn run(&self, into: &Target, next: u64, last: u64, step: u64) -> Following {
        if next > last {
            return Following::Nothing;
        }
        Following::Run(Run { template: self.request.clone(), into: into.clone(), next, last, step })
    }

    fn with_value(&self, into: &Target, value: Option<Json>) -> Following {
        let Some(value) = value else { return Following::Nothing };
        let mut request = self.request.clone();
        into.set(&mut request, &value);
        Following::from(request)
    }

    fn at_link(&self, link: &str) -> Result<Request> {
        Ok(self.request.at(&self.resolve(link)?))
    }

    /// The address of a link, which may be relative to the page, and must stay at the connection's origin.
    fn resolve(&self, link: &str) -> Result<Url> {
        let url = self.fetched.url.join(link).map_err(|error| {
            let message =
                format!("expected an address as the link to the next page, found `{}`", self.client.redact(link));
            Error::new(ErrorKind::BadResponse, message).with_cause(error)
        })?;
        self.client.check_link(&url)
    }

    fn may_go_on(&self, signal: Option<&Signal>) -> bool {
        let (page, headers) = (&self.fetched.page, &self.fetched.headers);
        match signal {
            None => true,
            Some(Signal::More(place)) => place.is_true(page, headers),
            Some(Signal::End(place)) => !place.is_true(page, headers),
        }
    }

    fn is_short(&self) -> Result<bool> {
        Ok(self.records()? < self.page_size().unwrap_or(1).max(1))
    }

    /// How many records fit in a page: as the page says, else as was asked for.
    fn page_size(&self) -> Option<u64> {
        let told = match &self.settings.pagination {
            Pagination::PageNumber { size: Some(place), .. } | Pagination::Offset { size: Some(place), .. } => {
                self.number_at(place).filter(|size| *size > 0)
            }
            _ => None,
        };
        told.or(self.settings.page_size)
    }

    /// The number of records; an array that is left out is empty, but anything else in its place would end the list
    /// too early.
    fn records(&self) -> Result<u64> {
        let found = self.fetched.page.root().get_path(&self.settings.records);
        if found.is_none_or(|value| value.is_null() || value.kind() == Kind::Array) {
            return Ok(self.fetched.records);
        }
        let path =
            ["$"].into_iter().chain(self.settings.records.iter().map(String::as_str)).collect::<Vec<_>>().join(".");
        let address = self.client.redact_url(&self.fetched.url);
        let message = format!("expected an array of records at `{path}` of `{address}`, found something else");
        Err(Error::new(ErrorKind::BadResponse, message))
    }

    fn last_record(&self, field: &[String]) -> Option<Json> {
        let root = self.fetched.page.root();
        let last = root.get_path(&self.settings.records)?.items().last()?;
        scalar(last.get_path(field)?)
    }

    fn value_at(&self, place: &Place) -> Option<Json> {
        place.value(&self.fetched.page, &self.fetched.headers)
    }

    fn text_at(&self, place: &Place) -> Option<String> {
        place.text(&self.fetched.page, &self.fetched.headers)
    }

    fn number_at(&self, place: &Place) -> Option<u64> {
        place.number(&self.fetched.page, &self.fetched.headers)
    }
}

impl From<Request> for Following {
    fn from(request: Request) -> Self {
        Self::One(request)
    }
}

/// The parameter that numbers the pages, and its values in the next and the last page, where the two addresses differ
/// in nothing else and the next number is the present one plus one: then every page between has an address.
fn run_of_pages(present: &Url, next: &Url, last: &Url) -> Option<(String, u64, u64)> {
    let pairs = |url: &Url| url.query_pairs().into_owned().collect::<Vec<_>>();
    let (next_pairs, last_pairs) = (pairs(next), pairs(last));
    if next.path() != last.path() || next_pairs.len() != last_pairs.len() {
        return None;
    }
    let mut differing = next_pairs.iter().filter_map(|(name, number)| {
        let last_number = last_pairs.iter().find(|(known, _)| known == name).map(|(_, number)| number);
        (last_number != Some(number)).then_some((name, number, last_number))
    });
    let (name, number, last_number) = differing.next()?;
    let (number, last_number) = (number.parse::<u64>().ok()?, last_number?.parse::<u64>().ok()?);
    let present_number = match present.query_pairs().find(|(known, _)| known == name) {
        Some((_, text)) => text.parse::<u64>().ok()?,
        None => 1,
    };
    let is_run = differing.next().is_none() && number == present_number + 1 && number < last_number;
    is_run.then(|| (name.clone(), number, last_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(present: &str, next: &str, last: &str) -> Option<(String, u64, u64)> {
        let url = |rest: &str| Url::parse(&format!("https://h.example/{rest}")).unwrap();
        run_of_pages(&url(present), &url(next), &url(last))
    }

    #[test]
    fn pages_are_a_run_where_one_number_counts_up_by_one() {
        let page = |next, last| Some(("page".to_owned(), next, last));
        assert_eq!(run("x?q=1", "x?q=1&page=2", "x?q=1&page=9"), page(2, 9));
        assert_eq!(run("x?page=4", "x?page=5", "x?page=9"), page(5, 9));
        assert_eq!(run("x", "x?page=2", "x?page=2"), None);
        assert_eq!(run("x?since=10", "x?since=35", "x?since=900"), None);
        assert_eq!(run("x", "x?after=abc", "x?after=xyz"), None);
        assert_eq!(run("x", "x?page=2&per=10", "x?page=9&per=20"), None);
        assert_eq!(run("x", "x?page=2", "y?page=9"), None);
    }
}
