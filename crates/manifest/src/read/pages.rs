//! Pages of a table's list: what to ask for, and where they have the records.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use lakeflow_http::{FetchedPage, PageSettings, PagesAhead, Pagination, Request, StatusCode, Verdict};
use lakeflow_interface::records::{JsonRecords, NodeIndex, Page};
use lakeflow_interface::{Error, ErrorKind, ReadItem, Records, Result};

use super::compose::compose;
use super::{Bounds, TableRead, request};
use crate::check::pagination::target;
use crate::cursor::Cursor;
use crate::definition::{ErrorRule, FullBound, StatusAction};
use crate::path::{Condition, JsonPath};
use crate::plan::TablePlan;

/// Pages up to this are composed where they stand, larger ones on a thread that may block.
const COMPOSED_IN_PLACE: usize = 64 << 10;

/// A page of a table's list.
#[derive(Clone, Debug)]
pub(super) struct TablePage {
    pub(super) page: Arc<Page>,
    /// The places of its records.
    pub(super) places: Vec<NodeIndex>,
    /// The place of the page in its list, from 1.
    pub(super) number: u64,
    /// Whether the list is known to end with it.
    pub(super) is_last: bool,
    /// The pages whose addresses it made known.
    pub(super) ahead: Option<PagesAhead>,
}

/// Pages in their order; after an error it ends.
pub(super) type TablePages = stream::BoxStream<'static, Result<TablePage>>;

impl TableRead {
    /// The pages of the table's list, between some bounds.
    pub(super) fn pages(&self, bounds: &Bounds, read_ahead: Option<usize>) -> Result<TablePages> {
        let request = self.request(bounds)?;
        if self.plan.table.job.is_some() || self.plan.table.format.is_some() {
            return Ok(self.downloaded(request));
        }
        Ok(self.listed(request, read_ahead))
    }

    /// The pages of the list that begins with a request.
    pub(super) fn listed(&self, request: Request, read_ahead: Option<usize>) -> TablePages {
        let table = self.clone();
        let pages = self.fetched(request, self.plan.pagination.clone(), read_ahead);
        pages.and_then(move |fetched| table.clone().read_page(fetched)).boxed()
    }

    /// The pages of a list as the source sent them.
    pub(super) fn fetched(
        &self,
        request: Request,
        pagination: Pagination,
        read_ahead: Option<usize>,
    ) -> lakeflow_http::PageStream {
        let mut settings = PageSettings::new(pagination);
        settings.records = self.plan.records.path.keys();
        settings.page_size = self.page_size();
        settings.read_ahead = read_ahead;
        lakeflow_http::pages(&self.ask.client, request, settings, self.ask.metrics.clone())
    }

    /// How many records a page is asked to have: as the user says, and no more than this list grants.
    fn page_size(&self) -> Option<u64> {
        let size = self.plan.page_size.as_ref().filter(|_| self.plan.pagination != Pagination::None)?;
        let given = self.values.given("per_page").and_then(|size| size.parse().ok());
        Some(given.unwrap_or(size.default).min(size.max))
    }

    /// Finds the records of a page.
    pub(super) async fn read_page(self, fetched: FetchedPage) -> Result<TablePage> {
        let FetchedPage { page, number, is_last, status, ahead, .. } = fetched;
        if self.is_skipped(status, &page) {
            return Ok(TablePage { page, places: Vec::new(), number, is_last, ahead });
        }
        let page = self.composed(page).await?;
        let places = self.places(&page)?;
        Ok(TablePage { page, places, number, is_last, ahead })
    }

    pub(super) async fn composed(&self, page: Arc<Page>) -> Result<Arc<Page>> {
        if !self.plan.is_composed() {
            return Ok(page);
        }
        let plan = self.plan.clone();
        if page.len() <= COMPOSED_IN_PLACE {
            return compose(&plan, &page).map(Arc::new);
        }
        let composed = tokio::task::spawn_blocking(move || compose(&plan, &page).map(Arc::new)).await;
        composed.map_err(|error| Error::new(ErrorKind::Internal, "a page could not be composed").with_cause(error))?
    }

    /// The places of the records; a composed page is a list of them.
    pub(super) fn places(&self, page: &Page) -> Result<Vec<NodeIndex>> {
        if self.plan.is_composed() { JsonPath::default().select(page) } else { self.plan.records.path.select(page) }
    }

