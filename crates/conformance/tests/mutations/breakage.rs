//! Connectors that break one promise each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::datatypes::{Schema, SchemaRef};
use async_stream::try_stream;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt};
use lakeflow_interface::records::{JsonRecords, NodeIndex, Page};
use lakeflow_interface::{
    Error, ErrorKind, Horizon, LakeflowConnect, Offset, ReadContext, ReadItem, ReadStream, Records, Result, Secret,
    SupportsPartition, SupportsWriteBack, TableMetadata, TableOptions,
};

type Inner = Arc<dyn LakeflowConnect>;
type Parameters = BTreeMap<String, Secret>;

/// Makes a connector that breaks one promise.
pub(crate) type Breakage = fn(Inner, &Parameters) -> Inner;

/// What is done to the items of a read; `bool` says whether it was resumed.
type Change = fn(ReadStream, Offset) -> ReadStream;

/// A connector in which something is done to what another one gives.
struct Broken {
    inner: Inner,
    tables: fn(Vec<String>) -> Vec<String>,
    schema: fn(SchemaRef) -> SchemaRef,
    metadata: fn(TableMetadata) -> TableMetadata,
    options: fn(&TableOptions) -> TableOptions,
    start: fn(&Offset) -> Offset,
    horizon: fn(Horizon) -> Horizon,
    error: fn(Error) -> Error,
    change: Change,
}

impl Broken {
    fn new(inner: Inner) -> Self {
        Self {
            inner,
            tables: |tables| tables,
            schema: |schema| schema,
            metadata: |metadata| metadata,
            options: TableOptions::clone,
            start: Offset::clone,
            horizon: |horizon| horizon,
            error: |error| error,
            change: |items, _| items,
        }
    }

    fn with(inner: Inner, change: Change) -> Inner {
        Arc::new(Self { change, ..Self::new(inner) })
    }
}

#[async_trait]
impl LakeflowConnect for Broken {
    async fn list_tables(&self) -> Result<Vec<String>> {
        self.inner.list_tables().await.map(self.tables)
    }

    async fn get_table_schema(&self, table: &str, options: &TableOptions) -> Result<SchemaRef> {
        let schema = self.inner.get_table_schema(table, &(self.options)(options)).await;
        schema.map(self.schema).map_err(self.error)
    }

    async fn read_table_metadata(&self, table: &str, options: &TableOptions) -> Result<TableMetadata> {
        let metadata = self.inner.read_table_metadata(table, &(self.options)(options)).await;
        metadata.map(self.metadata).map_err(self.error)
    }

