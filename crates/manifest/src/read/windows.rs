//! Range by range, several at once, with a checkpoint after each.

use async_stream::try_stream;
use chrono::{DateTime, Duration, Utc};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use lakeflow_http::{FetchedPage, PageSettings, Pagination};
use lakeflow_interface::{Offset, ReadItem, ReadStream, Result};

use super::filter::Filter;
use super::position::Position;
use super::side_by_side::side_by_side;
use super::{Bounds, TableRead};
use crate::cursor::Cursor;

/// Pages that one window has ready or under way.
const READ_AHEAD: usize = 2;

/// Reads the windows from the stored cursor to the horizon.
pub(super) fn read(table: TableRead, start: &Offset) -> Result<ReadStream> {
    let position = Position::read(start, table.cursor_kind()?)?;
    let mut filter = Filter::new(&table, position)?.dropping_repeats();
    let start = start.clone();
    let items = try_stream! {
        let windows = windows(&table, filter.lower.as_ref()).await?;
        let width = table.ask.client.concurrency();
        let reading = table.clone();
        let windows = stream::iter(windows).map(move |bounds| pages_of(&reading, &bounds)).boxed();
        let mut parts = side_by_side(windows, width);
        let mut has_new = false;
        let mut last = start;
        while let Some(part) = parts.next().await {
            match part? {
                Some(fetched) => {
                    if let Some(item) = filter.take(&table, &fetched)? {
                        has_new = true;
                        yield item;
                    }
                }
                None if has_new => {
                    has_new = false;
                    let ReadItem::Checkpoint(offset) = filter.checkpoint() else { continue };
                    last = offset.clone();
                    yield ReadItem::Checkpoint(offset);
                }
                None => {}
            }
        }
        yield ReadItem::Checkpoint(last);
    };
    Ok(items.boxed())
}

/// The pages of one window, and then nothing once.
fn pages_of(table: &TableRead, bounds: &Bounds) -> Result<BoxStream<'static, Result<Option<FetchedPage>>>> {
    let pages = table.pages(bounds, Some(READ_AHEAD))?;
    Ok(pages.map(|page| page.map(Some)).chain(stream::iter([Ok(None)])).boxed())
}

/// The windows from a lower bound to the horizon.
async fn windows(table: &TableRead, lower: Option<&Cursor>) -> Result<Vec<Bounds>> {
    let horizon = table.ask.horizon;
    let first = match lower.and_then(Cursor::instant) {
        Some(first) => Some(first),
        None if table.plan.begins_at_last_page() => match oldest(table).await? {
            Some(oldest) => Some(oldest),
            None => return Ok(Vec::new()),
        },
        None => None,
    };
    let window = table.seconds("window_seconds").unwrap_or(Duration::MAX);
    let mut windows = ranges(first.unwrap_or(horizon), horizon, window);
    if lower.is_none()
        && let Some(first) = windows.first_mut()
    {
        // The last page need not have the very oldest record: nothing before it is left out.
        first.from = None;
    }
    Ok(windows)
}

/// Adjacent ranges; the bounds of each belong to it.
fn ranges(first: DateTime<Utc>, horizon: DateTime<Utc>, window: Duration) -> Vec<Bounds> {
    let mut windows = Vec::new();
    let mut from = first;
    while from <= horizon {
        let to = from.checked_add_signed(window).unwrap_or(horizon).min(horizon);
        windows.push(Bounds { from: Some(Cursor::at(from)), to: Some(Cursor::at(to)) });
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
    let mut settings = PageSettings::new(Pagination::LinkHeader { rel: "last".to_owned() });
    settings.read_ahead = Some(1);
    let mut pages = lakeflow_http::pages(&table.ask.client, request, settings, table.ask.metrics.clone());
    let mut oldest = None;
    // The first page leads to the last; a list of one page has no link to it.
    for _ in 0..2 {
        let Some(fetched) = pages.next().await.transpose().map_err(|error| table.explain(error))? else { break };
        let rows = table.rows(&fetched)?;
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
