//! A stretch: pages of a long list, fetched several at a time, and the proof that nothing moved meanwhile.
//!
//! A row that is updated or deleted leaves its place, and the rows behind it move forward, past the edge of a page that
//! was read already. The last page of a stretch is therefore read before the others and again after them: where it has the
//! same rows, nothing before it has moved. The first page is the last one of the stretch before, read again, so that
//! nothing gets lost between two stretches either.

use futures::{StreamExt, stream};
use lakeflow_http::PagesAhead;
use lakeflow_interface::{Error, ErrorKind, Result};

use super::TableRead;
use super::pages::{TablePage, TablePages};

/// Pages of a stretch: so many are read twice where something moved.
const PAGES: u64 = 128;

/// Shorter lists are read page by page: two pages more would be too much for them.
const LEAST_PAGES: u64 = 16;

/// Pages of a list from one to another.
pub(super) struct Stretch {
    table: TableRead,
    ahead: PagesAhead,
    first: u64,
    pub(super) last: u64,
    /// The rows of the last page before the others were read.
    expected: Vec<String>,
}

impl Stretch {
    /// Begins with a page that was read already.
    pub(super) async fn begin(table: &TableRead, ahead: &PagesAhead, first: u64, pages: u64) -> Result<Self> {
        let (table, ahead, last) = (table.clone(), ahead.clone(), first + pages);
        let expected = table.identities(&fetch(table.clone(), ahead.clone(), last).await?)?;
        Ok(Self { table, ahead, first, last, expected })
    }

    /// The pages but the last.
    pub(super) fn pages(&self) -> TablePages {
        let (table, ahead) = (self.table.clone(), self.ahead.clone());
        let fetches = (self.first..self.last).map(move |number| fetch(table.clone(), ahead.clone(), number));
        stream::iter(fetches).buffered(self.table.ask.client.concurrency()).boxed()
    }

    /// The last page, where nothing before it has moved.
    pub(super) async fn finish(self) -> Result<Option<TablePage>> {
        let page = fetch(self.table.clone(), self.ahead, self.last).await?;
        let is_same = !self.expected.is_empty() && self.table.identities(&page)?.starts_with(&self.expected);
        Ok(is_same.then_some(page))
    }
}

/// How many pages behind one the next stretch has; none at the end of the list, where the list is short, and where a
/// checkpoint must come sooner.
pub(super) fn pages_of_stretch(table: &TableRead, ahead: &PagesAhead, number: u64, page: &TablePage) -> Option<u64> {
    let most = table.batch() / page.places.len().max(1);
    let most = u64::try_from(most).unwrap_or(PAGES).min(PAGES);
    let is_worth_it = most >= LEAST_PAGES && ahead.last() > LEAST_PAGES;
    Some(ahead.last().saturating_sub(number).min(most)).filter(|pages| *pages > 0 && is_worth_it)
}

async fn fetch(table: TableRead, ahead: PagesAhead, number: u64) -> Result<TablePage> {
    let missing = || Error::new(ErrorKind::Internal, format!("page {number} of a list gave nothing"));
    table.listed(ahead.request(number), Some(1)).next().await.ok_or_else(missing)?
}
