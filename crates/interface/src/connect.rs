//! `LakeflowConnect`: what a connector can be asked.

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Offset, ReadContext, ReadStream, Result, TableMetadata, TableOptions};

/// A connector to one account of one source.
///
/// Constructing one does no I/O; the first request is made by the first method that needs it.
#[async_trait]
pub trait LakeflowConnect: Send + Sync {
    /// The names of the tables that this connection can read.
    ///
    /// Behavior:
    /// - `table_names_are_unique`: no name occurs twice.
    async fn list_tables(&self) -> Result<Vec<String>>;

    /// The Arrow schema of a table's rows.
    ///
    /// Behavior:
    /// - `schema_is_stable`: the same table and options give the same schema.
    /// - `unknown_table_is_an_error`: the error names the nearest known table.
    async fn get_table_schema(&self, table: &str, options: &TableOptions) -> Result<SchemaRef>;

    /// Primary keys, cursor field and ingestion type of a table.
    ///
    /// Behavior:
    /// - `keys_are_columns`: every primary key and the cursor field name a column of the schema.
    /// - `unknown_option_is_an_error`: the error names the nearest known option; so it is of a read.
    /// - `missing_option_is_an_error`: a required option that is not given is named; so it is of a read.
    async fn read_table_metadata(&self, table: &str, options: &TableOptions) -> Result<TableMetadata>;

    /// The records of a table from an offset on, up to the context's horizon.
    ///
    /// Behavior:
    /// - `last_item_is_a_checkpoint`: the stream ends with a checkpoint, or with an error.
    /// - `nothing_new_yields_the_start`: a read that finds nothing yields exactly the start offset.
    /// - `records_move_the_offset`: an offset that differs from the one before follows every record of an incremental
    ///   table. A snapshot's offset is always empty.
    /// - `reads_end`: a source that keeps changing does not keep a read going.
    /// - `rows_behind_the_horizon_wait`: what was changed after the run began is left for the next run.
    /// - `changes_arrive_exactly`: a read from where the last one ended gives what was added or changed since.
    /// - `offsets_are_replayable`: an offset means the same to another connector, after it was written as JSON.
    /// - `resume_equals_one_read`: what came before a checkpoint and what is read from it are one uninterrupted read.
    /// - `equal_cursors_are_not_lost`: not at the edge of a page or batch, and not between two reads.
    /// - `passing_faults_lose_nothing`: what passes by itself is tried again, and nothing comes twice for it.
    /// - `failed_page_fails_the_read`: no part of the table is left out silently.
    /// - `auth_failure_names_the_parameter`: the error says which connection parameter to look at.
    /// - `no_secret_is_shown`: not in a log, an error, an offset or a row.
    async fn read_table(
        &self,
        table: &str,
        start: &Offset,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<ReadStream>;

    /// The rows deleted since an offset, with at least their primary keys and cursor field; only for
    /// [`IngestionType::CdcWithDeletes`](crate::IngestionType::CdcWithDeletes) tables that need a second read for it.
    ///
    /// Behavior:
    /// - `deletes_arrive`: every row that was deleted since the offset is told, here or by the read itself; no other is.
    async fn read_table_deletes(
        &self,
        table: &str,
        _start: &Offset,
        _options: &TableOptions,
        _context: &ReadContext,
    ) -> Result<ReadStream> {
        Err(Error::new(ErrorKind::Unsupported, format!("table `{table}` has no separate read of deleted rows")))
    }

    /// Asks the source whether the connection works; the error says what does not.
    async fn check_connection(&self) -> Result<()> {
        self.list_tables().await.map(|_| ())
    }

    /// The ability to list tables by namespace.
    fn namespaces(&self) -> Option<&dyn SupportsNamespaces> {
        None
    }

    /// The ability to split a read among several workers.
    fn partitions(&self) -> Option<&dyn SupportsPartition> {
        None
    }

    /// The ability to write test rows to the source.
    fn write_back(&self) -> Option<&dyn SupportsWriteBack> {
        None
    }
}

/// A table that test rows can be written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WritableTable {
    /// Its name.
    pub table: String,
    /// Whether rows can be updated.
    pub can_update: bool,
    /// Whether rows can be deleted.
    pub can_delete: bool,
}

/// A row that was written to the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenRow {
    /// Its primary key: the values by column, as text.
    pub keys: BTreeMap<String, String>,
    /// What was written: the values, as text, by the column (`outer.inner`) that they come back in.
    pub columns: BTreeMap<String, String>,
}

/// A connector that can write test rows to its source, to see whether a read finds them.
#[async_trait]
pub trait SupportsWriteBack: Send + Sync {
    /// The tables that rows can be written to.
    fn writable_tables(&self) -> Vec<WritableTable>;

    /// Inserts a row that is like no other.
    async fn insert_row(&self, table: &str, options: &TableOptions, context: &ReadContext) -> Result<WrittenRow>;

    /// Changes what can be changed of a row that was inserted.
    async fn update_row(
        &self,
        table: &str,
        row: &WrittenRow,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<WrittenRow>;

    /// Deletes a row that was inserted.
    async fn delete_row(
        &self,
        table: &str,
        row: &WrittenRow,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<()>;
}

/// A connector whose tables live in a hierarchy of namespaces.
#[async_trait]
pub trait SupportsNamespaces: Send + Sync {
    /// The full paths of the namespaces directly below `prefix`; the root is the empty path.
    async fn list_namespaces(&self, prefix: &[String]) -> Result<Vec<Vec<String>>>;

    /// The tables directly in a namespace.
    async fn list_tables_in_namespace(&self, namespace: &[String]) -> Result<Vec<String>>;
}

/// One share of a read: a small JSON object that only its connector understands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Partition(pub serde_json::Map<String, serde_json::Value>);

/// A connector that can split the read of a table among several workers.
///
/// Ranges are start-exclusive and end-inclusive.
///
/// Behavior:
/// - `partitions_are_stable`: the same range has the same partitions.
/// - `partitions_cover_the_table_once`: together they give every row of the range once.
/// - `partitions_give_what_is_new`: those of a later range give what was added, changed and deleted in it.
/// - `equal_offsets_have_no_partitions`: a source that stands still keeps its latest offset.
#[async_trait]
pub trait SupportsPartition: Send + Sync {
    /// Whether this table, with these options, can be split.
    fn is_partitioned(&self, table: &str, options: &TableOptions) -> bool;

    /// A cheap high-water mark, not later than the horizon.
    async fn latest_offset(
        &self,
        table: &str,
        start: &Offset,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<Offset>;

    /// The partitions that cover the range exactly once; none where `start` equals `end`.
    async fn get_partitions(
        &self,
        table: &str,
        start: &Offset,
        end: &Offset,
        options: &TableOptions,
    ) -> Result<Vec<Partition>>;

    /// The records of one partition; its checkpoints carry no meaning.
    async fn read_partition(
        &self,
        table: &str,
        partition: &Partition,
        options: &TableOptions,
        context: &ReadContext,
    ) -> Result<ReadStream>;
}
