//! Partitions: the windows of a table, read by several workers.

use async_trait::async_trait;
use lakeflow_interface::{
    Error, ErrorKind, Offset, Partition, ReadContext, ReadStream, Result, SupportsPartition, TableOptions,
};
use serde_json::{Map, Value as Json};

use crate::connector::Connector;
use crate::cursor::{Cursor, Instant};
use crate::plan::ReadKind;
use crate::read::read_range;

#[async_trait]
impl SupportsPartition for Connector {
    fn is_partitioned(&self, table: &str, _options: &TableOptions) -> bool {
        let plan = self.definition.plan(table);
        plan.is_ok_and(|plan| matches!(plan.read_kind(), ReadKind::Windows | ReadKind::CompleteWindows))
    }

    async fn latest_offset(
        &self,
        table: &str,
        start: &Offset,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<Offset> {
        let plan = self.plan(table, options, &context.metrics).await?;
        let read = self.table_read(plan, options, context).await?;
        Ok(read.latest(instant(start)?)?.map_or_else(|| start.clone(), |until| until_offset(&Cursor::at(until))))
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
        let missing = || Error::new(ErrorKind::Configuration, format!("`{end}` is not the end of a range"));
        let until = instant(end)?.ok_or_else(missing)?;
        let context = ReadContext::new(lakeflow_interface::Horizon::at(until));
        let plan = self.plan(table, options, &context.metrics).await?;
        let read = self.table_read(plan, options, &context).await?;
        let ranges = read.ranges(instant(start)?, until).await?;
        Ok(ranges.into_iter().map(|(from, to)| partition(from.as_ref(), &to)).collect())
    }

    async fn read_partition(
        &self,
        table: &str,
        partition: &Partition,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<ReadStream> {
        let plan = self.plan(table, options, &context.metrics).await?;
        let bound = |name: &str| partition.0.get(name).and_then(Json::as_str).and_then(Instant::parse);
        let to = bound("to").ok_or_else(|| {
            Error::new(
                ErrorKind::Configuration,
                format!("expected a partition of table `{table}`, found another object"),
            )
        })?;
        let read = self.table_read(plan, options, context).await?;
        read_range(read, bound("from").map(|from| from.0), to.0)
    }
}

fn until_offset(until: &Cursor) -> Offset {
    Offset::beginning().with("until", until.text.to_string())
}

fn partition(from: Option<&chrono::DateTime<chrono::Utc>>, to: &chrono::DateTime<chrono::Utc>) -> Partition {
    let mut bounds = Map::new();
    bounds.extend(from.map(|from| ("from".to_owned(), Json::from(&*Cursor::at(*from).text))));
    bounds.insert("to".to_owned(), Json::from(&*Cursor::at(*to).text));
    Partition(bounds)
}

/// The instant up to which an offset says that all is read.
fn instant(offset: &Offset) -> Result<Option<chrono::DateTime<chrono::Utc>>> {
    if offset.is_beginning() {
        return Ok(None);
    }
    let text = offset.get("until").or_else(|| offset.get("cursor")).and_then(Json::as_str);
    let invalid = || Error::new(ErrorKind::Configuration, format!("`{offset}` is not an offset of this table"));
    text.and_then(Instant::parse).map(|instant| Some(instant.0)).ok_or_else(invalid)
}
