//! Range by range, several at once, with a checkpoint after each.

use async_stream::try_stream;
use chrono::{DateTime, Duration, Utc};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use lakeflow_http::Pagination;
use lakeflow_interface::{Offset, ReadItem, ReadStream, Result};

use super::filter::Filter;
use super::pages::TablePage;
use super::position::Position;
use super::side_by_side::side_by_side;
use super::{Bounds, TableRead};
use crate::cursor::Cursor;

/// Pages that one window has ready or under way.
const READ_AHEAD: usize = 2;
/// How far behind the horizon to look for rows that moved there while the windows before it were read.
const BEHIND_HORIZON: Duration = Duration::days(1);
/// Passes over what lies there, where rows move all the time.
const MOST_PASSES: u32 = 4;

/// Reads the windows from the stored cursor to the horizon.
pub(super) fn read(table: TableRead, start: &Offset) -> Result<ReadStream> {
    let position = Position::read(start, table.cursor_kind()?)?;
    let is_going_on = position.cursor.is_some();
    let mut filter = Filter::new(&table, position)?.dropping_repeats();
    let mut last = start.clone();
    let items = try_stream! {
        let mut has_new = false;
        let mut parts = parts(table.clone(), filter.lower.clone(), is_going_on);
        while let Some(part) = parts.next().await {
            match part? {
                Some(page) => {
                    for item in filter.take(&table, &page)? {
                        has_new = true;
                        yield item;
                    }
                }
                None if has_new => {
                    has_new = false;
                    last = filter.offset();
                    yield ReadItem::Checkpoint(last.clone());
                }
                None => {}
            }
        }
        let passes = if table.reach.is_beyond_horizon() { MOST_PASSES } else { 0 };
        for _ in 0..passes {
            let (mut pages, mut has_new) = (0, false);
            let mut behind = table.pages(&behind_horizon(table.ask.horizon), Some(READ_AHEAD))?;
            while let Some(page) = behind.next().await {
                pages += 1;
                for item in filter.take(&table, &page?)? {
                    has_new = true;
                    yield item;
                }
            }
            // What moved while pages were read is on one of them now.
            if pages <= 1 || !has_new {
                break;
            }
        }
        yield ReadItem::Checkpoint(last);
    };
    Ok(items.boxed())
}

/// The pages of all windows, and nothing once after each window.
///
/// A read that goes on first asks for the whole range: where nothing much has happened, one page has all of it.
fn parts(table: TableRead, lower: Option<Cursor>, is_going_on: bool) -> BoxStream<'static, Result<Option<TablePage>>> {
    let parts = try_stream! {
        for range in ranges_at_once(&table, lower.as_ref(), is_going_on).await? {
            let page = if is_going_on { whole(&table, &range).await? } else { None };
            if page.is_some() {
                yield page;
                yield None;
                continue;
            }
            let mut windows = table.windows_of(&range);
            if let Some(first) = windows.first_mut().filter(|_| lower.is_none()) {
                // The last page need not have the very oldest record: nothing before it is left out.
                first.from = None;
            }
            let width = table.ask.client.concurrency();
            let reading = table.clone();
            let windows = stream::iter(windows).map(move |bounds| pages_of(&reading, &bounds)).boxed();
            let mut parts = side_by_side(windows, width);
            while let Some(part) = parts.next().await {
                yield part?;
            }
        }
    };
    parts.boxed()
}

/// Where rows are that changed while a read went on.
fn behind_horizon(horizon: DateTime<Utc>) -> Bounds {
    let to = horizon.checked_add_signed(BEHIND_HORIZON).unwrap_or(horizon);
    Bounds { from: Some(Cursor::at(horizon)), to: Some(Cursor::at(to)), is_half_open: false }
}

/// A range whose list is one page; nothing where it is longer.
async fn whole(table: &TableRead, bounds: &Bounds) -> Result<Option<TablePage>> {
    let is_list = table.plan.table.job.is_none() && table.plan.table.format.is_none();
    if !is_list || table.windows_of(bounds).len() < 2 {
        return Ok(None);
    }
    let mut pages = table.pages(bounds, Some(1))?;
    let page = pages.next().await.transpose()?;
    Ok(page.filter(|page| page.is_last))
}

