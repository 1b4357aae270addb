//! A connector whose reads can be split: by the parity of ids, between two cursors.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use lakeflow_interface::records::{JsonRecords, Page};
use lakeflow_interface::{
    LakeflowConnect, Offset, Partition, ReadContext, ReadItem, ReadStream, Records, Result, SupportsPartition,
    TableMetadata, TableOptions,
};
use serde_json::json;

/// A connector whose reads can be split.
pub(crate) struct Splitting {
    inner: Arc<dyn LakeflowConnect>,
    fault: Fault,
}

/// What is wrong with how it splits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// The order of the parts changes from call to call.
    Unstable,
    /// Both parts have the even ids.
    Overlap,
    /// A range that ends where it begins has parts.
    NeverEmpty,
    /// The start of a range is in it.
    StartInclusive,
}

fn with(inner: Arc<dyn LakeflowConnect>, fault: Fault) -> Arc<dyn LakeflowConnect> {
    Arc::new(Splitting { inner, fault })
}

type Inner = Arc<dyn LakeflowConnect>;

pub(crate) fn splitting(inner: Inner) -> Inner {
    with(inner, Fault::None)
}

pub(crate) fn splitting_in_any_order(inner: Inner) -> Inner {
    with(inner, Fault::Unstable)
}

pub(crate) fn splitting_with_overlap(inner: Inner) -> Inner {
    with(inner, Fault::Overlap)
}

pub(crate) fn splitting_nothing(inner: Inner) -> Inner {
    with(inner, Fault::NeverEmpty)
}

pub(crate) fn splitting_with_its_start(inner: Inner) -> Inner {
    with(inner, Fault::StartInclusive)
}

#[async_trait]
impl LakeflowConnect for Splitting {
    async fn list_tables(&self) -> Result<Vec<String>> {
        self.inner.list_tables().await
    }

    async fn get_table_schema(&self, table: &str, options: &TableOptions) -> Result<SchemaRef> {
        self.inner.get_table_schema(table, options).await
    }

    async fn read_table_metadata(&self, table: &str, options: &TableOptions) -> Result<TableMetadata> {
        self.inner.read_table_metadata(table, options).await
    }

    async fn read_table(
        &self,
        table: &str,
        start: &Offset,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<ReadStream> {
        self.inner.read_table(table, start, options, context).await
    }

    fn partitions(&self) -> Option<&dyn SupportsPartition> {
        Some(self)
    }
}

#[async_trait]
impl SupportsPartition for Splitting {
    fn is_partitioned(&self, table: &str, _options: &TableOptions) -> bool {
        table == "tickets"
    }

    async fn latest_offset(
        &self,
        table: &str,
        _start: &Offset,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<Offset> {
        let mut items = self.inner.read_table(table, &Offset::beginning(), options, context).await?;
        let mut end = Offset::beginning();
        while let Some(item) = items.try_next().await? {
            if let ReadItem::Checkpoint(offset) = item {
                end = offset;
            }
        }
        let cursor = end.get("cursor").cloned().unwrap_or_default();
        Ok(Offset::beginning().with("cursor", cursor))
    }

    async fn get_partitions(
        &self,
        _table: &str,
        start: &Offset,
        end: &Offset,
        _options: &TableOptions,
    ) -> Result<Vec<Partition>> {
        static TURN: AtomicBool = AtomicBool::new(false);
        if start == end && self.fault != Fault::NeverEmpty {
            return Ok(Vec::new());
        }
        let second = if self.fault == Fault::Overlap { 0 } else { 1 };
        let part = |parity: u64| {
            let part = json!({"parity": parity, "from": start.get("cursor"), "to": end.get("cursor")});
            Partition(part.as_object().unwrap().clone())
        };
        let mut parts = vec![part(0), part(second)];
        if self.fault == Fault::Unstable && TURN.fetch_xor(true, Ordering::Relaxed) {
            parts.reverse();
        }
        Ok(parts)
    }

    async fn read_partition(
        &self,
        table: &str,
        partition: &Partition,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<ReadStream> {
        let Partition(part) = partition;
        let bound = |name: &str| part.get(name).and_then(|cursor| cursor.as_str()).map(str::to_owned);
        let (from, to, parity) = (bound("from"), bound("to"), part["parity"].as_u64().unwrap());
        let is_start_inclusive = self.fault == Fault::StartInclusive;
        let is_in = move |records: &JsonRecords| {
            let rows = records.values().filter(|row| {
                let cursor = row.get("updated_at").unwrap().as_str().unwrap();
                let id: u64 = row.get("id").unwrap().raw().parse().unwrap();
                let is_after = from
                    .as_deref()
                    .is_none_or(|from| if is_start_inclusive { &*cursor >= from } else { &*cursor > from });
                is_after && to.as_deref().is_none_or(|to| &*cursor <= to) && id % 2 == parity
            });
            rows.map(|row| row.raw().to_owned()).collect::<Vec<String>>()
        };
        let items = self.inner.read_table(table, &Offset::beginning(), options, context).await?;
        let items = items.map_ok(move |item| match item {
            ReadItem::Records(Records::Json(records)) => {
                let page = Arc::new(Page::parse(format!("[{}]", is_in(&records).join(","))).unwrap());
                let places = page.root().items().map(|row| row.index()).collect();
                ReadItem::Records(Records::Json(JsonRecords::new(page, places)))
            }
            other => other,
        });
        Ok(items.boxed())
    }
}
