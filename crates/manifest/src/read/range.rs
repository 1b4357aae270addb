//! Ranges of the cursor, start-exclusive and end-inclusive: shares of a read.

use async_stream::try_stream;
use chrono::{DateTime, Duration, Utc};
use futures::StreamExt;
use lakeflow_interface::{Offset, ReadItem, ReadStream, Result};

use super::windows::{begin, ranges};
use super::{Bounds, TableRead};
use crate::cursor::Cursor;
use crate::plan::ReadKind;

/// The bounds of a range; without a lower one, from the very beginning.
type Range = (Option<DateTime<Utc>>, DateTime<Utc>);

impl TableRead {
    /// Up to where a read can come now; nothing where there is nothing new.
    pub(crate) fn latest(&self, start: Option<DateTime<Utc>>) -> Result<Option<DateTime<Utc>>> {
        if self.plan.read_kind() == ReadKind::CompleteWindows {
            return Ok(self.complete_windows(start, self.ask.horizon)?.last().map(|(_, end)| *end));
        }
        Ok(Some(self.ask.horizon).filter(|horizon| start.is_none_or(|start| start < *horizon)))
    }

    /// The ranges between two instants.
    pub(crate) async fn ranges(&self, start: Option<DateTime<Utc>>, end: DateTime<Utc>) -> Result<Vec<Range>> {
        if self.plan.read_kind() == ReadKind::CompleteWindows {
            let delay = self.seconds("delay_seconds").unwrap_or_default();
            let windows = self.complete_windows(start, end + delay)?;
            return Ok(windows.into_iter().map(|(from, to)| (Some(from), to)).collect());
        }
        let first = match start {
            Some(start) => Some(start),
            None => begin(self, self.start(self.cursor_kind()?).as_ref()).await?,
        };
        let Some(first) = first else { return Ok(vec![(None, end)]) };
        let window = self.seconds("window_seconds").unwrap_or(Duration::MAX);
        let mut ranges: Vec<Range> = ranges(first, end, window)
            .iter()
            .filter_map(|bounds| Some((bounds.from.as_ref()?.instant(), bounds.to.as_ref()?.instant()?)))
            .collect();
        if start.is_none()
            && let Some(first) = ranges.first_mut()
        {
            // Nothing before the first record that is known is left out.
            first.0 = self
                .start(self.cursor_kind()?)
                .and_then(|begin| begin.instant())
                .map(|begin| begin - Duration::milliseconds(1));
        }
        Ok(ranges)
    }
}

/// The records of one range; its checkpoint carries no meaning.
pub(crate) fn read_range(table: TableRead, from: Option<DateTime<Utc>>, to: DateTime<Utc>) -> Result<ReadStream> {
    let is_complete = table.plan.read_kind() == ReadKind::CompleteWindows;
    let bounds = Bounds { from: from.map(Cursor::at), to: Some(Cursor::at(to)), is_half_open: is_complete };
    let mut pages = table.pages(&bounds, None)?;
    let items = try_stream! {
        while let Some(page) = pages.next().await {
            let page = page?;
            let mut places = Vec::new();
            for row in table.rows(&page)? {
                let is_within = row.cursor.as_ref().and_then(Cursor::instant).is_none_or(|at| {
                    is_complete || (at <= to && from.is_none_or(|from| at > from))
                });
                if is_within {
                    places.push(row.place);
                }
            }
            for item in table.items(&page, places) {
                yield item;
            }
        }
        yield ReadItem::Checkpoint(Offset::beginning().with("until", Cursor::at(to).text.to_string()));
    };
    Ok(items.boxed())
}
