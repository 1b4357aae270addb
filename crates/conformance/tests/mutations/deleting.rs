//! A connector that tells deleted rows: it remembers the ids that it has seen.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use lakeflow_interface::records::{JsonRecords, Page};
use lakeflow_interface::{
    IngestionType, LakeflowConnect, Offset, ReadContext, ReadItem, ReadStream, Records, Result, SupportsWriteBack,
    TableMetadata, TableOptions,
};
use serde_json::json;

/// A connector that tells deleted rows.
pub(crate) struct Deleting(Arc<dyn LakeflowConnect>);

/// The connector, with deletes.
pub(crate) fn deleting(inner: Arc<dyn LakeflowConnect>) -> Arc<dyn LakeflowConnect> {
    Arc::new(Deleting(inner))
}

#[async_trait]
impl LakeflowConnect for Deleting {
    async fn list_tables(&self) -> Result<Vec<String>> {
        self.0.list_tables().await
    }

    async fn get_table_schema(&self, table: &str, options: &TableOptions) -> Result<SchemaRef> {
        self.0.get_table_schema(table, options).await
    }

    async fn read_table_metadata(&self, table: &str, options: &TableOptions) -> Result<TableMetadata> {
        let metadata = self.0.read_table_metadata(table, options).await?;
        Ok(TableMetadata { ingestion_type: IngestionType::CdcWithDeletes, ..metadata })
    }

    async fn read_table(
        &self,
        table: &str,
        start: &Offset,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<ReadStream> {
        self.0.read_table(table, start, options, context).await
    }

    async fn read_table_deletes(
        &self,
        table: &str,
        start: &Offset,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<ReadStream> {
        let mut items = self.0.read_table(table, &Offset::beginning(), options, context).await?;
        let mut present = BTreeSet::new();
        while let Some(item) = items.try_next().await? {
            let ReadItem::Records(Records::Json(records)) = item else { continue };
            present.extend(records.values().filter_map(|row| Some(row.get("id")?.raw().to_owned())));
        }
        let known = start.get("ids").and_then(|ids| ids.as_array()).cloned().unwrap_or_default();
        let gone = known.iter().filter_map(|id| id.as_str()).filter(|id| !present.contains(*id));
        let gone: Vec<String> = gone.map(|id| format!("{{\"id\": {id}}}")).collect();
        let page = Arc::new(Page::parse(format!("[{}]", gone.join(", ")))?);
        let places = page.root().items().map(|row| row.index()).collect();
        let deletes = ReadItem::Deletes(Records::Json(JsonRecords::new(page, places)));
        let end = ReadItem::Checkpoint(Offset::beginning().with("ids", json!(present)));
        let items = if gone.is_empty() { vec![end] } else { vec![deletes, end] };
        Ok(stream::iter(items.into_iter().map(Ok)).boxed())
    }

    fn write_back(&self) -> Option<&dyn SupportsWriteBack> {
        self.0.write_back()
    }
}
