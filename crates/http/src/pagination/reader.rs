//! The stream of pages: fetched ahead, handed on in order.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashSet, VecDeque};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{BoxStream, try_unfold};
use http::{HeaderMap, StatusCode};
use lakeflow_interface::records::{Kind, Page, Value};
use lakeflow_interface::{Error, ErrorKind, ReadMetrics, Result};
use tokio::task::JoinHandle;
use url::Url;

use super::PageSettings;
use super::following::{Following, PagesAhead, Run, first_request, following};
use crate::{Client, Request};

/// Pages in their order; after an error it ends.
pub type PageStream = BoxStream<'static, Result<FetchedPage>>;

/// One page of a list.
#[derive(Clone, Debug)]
pub struct FetchedPage {
    /// The place of the page in the list, from 1.
    pub number: u64,
    /// The address that answered, without the credentials that were added to it.
    pub url: Url,
    /// The status, where the request accepts others than success.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; `null` where there is none, or where the status is no success and the body is not JSON.
    pub page: Arc<Page>,
    /// How many records the page has; none where [`PageSettings::records`] leads to no array.
    pub records: u64,
    /// Whether the list ends with it.
    pub is_last: bool,
    /// The pages whose addresses this one made known.
    pub ahead: Option<PagesAhead>,
}

/// Walks through the pages of a list, in order, each parsed on a thread that may block.
///
/// Where the addresses of pages are known ahead, as many are under way or held as [`PageSettings::read_ahead`] allows;
/// otherwise the next page is fetched while the caller works on this one. With a read-ahead of 1 nothing is fetched
/// that the caller has not asked for.
///
/// # Errors
/// The stream ends with the first page that fails, with a link that leads back to a page or to another origin, with
/// records that come again and again, page by page, and with more than [`PageSettings::most_pages`].
pub fn pages(client: &Client, request: Request, settings: PageSettings, metrics: Arc<ReadMetrics>) -> PageStream {
    let read_ahead = settings.read_ahead.unwrap_or(client.concurrency()).max(1);
    let reader = PageReader {
        client: client.clone(),
        metrics,
        read_ahead,
        known: VecDeque::from([first_request(&settings, request)]),
        run: None,
        under_way: VecDeque::new(),
        begun: 0,
        seen: HashSet::new(),
        last: None,
        repeated: 0,
        settings,
    };
    try_unfold(reader, |mut reader| async move {
        let page = reader.next().await?;
        Ok(page.map(|page| (page, reader)))
    })
    .boxed()
}

/// How often the records of a page may come again, one page after the other.
const MOST_REPEATED: u64 = 9;

/// Whether two values are written alike.
fn is_same(a: Value<'_>, b: Value<'_>) -> bool {
    match (a.kind(), b.kind()) {
        (Kind::Array, Kind::Array) => {
            a.items().count() == b.items().count() && a.items().zip(b.items()).all(|(a, b)| is_same(a, b))
        }
        (Kind::Object, Kind::Object) => {
            let pairs = a.entries().zip(b.entries());
            a.entries().count() == b.entries().count()
                && pairs.into_iter().all(|((key, a), (other, b))| key == other && is_same(a, b))
        }
        _ => a.raw() == b.raw(),
    }
}

struct PageReader {
    client: Client,
    settings: PageSettings,
    metrics: Arc<ReadMetrics>,
    read_ahead: usize,
    known: VecDeque<Request>,
    run: Option<Run>,
    under_way: VecDeque<Fetch>,
    begun: u64,
    seen: HashSet<u64>,
    /// The page that was handed on last.
    last: Option<Arc<Page>>,
    /// How often its records came again, one page after the other.
    repeated: u64,
}

/// A page on its way; dropping it stops it.
struct Fetch {
    request: Request,
    task: JoinHandle<Result<FetchedPage>>,
}

impl Drop for Fetch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl PageReader {
    async fn next(&mut self) -> Result<Option<FetchedPage>> {
        self.begin_fetches()?;
        let Some(mut fetch) = self.under_way.pop_front() else { return Ok(None) };
        let fetched = (&mut fetch.task).await;
        let mut fetched = fetched
            .map_err(|error| Error::new(ErrorKind::Internal, "a page could not be fetched").with_cause(error))??;
        self.check_records(&fetched)?;
        fetched.ahead = self.plan(&fetch.request, &fetched)?;
        fetched.is_last = self.known.is_empty() && self.run.is_none() && self.under_way.is_empty();
        if self.read_ahead > 1 {
            self.begin_fetches()?;
        }
        Ok(Some(fetched))
    }

