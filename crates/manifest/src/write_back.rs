//! Test rows, written to the source.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use chrono::Utc;
use lakeflow_interface::{
    Error, ErrorKind, ReadContext, Result, SupportsWriteBack, TableOptions, WritableTable, WrittenRow,
};
use minijinja::value::Value;

use crate::connector::Connector;
use crate::definition::{Request, WriteBack};
use crate::plan::TablePlan;
use crate::template::{self, Scope};

/// Tells the rows of one program from each other.
static COUNT: AtomicU64 = AtomicU64::new(0);

#[async_trait]
impl SupportsWriteBack for Connector {
    fn writable_tables(&self) -> Vec<WritableTable> {
        let plans = self.definition.shared.tables.values();
        let writable = plans.filter_map(|plan| {
            let write_back = plan.table.write_back.as_ref()?;
            Some(WritableTable {
                table: plan.name.clone(),
                can_update: write_back.update.is_some(),
                can_delete: write_back.delete.is_some(),
            })
        });
        writable.collect()
    }

    async fn insert_row(&self, table: &str, options: &TableOptions, context: &ReadContext) -> Result<WrittenRow> {
        let writing = Writing::new(self, table, options, context).await?;
        let (values, scope) = writing.values()?;
        let answer = writing.send(&writing.write_back.insert, &scope).await?.into_page().await?;
        let missing = || {
            Error::new(ErrorKind::BadResponse, format!("the answer to the insert has no `{}`", writing.write_back.row))
        };
        let row = writing.write_back.row.find(&answer).ok_or_else(missing)?;
        let key = |column: &lakeflow_interface::ColumnPath| {
            let text = row.get_path(column.parts()).and_then(|value| value.scalar_text()).ok_or_else(missing)?;
            Ok((column.to_string(), text.into_owned()))
        };
        let keys = writing.plan.metadata.primary_keys.iter().map(key).collect::<Result<_>>()?;
        Ok(WrittenRow { keys, columns: writing.columns(values) })
    }

    async fn update_row(
        &self,
        table: &str,
        row: &WrittenRow,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<WrittenRow> {
        let writing = Writing::new(self, table, options, context).await?;
        let (values, scope) = writing.values()?;
        let update = writing.write_back.update.as_ref().ok_or_else(|| unsupported(table, "updated"))?;
        writing.send(update, &with_row(scope, row)).await?;
        Ok(WrittenRow { keys: row.keys.clone(), columns: writing.columns(values) })
    }

    async fn delete_row(
        &self,
        table: &str,
        row: &WrittenRow,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<()> {
        let writing = Writing::new(self, table, options, context).await?;
        let delete = writing.write_back.delete.as_ref().ok_or_else(|| unsupported(table, "deleted"))?;
        let (_, scope) = writing.values()?;
        writing.send(delete, &with_row(scope, row)).await.map(|_| ())
    }
}

fn unsupported(table: &str, what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("rows of table `{table}` cannot be {what}"))
}

fn with_row(scope: Scope, row: &WrittenRow) -> Scope {
    let last = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
    scope.with("row", row.keys.iter().map(|(name, value)| (last(name), Value::from(value.as_str()))).collect())
}

/// A table that is written to.
struct Writing<'c> {
    connector: &'c Connector,
    plan: Arc<TablePlan>,
    write_back: WriteBack,
    scope: Scope,
    context: &'c ReadContext,
}

impl<'c> Writing<'c> {
    async fn new(
        connector: &'c Connector,
        table: &str,
        options: &TableOptions,
        context: &'c ReadContext,
    ) -> Result<Self> {
        let plan = connector.plan(table, options, &context.metrics).await?;
        let values = plan.option_settings().resolve(options.iter())?;
        let write_back = plan.table.write_back.clone().ok_or_else(|| unsupported(table, "written"))?;
        let words = plan.words.iter().map(|(name, word)| (name.clone(), Value::from(word.as_str()))).collect();
        let scope = connector.scope.clone().with("options", values.for_templates()).with("table", words);
        Ok(Self { connector, plan, write_back, scope, context })
    }

    /// New values, and the scope of a request that writes them.
    fn values(&self) -> Result<(BTreeMap<String, String>, Scope)> {
        let id = format!("{:x}{:x}", Utc::now().timestamp_micros(), COUNT.fetch_add(1, Ordering::Relaxed));
        let scope = self.scope.clone().with("test", [("id".to_owned(), Value::from(id))].into());
        let values = self.write_back.values.iter();
        let values = values.map(|(name, template)| Ok((name.clone(), template::render(template.text(), &scope)?)));
        let values: BTreeMap<String, String> = values.collect::<Result<_>>()?;
        let shown = values.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        Ok((values, scope.with("values", shown)))
    }

    /// What was written, by the column that it comes back in.
    fn columns(&self, values: BTreeMap<String, String>) -> BTreeMap<String, String> {
        let column = |name: String| match self.write_back.columns.get(&name) {
            Some(column) => column.to_string(),
            None => name,
        };
        values.into_iter().map(|(name, value)| (column(name), value)).collect()
    }

    async fn send(&self, request: &Request, scope: &Scope) -> Result<lakeflow_http::Response> {
        let client = self.connector.clients.of(&self.plan.table, &self.connector.scope)?;
        let answer = client.send(&crate::read::request_once(&request.full(), scope)?, &self.context.metrics).await;
        answer.map_err(|error| self.connector.with_hint(error).with_context("table", self.plan.name.clone()))
    }
}
