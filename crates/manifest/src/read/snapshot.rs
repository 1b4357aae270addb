//! A snapshot: everything, each time.

use async_stream::try_stream;
use futures::StreamExt;
use lakeflow_interface::{Offset, ReadItem, ReadStream, Result};

use super::{Bounds, TableRead};

/// Reads the whole table; its offset is always empty.
pub(super) fn read(table: TableRead) -> Result<ReadStream> {
    let mut pages = table.pages(&Bounds::default(), None)?;
    let items = try_stream! {
        while let Some(fetched) = pages.next().await {
            let fetched = fetched?;
            let places = fetched.places.clone();
            for item in table.items(&fetched, places) {
                yield item;
            }
        }
        yield ReadItem::Checkpoint(Offset::beginning());
    };
    Ok(items.boxed())
}