/// The pages of one window, and then nothing once.
fn pages_of(table: &TableRead, bounds: &Bounds) -> Result<BoxStream<'static, Result<Option<TablePage>>>> {
    let pages = table.pages(bounds, Some(READ_AHEAD))?;
    Ok(pages.map(|page| page.map(Some)).chain(stream::iter([Ok(None)])).boxed())
}

/// Where the first window begins; nothing where there are no records.
pub(super) async fn begin(table: &TableRead, lower: Option<&Cursor>) -> Result<Option<DateTime<Utc>>> {
    match lower.and_then(Cursor::instant) {
        Some(first) => Ok(Some(first)),
        None if table.plan.begins_at_last_page() => oldest(table).await,
        None => Ok(Some(table.ask.horizon)),
    }
}

/// The ranges from a lower bound to the horizon: one, or several where the source takes no longer ones.
async fn ranges_at_once(table: &TableRead, lower: Option<&Cursor>, is_going_on: bool) -> Result<Vec<Bounds>> {
    let horizon = table.ask.horizon;
    let Some(first) = begin(table, lower).await? else { return Ok(Vec::new()) };
    let longest = table.plan.incremental().longest.and_then(|longest| Duration::from_std(longest.0).ok());
    Ok(ranges(first, horizon, longest.filter(|_| is_going_on).unwrap_or(Duration::MAX)))
}

impl TableRead {
    /// The windows that a range is made of.
    pub(super) fn windows_of(&self, range: &Bounds) -> Vec<Bounds> {
        let window = self.seconds("window_seconds").unwrap_or(Duration::MAX);
        let bound = |cursor: &Option<Cursor>| cursor.as_ref().and_then(Cursor::instant);
        match bound(&range.from).zip(bound(&range.to)) {
            Some((from, to)) => ranges(from, to, window),
            None => vec![range.clone()],
        }
    }
}

/// Adjacent ranges; the bounds of each belong to it.
pub(super) fn ranges(first: DateTime<Utc>, horizon: DateTime<Utc>, window: Duration) -> Vec<Bounds> {
    let mut windows = Vec::new();
    let mut from = first;
    while from <= horizon {
        let to = from.checked_add_signed(window).unwrap_or(horizon).min(horizon);
        windows.push(Bounds { from: Some(Cursor::at(from)), to: Some(Cursor::at(to)), is_half_open: false });
        if to == horizon {
            break;
        }
        from = to;
    }
    windows
}

/// The oldest record of the last page of a list that gives the newest first.
async fn oldest(table: &TableRead) -> Result<Option<DateTime<Utc>>> {
    let request = table.request(&Bounds::default())?;
    let mut pages = table.fetched(request, Pagination::LinkHeader { rel: "last".to_owned() }, Some(1));
    let mut oldest = None;
    // The first page leads to the last; a list of one page has no link to it.
    for _ in 0..2 {
        let Some(fetched) = pages.next().await.transpose()? else { break };
        let page = table.clone().read_page(fetched).await?;
        let rows = table.rows(&page)?;
        oldest = rows.iter().filter_map(|row| row.cursor.as_ref()?.instant()).min().or(oldest);
    }
    Ok(oldest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_meet_and_end_at_the_horizon() {
        let instant = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let horizon = instant("2026-01-03T12:00:00Z");
        let windows = ranges(instant("2026-01-01T00:00:00Z"), horizon, Duration::days(1));
        let text = |cursor: &Option<Cursor>| cursor.as_ref().unwrap().text.clone();
        let texts: Vec<String> =
            windows.iter().map(|bounds| format!("{}/{}", text(&bounds.from), text(&bounds.to))).collect();
        assert_eq!(
            texts,
            [
                "2026-01-01T00:00:00Z/2026-01-02T00:00:00Z",
                "2026-01-02T00:00:00Z/2026-01-03T00:00:00Z",
                "2026-01-03T00:00:00Z/2026-01-03T12:00:00Z",
            ]
        );
        assert_eq!(ranges(horizon, horizon, Duration::days(1)).len(), 1);
        assert!(ranges(horizon + Duration::seconds(1), horizon, Duration::days(1)).is_empty());
    }
}