    /// Whether the definition says to skip a page of this status and body; that is counted.
    fn is_skipped(&self, status: StatusCode, page: &Page) -> bool {
        let is_skipped = action(&self.plan, status, Some(page)) == Some(&StatusAction::Skip);
        if is_skipped {
            let (table, status) = (&self.plan.name, status.as_u16());
            self.ask.metrics.warn(format!("table `{table}`: a list was skipped, its status is {status}"));
        }
        is_skipped
    }

    /// The request for the first page between some bounds.
    pub(super) fn request(&self, bounds: &Bounds) -> Result<Request> {
        let zone = self.time_zone()?;
        let shifts = if bounds.is_half_open { [(0, -1), (-1, 0)] } else { [(0, -1), (0, 1)] };
        let bounded = |cursor: &Option<Cursor>, bound: Option<FullBound>, (inside, outside): (i32, i32)| {
            let bound = bound.unwrap_or_default();
            let shift = if bound.inclusive { inside } else { outside };
            let value = cursor.as_ref().map(|cursor| cursor.bound(bound.format.as_ref(), shift, zone));
            (target(bound.param.as_ref(), bound.body.as_ref(), None), value)
        };
        let (from, start) = bounded(&bounds.from, self.plan.from(), shifts[0]);
        let (to, end) = bounded(&bounds.to, self.plan.to(), shifts[1]);
        let window = [("start", &start), ("end", &end)];
        let window = window.map(|(name, value)| (name.to_owned(), value.as_deref().unwrap_or_default().into()));
        let mut request = request(&self.plan.request, &self.scope.clone().with("window", window.into()))?;
        for (into, value) in [(from, start), (to, end)] {
            if let (Some(into), Some(value)) = (into, value) {
                into.set(&mut request, &value.into());
            }
        }
        if let (Some(size), Some(value)) = (&self.plan.page_size, self.page_size())
            && let Some(into) = target(size.param.as_ref(), size.body.as_ref(), None)
        {
            into.set(&mut request, &value.into());
        }
        Ok(self.judged(request))
    }

    /// The request, with what the definition says of its answers.
    pub(super) fn judged(&self, request: Request) -> Request {
        if self.plan.rules.is_empty() {
            return request;
        }
        let plan = self.plan.clone();
        request.judged_by(Arc::new(move |status, body| {
            let is_by_body = plan.rules.get(&status.as_u16())?.iter().any(|rule| matches!(rule, ErrorRule::ByBody(_)));
            let page = if is_by_body { Page::parse(body).ok() } else { None };
            Some(match action(&plan, status, page.as_ref())? {
                StatusAction::Skip => Verdict::Accept,
                StatusAction::Retry => Verdict::Retry,
                StatusAction::Fail(hint) => Verdict::Fail(hint.clone()),
            })
        }))
    }

    /// Records of a page as items; deleted ones apart, where a flag tells them.
    pub(super) fn items(&self, page: &TablePage, places: Vec<NodeIndex>) -> Vec<ReadItem> {
        let records =
            |places| Records::Json(JsonRecords::new(page.page.clone(), places).with_constants(self.constants.clone()));
        let flag = self.plan.table.deletes.as_ref().and_then(|deletes| deletes.r#where.as_ref());
        let Some(flag) = flag else {
            return if places.is_empty() { Vec::new() } else { vec![ReadItem::Records(records(places))] };
        };
        let mut items = Vec::new();
        let is_deleted = |place: &NodeIndex| flag.holds(page.page.at(*place));
        for run in places.chunk_by(|a, b| is_deleted(a) == is_deleted(b)) {
            let places = run.to_vec();
            items.push(if is_deleted(&run[0]) {
                ReadItem::Deletes(records(places))
            } else {
                ReadItem::Records(records(places))
            });
        }
        items
    }
}

/// What the definition says of an answer.
fn action<'a>(plan: &'a TablePlan, status: StatusCode, page: Option<&Page>) -> Option<&'a StatusAction> {
    let rules = plan.rules.get(&status.as_u16())?;
    let holds = |when: &Option<&Condition>| match when {
        Some(when) => page.is_some_and(|page| when.holds(page.root())),
        None => true,
    };
    rules.iter().flat_map(ErrorRule::cases).find(|(when, _)| holds(when)).map(|(_, action)| action)
}
