//! `Read`: one read of a table, call by call.

use std::hash::Hasher;
use std::sync::Arc;

use async_stream::try_stream;
use chrono::{DateTime, NaiveDateTime, Utc};
use futures::StreamExt;
use lakeflow_interface::records::JsonRecords;
use lakeflow_interface::{
    ColumnPath, Horizon, IngestionType, Offset, ReadContext, ReadItem, ReadMetrics, ReadStream, Records, Result,
    TableMetadata, TableOptions,
};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::process::{Part, Worker};
use crate::protocol::{Request, Table, TableFrom};
use crate::walk::{Call, Step, Walk};

/// Which of a table's reads it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Inserted and updated records.
    Changes,
    /// Deleted records.
    Deletes,
}

/// One read of a table, with a worker of its own.
pub(crate) struct Read {
    pub(crate) worker: Worker,
    pub(crate) kind: Kind,
    pub(crate) table: String,
    pub(crate) options: TableOptions,
    pub(crate) cursor: Option<ColumnPath>,
    pub(crate) is_snapshot: bool,
    pub(crate) horizon: Horizon,
    pub(crate) metrics: Arc<ReadMetrics>,
}

impl Read {
    /// A read of a table with this metadata.
    pub(crate) fn new(
        worker: Worker,
        kind: Kind,
        (table, options): (&str, &TableOptions),
        metadata: TableMetadata,
        context: &ReadContext,
    ) -> Self {
        Self {
            worker,
            kind,
            table: table.to_owned(),
            options: options.clone(),
            cursor: metadata.cursor_field,
            is_snapshot: metadata.ingestion_type == IngestionType::Snapshot,
            horizon: context.horizon,
            metrics: Arc::clone(&context.metrics),
        }
    }

    /// The items of the read; the worker ends with the stream.
    pub(crate) fn items_from(mut self, start: &Offset) -> ReadStream {
        let mut walk = Walk::new(self.is_snapshot, start);
        let mut first = First::default();
        try_stream! {
            loop {
                self.call(walk.start()).await?;
                let mut call = Call { records: 0, is_behind_horizon: true };
                let end = loop {
                    match self.worker.next(self.method()).await? {
                        Part::End(end) => break end,
                        Part::Records(records) => {
                            if self.is_snapshot && call.records == 0 && first.comes_again(&records) {
                                if self.is_repetition(&first, records).await? {
                                    yield ReadItem::Checkpoint(Offset::beginning());
                                    return;
                                }
                                // It only began alike: what was looked at is asked for again.
                                first.beginning = None;
                                self.call(walk.start()).await?;
                                continue;
                            }
                            if self.is_snapshot {
                                first.add(&records);
                            }
                            call.records += records.len() as u64;
                            call.is_behind_horizon &= self.is_behind_horizon(&records);
                            self.metrics.count_bytes(records.page().len() as u64);
                            yield self.item(records);
                        }
                    }
                };
                first.is_complete = true;
                call.is_behind_horizon &= call.records > 0;
                match walk.step(call, end).map_err(|error| error.with_context("table", &self.table))? {
                    Step::Again => {}
                    Step::Checkpoint(offset) => yield ReadItem::Checkpoint(offset),
                    Step::End(offset) => {
                        yield ReadItem::Checkpoint(offset);
                        return;
                    }
                }
            }
        }
        .boxed()
    }

    async fn call(&mut self, start: Option<&Offset>) -> Result<()> {
        let from = TableFrom { table: Table { name: &self.table, options: &self.options }, start };
        let request = match self.kind {
            Kind::Changes => Request::ReadTable(from),
            Kind::Deletes => Request::ReadTableDeletes(from),
        };
        self.worker.send(&request).await
    }

    fn method(&self) -> &'static str {
        match self.kind {
            Kind::Changes => "read_table",
            Kind::Deletes => "read_table_deletes",
        }
    }

    fn item(&self, records: JsonRecords) -> ReadItem {
        match self.kind {
            Kind::Changes => ReadItem::Records(Records::Json(records)),
            Kind::Deletes => ReadItem::Deletes(Records::Json(records)),
        }
    }

    /// Whether a call of a snapshot that begins like the first is the first again: some connectors return an offset
    /// behind the last record, and do not look at it. Takes the rest of the call.
    async fn is_repetition(&mut self, first: &First, mut records: JsonRecords) -> Result<bool> {
        let mut again = First::default();
        loop {
            again.add(&records);
            match self.worker.next(self.method()).await? {
                Part::Records(more) => records = more,
                Part::End(_) => return Ok(again.digest.digest() == first.digest.digest()),
            }
        }
    }

    /// Whether all records were changed after the horizon, as far as their cursor tells.
    fn is_behind_horizon(&self, records: &JsonRecords) -> bool {
        let Some(cursor) = &self.cursor else { return false };
        records.values().all(|record| {
            let value = record.get_path(cursor.parts()).and_then(|value| value.as_str());
            value.and_then(|text| instant(&text)).is_some_and(|instant| instant > self.horizon.instant())
        })
    }
}

/// The instant that ISO 8601 text has; without a zone it is UTC.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let zoned = DateTime::parse_from_rfc3339(text).map(|instant| instant.to_utc()).ok();
    zoned.or_else(|| Some(NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok()?.and_utc()))
}

/// What the first call of a snapshot gave, to know it when it comes again.
#[derive(Default)]
struct First {
    beginning: Option<u64>,
    digest: Xxh3,
    is_complete: bool,
}

impl First {
    /// Adds records, until the call is complete. How they were cut into pages makes no difference.
    fn add(&mut self, records: &JsonRecords) {
        if self.is_complete {
            return;
        }
        for record in records.values() {
            let text = record.raw();
            self.beginning.get_or_insert_with(|| xxh3_64(text.as_bytes()));
            self.digest.write(text.as_bytes());
            self.digest.write_u8(b',');
        }
    }

    /// Whether records begin as the first call did.
    fn comes_again(&self, records: &JsonRecords) -> bool {
        let beginning = records.values().next().map(|record| xxh3_64(record.raw().as_bytes()));
        self.is_complete && self.beginning.is_some() && self.beginning == beginning
    }
}