    /// Decides what follows a page, and gives what it made known. Within a run that is known already, only whether the list
    /// has ended meanwhile.
    fn plan(&mut self, request: &Request, fetched: &FetchedPage) -> Result<Option<PagesAhead>> {
        if fetched.number == 1 && self.settings.pagination.has_total() {
            self.settings.page_size = self.settings.page_size.or(Some(fetched.records).filter(|size| *size > 0));
        }
        let is_within_run = self.run.is_some() || !self.under_way.is_empty();
        match following(&self.client, &self.settings, request, fetched)? {
            Following::Nothing => {
                self.run = None;
                self.under_way.clear();
            }
            _ if is_within_run => {}
            Following::One(request) => self.known.push_back(request),
            Following::Run(run) => {
                self.run = Some(run.clone());
                return Ok(Some(PagesAhead::behind(fetched.number, run)));
            }
        }
        Ok(None)
    }

    fn begin_fetches(&mut self) -> Result<()> {
        while self.under_way.len() < self.read_ahead {
            let Some(request) = self.next_request() else { break };
            self.check(&request)?;
            self.begun += 1;
            let task = tokio::spawn(fetch(
                self.client.clone(),
                request.clone(),
                self.settings.records.clone(),
                self.begun,
                self.metrics.clone(),
            ));
            self.under_way.push_back(Fetch { request, task });
        }
        Ok(())
    }

    /// A run ends with its last number, so that the page there decides what follows.
    fn next_request(&mut self) -> Option<Request> {
        let request = self.known.pop_front().or_else(|| self.run.as_mut()?.next());
        if self.run.as_ref().is_some_and(Run::has_ended) {
            self.run = None;
        }
        request
    }

    /// Refuses records that come again and again, page by page: the source does not look at what tells the pages apart.
    fn check_records(&mut self, fetched: &FetchedPage) -> Result<()> {
        let last = self.last.replace(fetched.page.clone());
        let path = &self.settings.records;
        let before = last.as_ref().and_then(|last| last.root().get_path(path));
        let now = fetched.page.root().get_path(path).filter(|_| fetched.records > 0);
        let is_repeated = before.zip(now).is_some_and(|(before, now)| is_same(before, now));
        self.repeated = if is_repeated { self.repeated + 1 } else { 0 };
        if self.repeated < MOST_REPEATED {
            return Ok(());
        }
        let shown = self.client.redact_url(&fetched.url);
        let message = format!(
            "expected other records on each page, found the same on {} in a row, as of `{shown}`",
            self.repeated + 1
        );
        Err(Error::new(ErrorKind::BadResponse, message).with_hint(
            "the source does not look at what tells its pages apart: compare `pagination` with the API's documentation",
        ))
    }

    /// Refuses a page that was read before, and one page too many.
    fn check(&mut self, request: &Request) -> Result<()> {
        let address = request.address(self.client.base_url())?;
        let mut hasher = DefaultHasher::new();
        address.as_str().hash(&mut hasher);
        request.body_bytes().hash(&mut hasher);
        let is_new = self.seen.insert(hasher.finish());
        let expected = if !is_new {
            "a page not read before".to_owned()
        } else if self.begun == self.settings.most_pages {
            format!("at most {} pages", self.begun)
        } else {
            return Ok(());
        };
        let shown = self.client.redact_url(&address);
        let message = format!("expected {expected}, found `{shown}` to follow page {}", self.begun);
        Err(Error::new(ErrorKind::BadResponse, message)
            .with_hint("the pagination of the source leads in a circle, or is not described rightly"))
    }
}

async fn fetch(
    client: Client,
    request: Request,
    records: Vec<String>,
    number: u64,
    metrics: Arc<ReadMetrics>,
) -> Result<FetchedPage> {
    let response = client.send(&request, &metrics).await?;
    let (url, status, headers) = (response.url().clone(), response.status(), response.headers().clone());
    let may_lack_body = status == StatusCode::NO_CONTENT || !status.is_success();
    let page = match response.into_page().await {
        Err(_) if may_lack_body => Arc::new(Page::parse("null")?),
        parsed => parsed?,
    };
    let records = page.root().get_path(&records).map_or(0, |array| array.items().count() as u64);
    Ok(FetchedPage { number, url, status, headers, page, records, is_last: false, ahead: None })
}
