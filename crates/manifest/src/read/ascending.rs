//! Oldest first: from the stored cursor on, with checkpoints on the way.
//!
//! Where pages are counted, by number or by records, a row that is updated or deleted leaves its place and shifts the rows
//! behind it one place forward, past the edge of a page that was read already. Such a list is therefore read by keyset:
//! each request begins at the greatest cursor so far, so that nothing can shift; long lists go by stretches.

use std::time::Instant;

use async_stream::try_stream;
use chrono::{DateTime, Duration, Utc};
use futures::StreamExt;
use futures::stream::BoxStream;
use lakeflow_http::{PagesAhead, Pagination};
use lakeflow_interface::{Error, ErrorKind, Offset, ReadItem, ReadStream, Result};

use super::filter::{Filter, Verdict};
use super::pages::TablePage;
use super::position::Position;
use super::stretch::{Stretch, pages_of_stretch};
use super::{Bounds, Reach, TableRead};
use crate::cursor::Cursor;
use crate::definition::Ceiling;

/// Reads what is new: by keyset, unless the source keeps the place between two pages and a list has no ceiling.
pub(super) fn read(table: TableRead, start: &Offset) -> Result<ReadStream> {
    let position = Position::read(start, table.cursor_kind()?)?;
    let has_bookmark = matches!(table.plan.pagination, Pagination::Cursor { .. } | Pagination::LastRecord { .. });
    let keeps_all = table.plan.is_append() || table.ask.keeps_all;
    if has_bookmark && !keeps_all && !table.plan.has_ceiling() {
        by_pages(table, position, start.clone())
    } else {
        by_keyset(table, position, start.clone())
    }
}

/// What a page came to.
struct Taken {
    items: Vec<ReadItem>,
    /// The greatest cursor on the page, of new and known records.
    greatest: Option<Cursor>,
    /// Whether the page reaches behind the horizon: all that follows does too.
    is_end: bool,
}

/// Hands on a page in parts of the size that the user asks for, each with a checkpoint.
fn take(filter: &mut Filter, table: &TableRead, fetched: &TablePage) -> Result<Taken> {
    let mut taken = Taken { items: Vec::new(), greatest: None, is_end: false };
    let (mut places, batch) = (Vec::new(), table.batch());
    let mut checkpoint = |filter: &mut Filter, places: &mut Vec<_>| {
        let items = table.items(fetched, std::mem::take(places));
        let has_items = !items.is_empty();
        taken.items.extend(items);
        if has_items && filter.is_resumable() {
            taken.items.push(filter.checkpoint());
        }
    };
    for row in table.rows(fetched)? {
        match filter.judge(table, &row) {
            Verdict::New => places.push(row.place),
            Verdict::BehindHorizon => taken.is_end = true,
            Verdict::Known | Verdict::TooOld => {}
        }
        taken.greatest = row.cursor.max(taken.greatest.take());
        if places.len() >= batch {
            checkpoint(filter, &mut places);
        }
    }
    checkpoint(filter, &mut places);
    Ok(taken)
}

/// Pages that follow each other by the source's own bookmark.
fn by_pages(table: TableRead, position: Position, start: Offset) -> Result<ReadStream> {
    let mut filter = Filter::new(&table, position)?;
    let mut chase = Chase::of(&table);
    let mut pages = table.pages(&Bounds::since(filter.lower.clone()), None)?;
    let items = try_stream! {
        while let Some(fetched) = pages.next().await {
            let fetched = fetched?;
            let taken = take(&mut filter, &table, &fetched)?;
            for item in taken.items {
                yield item;
            }
            if taken.is_end {
                break;
            }
            if chase.as_mut().is_some_and(|chase| chase.is_over(taken.greatest.as_ref())) {
                if !fetched.is_last {
                    table.reach.cut_short();
                }
                break;
            }
        }
        yield if filter.has_moved { filter.checkpoint() } else { ReadItem::Checkpoint(start) };
    };
    Ok(items.boxed())
}

/// Each request begins at the greatest cursor so far; further pages only while it stands still, or in stretches.
fn by_keyset(table: TableRead, position: Position, start: Offset) -> Result<ReadStream> {
    let mut filter = Filter::new(&table, position)?;
    let mut chase = Chase::of(&table);
    let items = try_stream! {
        let mut from = filter.lower.clone();
        let mut has_ended = false;
        while !has_ended {
            let (mut records, mut asked) = (0, 0);
            let mut pages = table.pages(&Bounds::since(from.clone()), Some(1))?;
            has_ended = true;
            while let Some(fetched) = pages.next().await {
                let fetched = fetched?;
                let taken = take(&mut filter, &table, &fetched)?;
                for item in taken.items {
                    yield item;
                }
                records += fetched.places.len() as u64;
                asked += 1;
                if taken.is_end || fetched.is_last {
                    table.check_ceiling(records, asked)?;
                    break;
                }
                if chase.as_mut().is_some_and(|chase| chase.is_over(taken.greatest.as_ref())) {
                    table.reach.cut_short();
                    break;
                }
                let ahead = fetched.ahead.clone().filter(|_| filter.is_resumable() && !table.plan.has_ceiling());
                if let Some(ahead) = ahead.filter(|ahead| pages_of_stretch(&table, ahead, 1, &fetched).is_some()) {
                    has_ended = false;
                    let mut stretches = by_stretches(&table, &mut filter, fetched, ahead);
                    while let Some(part) = stretches.next().await {
                        match part? {
                            Part::Item(item) => yield item,
                            Part::End => has_ended = true,
                        }
                    }
                    drop(stretches);
                    from = filter.position.cursor.clone().or(from);
                    break;
                }
                if taken.greatest > from {
                    from = taken.greatest;
                    has_ended = false;
                    break;
                }
            }
        }
        yield if filter.has_moved { filter.checkpoint() } else { ReadItem::Checkpoint(start) };
    };
    Ok(items.boxed())
}

