//! Reads by partitions, several workers side by side.

use std::sync::Arc;

use async_stream::try_stream;
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::select_all;
use lakeflow_interface::{
    Offset, Partition, ReadContext, ReadItem, ReadMetrics, ReadStream, Records, Result, SupportsPartition, TableOptions,
};

use crate::connector::PythonConnector;
use crate::process::{Part, Worker};
use crate::protocol::{Range, Request, Table, TableFrom};
use crate::settings::PythonSettings;

/// Workers of one table.
const WORKERS: usize = 4;

impl PythonConnector {
    /// The records of partitions, by several workers in no order, and a checkpoint.
    pub(crate) fn read_partitions(
        &self,
        partitions: Vec<Partition>,
        (table, options): (&str, &TableOptions),
        end: Offset,
        context: &ReadContext,
    ) -> ReadStream {
        let share = partitions.len().div_ceil(WORKERS).max(1);
        let streams: Vec<ReadStream> = partitions
            .chunks(share)
            .map(|share| PartitionRead {
                settings: Arc::clone(self.settings()),
                table: table.to_owned(),
                options: options.clone(),
                partitions: share.to_vec(),
                metrics: Arc::clone(&context.metrics),
            })
            .map(PartitionRead::records)
            .collect();
        let checkpoint = futures::stream::once(async { Ok(ReadItem::Checkpoint(end)) });
        select_all(streams).chain(checkpoint).boxed()
    }
}

/// Some partitions of a table, one after the other.
struct PartitionRead {
    settings: Arc<PythonSettings>,
    table: String,
    options: TableOptions,
    partitions: Vec<Partition>,
    metrics: Arc<ReadMetrics>,
}

impl PartitionRead {
    fn records(self) -> ReadStream {
        let Self { settings, table, options, partitions, metrics } = self;
        try_stream! {
            let mut worker = Worker::start(&settings, Some((&table, &options))).await?;
            for partition in &partitions {
                let table = Table { name: &table, options: &options };
                worker.send(&Request::ReadPartition { table, partition }).await?;
                while let Part::Records(records) = worker.next("read_partition").await? {
                    metrics.count_bytes(records.page().len() as u64);
                    yield ReadItem::Records(Records::Json(records));
                }
            }
        }
        .boxed()
    }
}

#[async_trait]
impl SupportsPartition for PythonConnector {
    /// As the connector said when the table's metadata was asked for.
    fn is_partitioned(&self, table: &str, _options: &TableOptions) -> bool {
        self.is_known_as_partitioned(table)
    }

    async fn latest_offset(
        &self,
        table: &str,
        start: &Offset,
        options: &TableOptions,
        _context: &ReadContext,
    ) -> Result<Offset> {
        let from = TableFrom { table: Table { name: table, options }, start: Some(start) };
        self.ask(Some((table, options)), Request::LatestOffset(from)).await
    }

    async fn get_partitions(
        &self,
        table: &str,
        start: &Offset,
        end: &Offset,
        options: &TableOptions,
    ) -> Result<Vec<Partition>> {
        if start == end {
            return Ok(Vec::new());
        }
        let range = Some(Range { start, end });
        self.ask(Some((table, options)), Request::GetPartitions { table: Table { name: table, options }, range }).await
    }

    async fn read_partition(
        &self,
        table: &str,
        partition: &Partition,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<ReadStream> {
        Ok(self.read_partitions(vec![partition.clone()], (table, options), Offset::beginning(), context))
    }
}
