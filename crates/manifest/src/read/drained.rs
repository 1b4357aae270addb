//! All that is new, in an order that allows one checkpoint only: at the end.

use async_stream::try_stream;
use futures::StreamExt;
use futures::stream::BoxStream;
use lakeflow_interface::{CursorOrder, Offset, ReadItem, ReadStream, Result};

use super::filter::{Filter, Verdict};
use super::position::Position;
use super::{Bounds, TableRead};
use crate::cursor::Cursor;

/// Reads what is new; newest first it stops at the stored cursor.
pub(super) fn read(table: TableRead, start: &Offset) -> Result<ReadStream> {
    let position = Position::read(start, table.cursor_kind()?)?;
    let mut filter = Filter::new(&table, position)?.dropping_repeats();
    let start = start.clone();
    let items = try_stream! {
        let mut lower = filter.lower.clone();
        loop {
            let mut number = 0;
            let mut items = pass(&table, &mut filter, lower)?;
            while let Some(item) = items.next().await {
                let (page, item) = item?;
                number = page;
                if let Some(item) = item {
                    yield item;
                }
            }
            drop(items);
            // A row that moved to the front while pages were read was at neither place; it is there now.
            if !table.beyond_horizon || number <= 1 || filter.lower.as_ref().is_some_and(|lower| lower.is_after(table.ask.horizon)) {
                break;
            }
            lower = Some(Cursor::at(table.ask.horizon));
            filter.lower = Some(Cursor::at(table.ask.horizon + chrono::Duration::milliseconds(1)));
        }
        yield if filter.has_moved { filter.checkpoint() } else { ReadItem::Checkpoint(start) };
    };
    Ok(items.boxed())
}

/// The number of each page and its new records.
type Pass<'r> = BoxStream<'r, Result<(u64, Option<ReadItem>)>>;

/// One pass over the list.
fn pass<'r>(table: &'r TableRead, filter: &'r mut Filter, lower: Option<Cursor>) -> Result<Pass<'r>> {
    let is_descending = table.plan.incremental().order == CursorOrder::Descending;
    // Newest first, an incremental read mostly ends on the first page: nothing is fetched ahead.
    let read_ahead = (is_descending && lower.is_some()).then_some(1);
    let from = lower.filter(|_| table.plan.from().is_some());
    let mut pages = table.pages(&Bounds { from, to: None }, read_ahead)?;
    let items = try_stream! {
        while let Some(fetched) = pages.next().await {
            let fetched = fetched?;
            let mut places = Vec::new();
            let mut has_ended = false;
            for row in table.rows(&fetched)? {
                match filter.judge(table, &row) {
                    Verdict::New => places.push(row.place),
                    Verdict::TooOld if is_descending => {
                        has_ended = true;
                        break;
                    }
                    _ => {}
                }
            }
            yield (fetched.number, table.item(&fetched, places));
            if has_ended {
                break;
            }
        }
    };
    Ok(items.boxed())
}