/// Pages that are read of rows which change faster than they can be read.
const MOST_CHASED: u32 = 4;

/// The end of a list that is read beyond the horizon, because its rows have children before it. What has moved there until
/// it is reached is read; what keeps moving is followed for some pages only, or a busy source would never let go. A row
/// that moved ahead of every page is then left, and the read of its children must say so.
struct Chase {
    horizon: DateTime<Utc>,
    began: Instant,
    /// The time, as the horizon's clock has it, at which the horizon was reached.
    reached: Option<DateTime<Utc>>,
    pages: u32,
}

impl Chase {
    /// For a read that goes beyond the horizon, and may be left before its end.
    fn of(table: &TableRead) -> Option<Self> {
        let chase = Self { horizon: table.ask.horizon, began: Instant::now(), reached: None, pages: 0 };
        matches!(table.reach, Reach::EndUnlessBusy(_)).then_some(chase)
    }

    /// Whether to stop behind a page with this greatest cursor.
    fn is_over(&mut self, greatest: Option<&Cursor>) -> bool {
        let Some(greatest) = greatest.filter(|greatest| greatest.is_after(self.horizon)) else { return false };
        let passed = Duration::from_std(self.began.elapsed()).unwrap_or(Duration::MAX);
        let now = || self.horizon.checked_add_signed(passed).unwrap_or(self.horizon);
        let reached = *self.reached.get_or_insert_with(now);
        self.pages += u32::from(greatest.is_after(reached));
        self.pages > MOST_CHASED
    }
}

/// What stretches give.
enum Part {
    Item(ReadItem),
    /// The list has ended, or reaches behind the horizon.
    End,
}

/// What follows the first page of a long list, until it ends or something moved.
fn by_stretches<'r>(
    table: &'r TableRead,
    filter: &'r mut Filter,
    first: TablePage,
    ahead: PagesAhead,
) -> BoxStream<'r, Result<Part>> {
    let items = try_stream! {
        let (mut page, mut number) = (first, 1);
        while let Some(pages) = pages_of_stretch(table, &ahead, number, &page) {
            let stretch = Stretch::begin(table, &ahead, number, pages).await?;
            let before = filter.position.clone();
            filter.begin_stretch(table, &page)?;
            let (mut is_whole, mut is_end) = (None, false);
            let mut pages = stretch.pages();
            while let Some(fetched) = pages.next().await {
                let fetched = fetched?;
                if !*is_whole.get_or_insert(filter.overlaps(table, &fetched)?) {
                    break;
                }
                let taken = take(filter, table, &fetched)?;
                for item in taken.items {
                    yield Part::Item(item);
                }
                is_end = taken.is_end;
                if is_end {
                    break;
                }
            }
            drop(pages);
            number = stretch.last;
            let Some(last) = stretch.finish().await?.filter(|_| is_whole == Some(true)) else {
                filter.go_back(before);
                break;
            };
            if !is_end {
                let taken = take(filter, table, &last)?;
                for item in taken.items {
                    yield Part::Item(item);
                }
                is_end = taken.is_end || last.is_last;
            }
            filter.end_stretch();
            yield Part::Item(filter.checkpoint());
            if is_end {
                yield Part::End;
                break;
            }
            page = last;
        }
    };
    items.boxed()
}

impl TableRead {
    /// A list that ends at the ceiling, and whose cursor stood still up to there, may go on where nobody can ask.
    fn check_ceiling(&self, records: u64, pages: u64) -> Result<()> {
        let (most, found, what) = match self.plan.incremental().ceiling {
            Some(Ceiling::Records(most)) => (most, records, "records"),
            Some(Ceiling::Pages(most)) => (most.pages, pages, "pages"),
            None => return Ok(()),
        };
        if found < most {
            return Ok(());
        }
        let message = format!("expected fewer than {most} {what} with the same cursor, found {found}");
        Err(Error::new(ErrorKind::BadResponse, message)
            .with_hint("the source gives no more of one list; the records behind them cannot be asked for"))
    }
}
