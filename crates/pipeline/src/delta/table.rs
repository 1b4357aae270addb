//! A destination table: load it, create it, evolve it.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use delta_kernel::committer::FileSystemCommitter;
use delta_kernel::expressions::ColumnName;
use delta_kernel::snapshot::{Snapshot, SnapshotRef};
use delta_kernel::transaction::CommitResult;
use delta_kernel::transaction::create_table::{CreateTableTransactionBuilder, create_table};
use delta_kernel::transaction::data_layout::DataLayout;
use futures::TryStreamExt;
use lakeflow_interface::{ColumnPath, Error, ErrorKind, Result};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use url::Url;

use super::destination::Destination;
use super::lakehouse::{Engine, Shared};
use super::scan::Footers;
use super::schema::{leaves, locate, needs_column_mapping, to_delta};
use super::state::{Moved, TableState};
use super::storage::{internal_error, kernel_error, storage_error};
use super::writer::{DataWriter, StagedFile, WriterSettings};

/// What commits say wrote them.
pub(crate) const ENGINE_INFO: &str = concat!("community-connector/", env!("CARGO_PKG_VERSION"));

/// Of so many columns, counted from the first as Delta counts them, those of a fixed width get statistics.
const STATISTICS_COLUMNS: usize = 32;

/// A handle to a destination table, whether it exists or not.
#[derive(Clone)]
pub struct DeltaTable {
    destination: Destination,
    url: Url,
    shared: Arc<Shared>,
}

impl DeltaTable {
    pub(crate) fn new(destination: Destination, lakehouse: &Url, shared: Arc<Shared>) -> Result<Self> {
        let mut url = lakehouse.clone();
        url.path_segments_mut()
            .map_err(|()| Error::new(ErrorKind::Internal, "the lakehouse's URL has no path"))?
            .pop_if_empty()
            .extend(destination.folder().split('/'))
            .push("");
        Ok(Self { destination, url, shared })
    }

    /// The name of the table.
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Where the table is; ends with a slash.
    pub fn location(&self) -> &Url {
        &self.url
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.shared.engine
    }

