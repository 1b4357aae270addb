//! By a token of the source: each response says where to go on, also in the next read.

use async_stream::try_stream;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use lakeflow_http::{FetchedPage, Pagination, Request, Url};
use lakeflow_interface::{Error, ErrorKind, Offset, ReadItem, ReadStream, Result};
use serde_json::Value as Json;

use super::filter::{Filter, Verdict};
use super::position::Position;
use super::{Bounds, TableRead};
use crate::check::pagination::{place, target};
use crate::definition::{Token, TokenPlace, ValuePlace};
use crate::template;

/// Reads on from the stored token.
pub(super) fn read(table: TableRead, start: &Offset) -> Result<ReadStream> {
    let missing = || Error::new(ErrorKind::Internal, format!("table `{}` has no token", table.plan.name));
    let token = table.plan.table.offset.clone().ok_or_else(missing)?;
    let mut place = Place::read(start);
    let mut filter = Filter::new(&table, Position::read(start, table.cursor_kind()?)?)?.without_bounds();
    let start = start.clone();
    let items = try_stream! {
        let mut has_new = false;
        loop {
            let Some(fetched) = fetch(&table, &token, &place).await? else {
                place = Place::Beginning;
                filter = Filter::new(&table, Position::default())?.without_bounds();
                continue;
            };
            let step = Step::of(&token, &fetched, &place);
            let page = table.clone().read_page(fetched).await?;
            let mut is_behind = !page.places.is_empty();
            let mut places = Vec::new();
            for row in table.rows(&page)? {
                is_behind &= row.cursor.as_ref().is_some_and(|cursor| cursor.is_after(table.ask.horizon));
                if !token.inclusive || filter.judge(&table, &row) == Verdict::New {
                    places.push(row.place);
                }
            }
            let has_rows = !places.is_empty();
            for item in table.items(&page, places) {
                yield item;
            }
            place = step.place;
            if has_rows {
                has_new = true;
                yield ReadItem::Checkpoint(offset(&token, &place, &mut filter));
            }
            if step.is_end || is_behind {
                break;
            }
        }
        yield ReadItem::Checkpoint(if has_new { offset(&token, &place, &mut filter) } else { start });
    };
    Ok(items.boxed())
}

/// Where a read goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Beginning,
    /// Within a list, as `next` says.
    Next(Json),
    /// Behind the end of a list, as `resume` says.
    Resume(Json),
}

impl Place {
    fn read(offset: &Offset) -> Self {
        match (offset.get("token"), offset.get("resume")) {
            (Some(token), _) => Self::Next(token.clone()),
            (None, Some(token)) => Self::Resume(token.clone()),
            (None, None) => Self::Beginning,
        }
    }
}

fn offset(token: &Token, place: &Place, filter: &mut Filter) -> Offset {
    let offset = if token.inclusive { filter.offset() } else { Offset::beginning() };
    match place {
        Place::Beginning => offset,
        Place::Next(token) => offset.with("token", token.clone()),
        Place::Resume(token) => offset.with("resume", token.clone()),
    }
}

/// What follows a response.
struct Step {
    place: Place,
    is_end: bool,
}

impl Step {
    fn of(token: &Token, fetched: &FetchedPage, asked: &Place) -> Self {
        let flag = |at: &Option<ValuePlace>| at.as_ref().map(|at| place(at).is_true(&fetched.page, &fetched.headers));
        let next = value(&token.next, fetched).map(Place::Next);
        let resume = token.resume.as_ref().and_then(|resume| value(resume, fetched)).map(Place::Resume);
        let stands_still = next.as_ref().is_none_or(|next| next == asked);
        let is_end = flag(&token.end) == Some(true) || flag(&token.more) == Some(false) || stands_still;
        let following = if is_end { resume.or(next) } else { next };
        Self { place: following.unwrap_or_else(|| asked.clone()), is_end }
    }
}

fn value(at: &TokenPlace, fetched: &FetchedPage) -> Option<Json> {
    place(at.from.as_ref().or(at.url.as_ref())?).value(&fetched.page, &fetched.headers)
}

/// One response; nothing where the source no longer knows the token.
async fn fetch(table: &TableRead, token: &Token, at: &Place) -> Result<Option<FetchedPage>> {
    let mut request = asked(table, token, at)?;
    if let Some(status) = token.expired.filter(|_| *at != Place::Beginning) {
        request = request.accepting([status]);
    }
    let mut pages = table.fetched(request, Pagination::None, Some(1));
    let missing = || Error::new(ErrorKind::Internal, "a request gave no page");
    let fetched = pages.next().await.ok_or_else(missing)??;
    if token.expired.is_some_and(|status| status == fetched.status.as_u16()) {
        let name = &table.plan.name;
        table
            .ask
            .metrics
            .warn(format!("table `{name}`: the source no longer knows the place of the last read, all is read again"));
        return Ok(None);
    }
    Ok(Some(fetched))
}

fn asked(table: &TableRead, token: &Token, at: &Place) -> Result<Request> {
    let mut request = table.request(&Bounds::default())?;
    let (described, value) = match at {
        Place::Beginning => {
            if let Some(first) = &token.first {
                let value = template::render(first.value.text(), &table.scope)?;
                if let Some(into) =
                    target(first.param.as_ref(), first.body.as_ref(), None).filter(|_| !value.is_empty())
                {
                    into.set(&mut request, &value.into());
                }
            }
            return Ok(request);
        }
        Place::Next(value) => (&token.next, value),
        Place::Resume(value) => (token.resume.as_ref().unwrap_or(&token.next), value),
    };
    if described.url.is_some() {
        return at_url(table, &request, value);
    }
    if let Some(into) = target(described.param.as_ref(), described.body.as_ref(), described.header.as_ref()) {
        into.set(&mut request, value);
    }
    Ok(request)
}

/// The request at a URL that the source gave, which may be relative.
fn at_url(table: &TableRead, request: &Request, url: &Json) -> Result<Request> {
    let text = url.as_str().unwrap_or_default();
    let url: Url = table.ask.client.base_url().join(text).map_err(|error| {
        Error::new(ErrorKind::BadResponse, "expected a URL as the place to go on, found something else")
            .with_cause(error)
    })?;
    Ok(request.at(&table.ask.client.check_link(&url)?))
}

impl Filter {
    /// A filter that only drops what was handed on before.
    fn without_bounds(mut self) -> Self {
        self.lower = None;
        self.horizon = DateTime::<Utc>::MAX_UTC;
        self.lookback = chrono::Duration::zero();
        self
    }

    /// The position as an offset.
    pub(super) fn offset(&mut self) -> Offset {
        self.position.prune(self.lookback);
        self.position.offset()
    }
}
