//! Range by range, each only when the source has all of it.

use async_stream::try_stream;
use chrono::{DateTime, Duration, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use lakeflow_interface::{Error, ErrorKind, Offset, ReadItem, ReadStream, Result};

use super::pages::TablePage;
use super::side_by_side::side_by_side;
use super::{Bounds, TableRead};
use crate::cursor::{Cursor, Instant};

/// Pages that one window has ready or under way.
const READ_AHEAD: usize = 2;

/// Windows that are read at once, at most.
const MOST_AT_ONCE: usize = 4;

/// Reads the windows that have become complete since the last read.
pub(super) fn read(table: TableRead, start: &Offset) -> Result<ReadStream> {
    let until = match start.get("until") {
        Some(until) => Some(until.as_str().and_then(Instant::parse).ok_or_else(|| {
            Error::new(ErrorKind::Configuration, format!("`{start}` is not an offset of this table"))
        })?),
        None => None,
    };
    let windows = table.complete_windows(until.map(|until| until.0), table.ask.horizon)?;
    let start = start.clone();
    let items = try_stream! {
        let reading = table.clone();
        let mut last = start;
        let ends: Vec<DateTime<Utc>> = windows.iter().map(|(_, end)| *end).collect();
        let mut ends = ends.into_iter();
        let width = table.ask.client.concurrency().min(MOST_AT_ONCE);
        let windows = stream::iter(windows).map(move |window| pages_of(&reading, window)).boxed();
        let mut parts = side_by_side(windows, width);
        while let Some(part) = parts.next().await {
            match part? {
                Some(page) => {
                    let places = page.places.clone();
                    for item in table.items(&page, places) {
                        yield item;
                    }
                }
                None => {
                    let Some(end) = ends.next().filter(|end| until.is_none_or(|until| *end > until.0)) else { continue };
                    last = Offset::beginning().with("until", Cursor::at(end).text.to_string());
                    yield ReadItem::Checkpoint(last.clone());
                }
            }
        }
        yield ReadItem::Checkpoint(last);
    };
    Ok(items.boxed())
}

/// The pages of one window, and then nothing once.
fn pages_of(
    table: &TableRead,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Result<BoxStream<'static, Result<Option<TablePage>>>> {
    let bounds = Bounds { from: Some(Cursor::at(from)), to: Some(Cursor::at(to)), is_half_open: true };
    let pages = table.pages(&bounds, Some(READ_AHEAD))?;
    Ok(pages.map(|page| page.map(Some)).chain(stream::iter([Ok(None)])).boxed())
}

impl TableRead {
    /// The windows that are complete at some instant and were not at another; none where no new one is.
    pub(super) fn complete_windows(
        &self,
        until: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Vec<(DateTime<Utc>, DateTime<Utc>)>> {
        let zone = self.time_zone()?;
        let window = self.seconds("window_seconds").unwrap_or_else(|| Duration::days(1));
        let complete = now - self.seconds("delay_seconds").unwrap_or_default();
        let start = self.values.get("start_date").and_then(Instant::parse).map(|start| start.0);
        let missing = || Error::new(ErrorKind::Configuration, "the option `start_date` is missing");
        let begin = match until {
            // What was read before the user's beginning is not read again either.
            Some(until) => (until - self.lookback()).max(start.unwrap_or(DateTime::<Utc>::MIN_UTC)).min(until),
            None => start.ok_or_else(missing)?,
        };
        if until.is_some_and(|until| next(until, window, zone) > complete) {
            return Ok(Vec::new());
        }
        let mut from = floor(begin, window, zone);
        let mut windows = Vec::new();
        loop {
            let to = next(from, window, zone);
            if to > complete || to <= from {
                return Ok(windows);
            }
            windows.push((from, to));
            from = to;
        }
    }
}

/// The beginning of the window that an instant is in: days begin at midnight in their zone.
fn floor(instant: DateTime<Utc>, window: Duration, zone: Tz) -> DateTime<Utc> {
    if window.num_seconds() % 86_400 == 0 {
        return midnight(instant.with_timezone(&zone).date_naive(), zone).unwrap_or(instant);
    }
    let seconds = window.num_seconds().max(1);
    DateTime::from_timestamp(instant.timestamp().div_euclid(seconds) * seconds, 0).unwrap_or(instant)
}

/// The end of the window that begins at an instant.
fn next(from: DateTime<Utc>, window: Duration, zone: Tz) -> DateTime<Utc> {
    if window.num_seconds() % 86_400 == 0 {
        let date = from.with_timezone(&zone).date_naive();
        let end = date.checked_add_signed(window).and_then(|date| midnight(date, zone));
        return end.unwrap_or(from);
    }
    from.checked_add_signed(window).unwrap_or(from)
}

/// The first instant of a day; where the clocks go forward at midnight, that is later.
fn midnight(date: chrono::NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let hours = 0..=3;
    let at = |hour| {
        NaiveTime::from_hms_opt(hour, 0, 0).and_then(|time| zone.from_local_datetime(&date.and_time(time)).earliest())
    };
    hours.into_iter().find_map(at).map(|instant| instant.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_of_their_zone_also_when_the_clocks_change() {
        let instant = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let (day, zone) = (Duration::days(1), Tz::Europe__Berlin);
        let begin = floor(instant("2026-03-28T23:30:00Z"), day, zone);
        assert_eq!(begin, instant("2026-03-28T23:00:00Z"));
        assert_eq!(next(begin, day, zone), instant("2026-03-29T22:00:00Z"));
        let hour = Duration::hours(1);
        assert_eq!(floor(instant("2026-01-01T05:59:59Z"), hour, zone), instant("2026-01-01T05:00:00Z"));
    }
}