    pub(crate) fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.shared.store
    }

    pub(crate) fn runtime(&self) -> &tokio::runtime::Handle {
        &self.shared.runtime
    }

    pub(crate) fn footers(&self) -> &Footers {
        &self.shared.footers
    }

    /// The place of a file of the table in the object store; `path` is as the log writes it, percent-encoded.
    pub(crate) fn file(&self, path: &str) -> Result<Path> {
        let url =
            self.url.join(path).map_err(|cause| internal_error("a data file has a path that is no URL", cause))?;
        Path::from_url_path(url.path()).map_err(|cause| internal_error("a data file has a path that is no path", cause))
    }

    /// Runs the kernel's blocking work on a thread for such.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let result = self.shared.runtime.spawn_blocking(work).await;
        result
            .map_err(|cause| internal_error("work on the table was cut off", cause))?
            .map_err(|error| self.located(error))
    }

    /// The error with the table's name and place.
    pub(crate) fn located(&self, error: Error) -> Error {
        error.with_context("table", self.destination.to_string()).with_context("location", self.url.to_string())
    }

    /// The newest version of the table; none where nothing is.
    ///
    /// What is there but is not a Delta table is a [`ErrorKind::Configuration`] error.
    pub async fn load(&self) -> Result<Option<TableState>> {
        if !self.has_log().await.map_err(|error| self.located(error))? {
            return Ok(None);
        }
        let table = self.clone();
        self.blocking(move || TableState::read(table.clone(), table.snapshot()?)).await.map(Some)
    }

    pub(crate) fn snapshot(&self) -> Result<SnapshotRef> {
        Snapshot::builder_for(self.url.as_str())
            .build(self.engine())
            .map_err(|cause| kernel_error("the Delta table cannot be loaded", cause))
    }

    /// Whether a Delta table is here; an error where something else is.
    async fn has_log(&self) -> Result<bool> {
        let unreadable = |cause| storage_error("the table's folder cannot be read", cause);
        let root = Path::from_url_path(self.url.path())
            .map_err(|cause| internal_error("the table's URL has no path", cause))?;
        if self.store().head(&root).await.is_ok() {
            return Err(self.occupied("a file"));
        }
        let listing = self.store().list_with_delimiter(Some(&root)).await.map_err(unreadable)?;
        let log = root.clone().join("_delta_log");
        if listing.common_prefixes.contains(&log) {
            // A log without a commit is what a crash while the table was created leaves behind.
            let mut entries = self.store().list(Some(&log));
            while let Some(entry) = entries.try_next().await.map_err(unreadable)? {
                let name = entry.location.filename().unwrap_or_default();
                if name.as_bytes().first().is_some_and(u8::is_ascii_digit)
                    && (name.ends_with(".json") || name.ends_with(".parquet"))
                {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        match listing.objects.is_empty() && listing.common_prefixes.is_empty() {
            true => Ok(false),
            false => Err(self.occupied("a folder that is not a Delta table and is not empty")),
        }
    }

    fn occupied(&self, by: &str) -> Error {
        Error::new(ErrorKind::Configuration, format!("expected a Delta table or nothing, found {by}"))
            .with_hint("choose another destination, or move away what is there")
    }

    /// Creates the table as version 0, without rows and without a checkpoint, in a commit of its own.
    ///
    /// An empty table without a checkpoint means "begin at the beginning", as no table does; so a crash after this commit
    /// loses nothing. A table that somebody else created meanwhile is a [`ErrorKind::Conflict`] error.
    pub async fn create(&self, table: &NewTable) -> Result<TableState> {
        let (handle, table) = (self.clone(), table.clone());
        self.blocking(move || {
            handle.make_folder()?;
            let transaction = table.creation(&handle.url)?;
            let snapshot = commit_creation(transaction, handle.engine())?;
            TableState::new(handle, snapshot, BTreeMap::new())
        })
        .await
    }

    /// Makes the folder of a local table, which the kernel wants to be there.
    fn make_folder(&self) -> Result<()> {
        match self.url.scheme() == "file" {
            true => {
                let folder = self
                    .url
                    .to_file_path()
                    .map_err(|()| internal_error("the table's URL has no path", "not a file"))?;
                std::fs::create_dir_all(folder)
                    .map_err(|cause| storage_error("the table's folder cannot be made", cause))
            }
            false => Ok(()),
        }
    }

    /// How the table has moved since a state, as far as a flow is concerned.
    pub async fn moved(&self, since: &TableState, flow: &str) -> Result<Moved> {
        let state = self
            .load()
            .await?
            .ok_or_else(|| self.located(Error::new(ErrorKind::Conflict, "the table was removed meanwhile")))?;
        let aftermath = self.aftermath(since.version(), state.version()).await?;
        Ok(Moved { flow_moved: state.checkpoint(flow) != since.checkpoint(flow), aftermath, state })
    }

    /// A writer of data files for a state of the table.
    pub fn writer(&self, state: &TableState, settings: WriterSettings) -> DataWriter {
        DataWriter::new(self.clone(), Arc::clone(&state.layout), settings)
    }

    /// Deletes data files that will not be committed, as far as that is possible: what stays is harmless.
    pub async fn discard(&self, staged: Vec<StagedFile>) {
        for file in staged {
            let deleted = match self.file(&file.path) {
                Ok(path) => self.store().delete(&path).await.map_err(|cause| cause.to_string()),
                Err(error) => Err(error.to_string()),
            };
            if let Err(cause) = deleted {
                tracing::warn!(table = %self.destination, file = %file.path, cause, "an uncommitted data file stays");
            }
        }
    }
}

/// Commits a new table and gives its first snapshot.
pub(crate) fn commit_creation(
    builder: CreateTableTransactionBuilder,
    engine: &dyn delta_kernel::Engine,
) -> Result<SnapshotRef> {
    let failed = |cause| kernel_error("the Delta table cannot be created", cause);
    let result =
        builder.build(engine, Box::new(FileSystemCommitter::new())).and_then(|t| t.commit(engine)).map_err(failed)?;
    match result {
        CommitResult::Committed(committed) => committed
            .post_commit_snapshot()
            .cloned()
            .ok_or_else(|| Error::new(ErrorKind::Internal, "the kernel gives no snapshot of the new table")),
        CommitResult::Conflicted(_) => {
            Err(Error::new(ErrorKind::Conflict, "somebody else created the table meanwhile").with_hint(
                "another run of this pipeline is at work; let it finish and run again: what it filled stays",
            ))
        }
        CommitResult::Retryable(retryable) => Err(failed(retryable.error)),
    }
}

/// What a table is created with.
#[derive(Clone, Debug)]
pub struct NewTable {
    pub(crate) schema: SchemaRef,
    statistics: Vec<ColumnPath>,
    clustering: Vec<ColumnPath>,
    properties: BTreeMap<String, String>,
}

impl NewTable {
    /// A table with these columns; comments are taken from the fields' metadata, key `comment`.
    pub fn new(schema: SchemaRef) -> Self {
        Self { schema, statistics: Vec::new(), clustering: Vec::new(), properties: BTreeMap::new() }
    }

    /// Names columns that need statistics wherever they stand: the keys and the sequence.
    #[must_use]
    pub fn with_statistics(mut self, columns: impl IntoIterator<Item = ColumnPath>) -> Self {
        self.statistics.extend(columns);
        self
    }

    /// Clusters the table by these columns: `optimize` sorts its rows, and they get statistics.
    #[must_use]
    pub fn with_clustering(mut self, columns: impl IntoIterator<Item = ColumnPath>) -> Self {
        self.clustering.extend(columns);
        self
    }

    /// Sets a table property.
    #[must_use]
    pub fn with_property(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.properties.insert(name.into(), value.into());
        self
    }

    /// The kernel's builder of this table.
    pub(crate) fn creation(&self, url: &Url) -> Result<CreateTableTransactionBuilder> {
        let mut properties = BTreeMap::from([
            ("delta.enableDeletionVectors".to_owned(), "true".to_owned()),
            ("delta.feature.domainMetadata".to_owned(), "supported".to_owned()),
        ]);
        if needs_column_mapping(self.schema.fields()) {
            properties.insert("delta.columnMapping.mode".to_owned(), "name".to_owned());
        }
        match self.statistics_columns()? {
            none if none.is_empty() => properties.insert("delta.dataSkippingNumIndexedCols".to_owned(), "0".to_owned()),
            columns => properties.insert("delta.dataSkippingStatsColumns".to_owned(), columns),
        };
        properties.extend(self.properties.clone());
        let schema = Arc::new(to_delta(&self.schema)?);
        let builder = create_table(url.as_str(), schema, ENGINE_INFO, false).with_table_properties(properties);
        if self.clustering.is_empty() {
            return Ok(builder);
        }
        let columns = self.clustering.iter().map(|column| ColumnName::new(column.parts())).collect();
        Ok(builder.with_data_layout(DataLayout::Clustered { columns }))
    }

    /// The columns that get statistics, as Delta writes their list.
    ///
    /// Of texts, only those that were named: their bounds cost a comparison for each value and space in each commit, and
    /// leave out no file unless the table is laid out by them.
    fn statistics_columns(&self) -> Result<String> {
        for path in self.statistics.iter().chain(&self.clustering) {
            locate(self.schema.fields(), path)?;
        }
        let is_named = |path: &[&str]| self.statistics.iter().any(|named| named.parts() == path);
        let leaves = leaves(self.schema.fields()).into_iter().enumerate();
        let chosen = leaves.filter(|(number, (path, data_type))| {
            is_named(path) || (*number < STATISTICS_COLUMNS && has_fixed_width(data_type))
        });
        let quoted = chosen.map(|(_, (path, _))| {
            path.iter().map(|part| format!("`{}`", part.replace('`', "``"))).collect::<Vec<_>>().join(".")
        });
        Ok(quoted.collect::<Vec<_>>().join(","))
    }
}

fn has_fixed_width(data_type: &DataType) -> bool {
    data_type.primitive_width().is_some() || *data_type == DataType::Boolean
}