    async fn read_table(
        &self,
        table: &str,
        start: &Offset,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<ReadStream> {
        let (options, from) = ((self.options)(options), (self.start)(start));
        let context = ReadContext { horizon: (self.horizon)(context.horizon), ..context.clone() };
        let items = self.inner.read_table(table, &from, &options, &context).await.map_err(self.error)?;
        Ok((self.change)(items.map_err(self.error).boxed(), start.clone()))
    }

    async fn read_table_deletes(
        &self,
        table: &str,
        start: &Offset,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<ReadStream> {
        let items = self.inner.read_table_deletes(table, start, options, context).await?;
        Ok((self.change)(items, start.clone()))
    }

    async fn check_connection(&self) -> Result<()> {
        self.inner.check_connection().await
    }

    fn partitions(&self) -> Option<&dyn SupportsPartition> {
        self.inner.partitions()
    }

    fn write_back(&self) -> Option<&dyn SupportsWriteBack> {
        self.inner.write_back()
    }
}

pub(crate) fn names_a_table_twice(inner: Inner, _: &Parameters) -> Inner {
    let tables = |mut tables: Vec<String>| {
        tables.push(tables[0].clone());
        tables
    };
    Arc::new(Broken { tables, ..Broken::new(inner) })
}

pub(crate) fn says_little(inner: Inner, _: &Parameters) -> Inner {
    let error = |error: Error| Error::new(error.kind(), "it did not work");
    Arc::new(Broken { error, ..Broken::new(inner) })
}

pub(crate) fn changes_its_schema(inner: Inner, _: &Parameters) -> Inner {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let schema = |schema: SchemaRef| {
        let kept = schema.fields().len() - (CALLS.fetch_add(1, Ordering::Relaxed) % 2) as usize;
        Arc::new(Schema::new(schema.fields().iter().take(kept).cloned().collect::<Vec<_>>()))
    };
    Arc::new(Broken { schema, ..Broken::new(inner) })
}

pub(crate) fn names_a_key_that_is_no_column(inner: Inner, _: &Parameters) -> Inner {
    let metadata = |mut metadata: TableMetadata| {
        metadata.primary_keys = vec!["uuid".parse().unwrap()];
        metadata
    };
    Arc::new(Broken { metadata, ..Broken::new(inner) })
}

pub(crate) fn ignores_unknown_options(inner: Inner, _: &Parameters) -> Inner {
    const KNOWN: [&str; 5] = ["state", "per_page", "start_date", "lookback_seconds", "max_records_per_batch"];
    let options = |options: &TableOptions| options.iter().filter(|(name, _)| KNOWN.contains(name)).collect();
    Arc::new(Broken { options, ..Broken::new(inner) })
}

pub(crate) fn guesses_a_required_option(inner: Inner, _: &Parameters) -> Inner {
    let options = |options: &TableOptions| [("region", "south")].into_iter().chain(options.iter()).collect();
    Arc::new(Broken { options, ..Broken::new(inner) })
}

pub(crate) fn begins_anew_each_time(inner: Inner, _: &Parameters) -> Inner {
    Arc::new(Broken { start: |_| Offset::beginning(), ..Broken::new(inner) })
}

pub(crate) fn does_not_see_the_horizon(inner: Inner, _: &Parameters) -> Inner {
    let horizon = |horizon: Horizon| Horizon::at(horizon.instant() + chrono::Duration::days(3_650));
    Arc::new(Broken { horizon, ..Broken::new(inner) })
}

/// Reads again and again until a read finds nothing, whatever the horizon.
pub(crate) fn chases_the_end(inner: Inner, _: &Parameters) -> Inner {
    Arc::new(Chasing(inner))
}

struct Chasing(Inner);

#[async_trait]
impl LakeflowConnect for Chasing {
    async fn list_tables(&self) -> Result<Vec<String>> {
        self.0.list_tables().await
    }

    async fn get_table_schema(&self, table: &str, options: &TableOptions) -> Result<SchemaRef> {
        self.0.get_table_schema(table, options).await
    }

    async fn read_table_metadata(&self, table: &str, options: &TableOptions) -> Result<TableMetadata> {
        self.0.read_table_metadata(table, options).await
    }

    async fn read_table(
        &self,
        table: &str,
        start: &Offset,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<ReadStream> {
        let (inner, table, options, mut offset) = (self.0.clone(), table.to_owned(), options.clone(), start.clone());
        let end_of_days = Horizon::at(DateTime::<Utc>::MAX_UTC - chrono::Duration::days(1));
        let context = ReadContext { horizon: end_of_days, ..context.clone() };
        let items = try_stream! {
            loop {
                let mut has_rows = false;
                let mut items = inner.read_table(&table, &offset, &options, &context).await?;
                while let Some(item) = items.try_next().await? {
                    match &item {
                        ReadItem::Checkpoint(at) => offset = at.clone(),
                        _ => has_rows = true,
                    }
                    yield item;
                }
                if !has_rows {
                    break;
                }
            }
        };
        Ok(items.boxed())
    }
}

pub(crate) fn forgets_the_last_checkpoint(inner: Inner, _: &Parameters) -> Inner {
    Broken::with(inner, |mut items, _| {
        let items = try_stream! {
            let mut held = None;
            while let Some(item) = items.try_next().await? {
                if let Some(before) = held.replace(item) {
                    yield before;
                }
            }
        };
        items.boxed()
    })
}

pub(crate) fn keeps_its_offset(inner: Inner, _: &Parameters) -> Inner {
    Broken::with(inner, |items, start| with_offsets(items, move |_| start.clone()))
}

pub(crate) fn puts_its_own_number_into_offsets(inner: Inner, _: &Parameters) -> Inner {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    match COUNT.fetch_add(1, Ordering::Relaxed) % 2 {
        0 => Broken::with(inner, |items, _| with_offsets(items, |offset| offset.with("connector", "even"))),
        _ => Broken::with(inner, |items, _| with_offsets(items, |offset| offset.with("connector", "odd"))),
    }
}

pub(crate) fn takes_an_old_cursor(inner: Inner, _: &Parameters) -> Inner {
    Broken::with(inner, |items, _| with_offsets(items, |offset| offset.with("cursor", "2020-01-01T00:00:00Z")))
}

fn with_offsets(items: ReadStream, change: impl Fn(Offset) -> Offset + Send + 'static) -> ReadStream {
    let items = items.map_ok(move |item| match item {
        ReadItem::Checkpoint(offset) => ReadItem::Checkpoint(change(offset)),
        other => other,
    });
    items.boxed()
}

pub(crate) fn drops_a_row_at_a_resume(inner: Inner, _: &Parameters) -> Inner {
    Broken::with(inner, |items, start| with_first_rows(items, !start.is_beginning(), |rows| rows.skip(1).collect()))
}

pub(crate) fn repeats_a_row_at_a_resume(inner: Inner, _: &Parameters) -> Inner {
    Broken::with(inner, |items, start| {
        with_first_rows(items, !start.is_beginning(), |rows| {
            let rows: Vec<_> = rows.collect();
            rows.first().copied().into_iter().chain(rows.iter().copied()).collect()
        })
    })
}

pub(crate) fn drops_a_deleted_row(inner: Inner, _: &Parameters) -> Inner {
    Broken::with(inner, |items, _| {
        let items = items.map_ok(|item| match item {
            ReadItem::Deletes(Records::Json(records)) => {
                ReadItem::Deletes(Records::Json(with_places(&records, |rows| rows.skip(1).collect())))
            }
            other => other,
        });
        items.boxed()
    })
}

pub(crate) fn gives_children_to_a_stranger(inner: Inner, _: &Parameters) -> Inner {
    Broken::with(inner, |items, _| {
        let items = items.map_ok(|item| match item {
            ReadItem::Records(Records::Json(records)) => {
                let constants = records.constants().iter();
                let constants =
                    constants.map(|(name, value)| (name.clone(), value.as_ref().map(|id| format!("9{id}"))));
                let constants: Vec<_> = constants.collect();
                let records = with_places(&records, |places| places.collect());
                ReadItem::Records(Records::Json(records.with_constants(constants.into())))
            }
            other => other,
        });
        items.boxed()
    })
}

type Places<'p> = &'p mut dyn Iterator<Item = NodeIndex>;

/// The items with the first rows as a function leaves them.
fn with_first_rows(items: ReadStream, wanted: bool, change: fn(Places<'_>) -> Vec<NodeIndex>) -> ReadStream {
    let mut is_due = wanted;
    let items = items.map_ok(move |item| match item {
        ReadItem::Records(Records::Json(records)) if std::mem::take(&mut is_due) => {
            ReadItem::Records(Records::Json(with_places(&records, change)))
        }
        other => other,
    });
    items.boxed()
}

/// The records at the places that a function leaves.
fn with_places(records: &JsonRecords, change: fn(Places<'_>) -> Vec<NodeIndex>) -> JsonRecords {
    let places = change(&mut records.values().map(|value| value.index()));
    let page = Arc::new(Page::parse(records.page().root().raw()).unwrap());
    JsonRecords::new(page, places).with_constants(records.constants().into())
}

pub(crate) fn swallows_errors(inner: Inner, _: &Parameters) -> Inner {
    Broken::with(inner, |mut items, start| {
        let items = try_stream! {
            loop {
                match items.next().await {
                    Some(Ok(item)) => yield item,
                    Some(Err(_)) => {
                        yield ReadItem::Checkpoint(start);
                        break;
                    }
                    None => break,
                }
            }
        };
        items.boxed()
    })
}

pub(crate) fn fails_where_there_is_nothing(inner: Inner, _: &Parameters) -> Inner {
    Broken::with(inner, |mut items, start| {
        let items = try_stream! {
            let mut has_rows = !start.is_beginning();
            while let Some(item) = items.try_next().await? {
                has_rows |= !matches!(item, ReadItem::Checkpoint(_));
                yield item;
            }
            if !has_rows {
                Err(Error::new(ErrorKind::BadResponse, "the list is empty"))?;
            }
        };
        items.boxed()
    })
}

pub(crate) fn logs_the_token(inner: Inner, parameters: &Parameters) -> Inner {
    for (name, value) in parameters {
        tracing::debug!(target: "lakeflow_careless", "connecting with {name}={}", value.expose());
    }
    inner
}
