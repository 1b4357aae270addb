//! All that is new, in an order that allows one checkpoint only: at the end.

use async_stream::try_stream;
use futures::StreamExt;
use futures::stream::BoxStream;
use lakeflow_interface::{CursorOrder, Offset, ReadItem, ReadStream, Result};

use super::filter::{Filter, Verdict};
use super::position::Position;
use super::{Bounds, TableRead};
use crate::cursor::Cursor;

/// Passes over the list of a source in which rows move to the front all the time.
const MOST_PASSES: u32 = 4;

/// Reads what is new; newest first it stops at the stored cursor.
pub(super) fn read(table: TableRead, start: &Offset) -> Result<ReadStream> {
    let position = Position::read(start, table.cursor_kind()?)?;
    let mut filter = Filter::new(&table, position)?.dropping_repeats();
    let start = start.clone();
    let items = try_stream! {
        let mut lower = filter.lower.clone();
        for _ in 0..MOST_PASSES {
            let (mut pages, mut newest) = (0, None);
            let mut items = pass(&table, &mut filter, lower.clone())?;
            while let Some(taken) = items.next().await {
                let taken = taken?;
                pages = taken.number;
                newest = newest.max(taken.greatest);
                for item in taken.items {
                    yield item;
                }
            }
            drop(items);
            // A row that moved to the front while pages were read was at neither place; it is there now.
            if !table.reach.is_beyond_horizon() || pages <= 1 || newest <= lower {
                break;
            }
            lower = newest;
            filter.lower.clone_from(&lower);
        }
        yield if filter.has_moved { filter.checkpoint() } else { ReadItem::Checkpoint(start) };
    };
    Ok(items.boxed())
}

/// What a page came to.
struct Taken {
    number: u64,
    /// The greatest cursor on it, of new and known records.
    greatest: Option<Cursor>,
    items: Vec<ReadItem>,
}

type Pass<'r> = BoxStream<'r, Result<Taken>>;

/// One pass over the list.
fn pass<'r>(table: &'r TableRead, filter: &'r mut Filter, lower: Option<Cursor>) -> Result<Pass<'r>> {
    let is_descending = table.plan.incremental().order == CursorOrder::Descending;
    // Newest first, an incremental read mostly ends on the first page: nothing is fetched ahead.
    let read_ahead = (is_descending && lower.is_some()).then_some(1);
    let from = lower.filter(|_| table.plan.from().is_some());
    let mut pages = table.pages(&Bounds::since(from), read_ahead)?;
    let items = try_stream! {
        while let Some(fetched) = pages.next().await {
            let fetched = fetched?;
            let mut places = Vec::new();
            let (mut has_ended, mut greatest) = (false, None);
            for row in table.rows(&fetched)? {
                match filter.judge(table, &row) {
                    Verdict::New => places.push(row.place),
                    Verdict::TooOld if is_descending => {
                        has_ended = true;
                        break;
                    }
                    _ => {}
                }
                greatest = row.cursor.max(greatest);
            }
            yield Taken { number: fetched.number, greatest, items: table.items(&fetched, places) };
            if has_ended {
                break;
            }
        }
    };
    Ok(items.boxed())
}
