//! The destination of one flow: its table, the rows staged for it, and the commits that make them durable.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use chrono::Utc;
use lakeflow_interface::{ColumnPath, Error, ErrorKind, Horizon, Result, Retry};

use super::history::{END_AT, START_AT, destination_schema};
use super::{FlowKind, Place};
use crate::delta::{
    Checkpoint, Commit, DataWriter, DeletedRows, DeltaTable, NewTable, Operation, OptimizeSettings, TableState,
    TombstoneFile, WriterSettings, conform, to_arrow, to_delta,
};
use crate::engine::Cadence;
use crate::event::{Event, Observer, RowCounts, Totals};
use crate::plan::PlannedTable;

/// How often a commit is tried again because others added files.
const ATTEMPTS: usize = 20;

/// The versions between two looks at the files of a table, where nobody needed to know them anyway.
const TIDY_INTERVAL: u64 = 8;

/// What a target needs to know of its run.
#[derive(Clone)]
pub(crate) struct TargetSettings {
    /// The run's name.
    pub(crate) run: String,
    pub(crate) horizon: Horizon,
    pub(crate) cadence: Cadence,
    /// The bytes that a flow may hold back for lookups.
    pub(crate) pending_bytes: usize,
    pub(crate) writer: WriterSettings,
    /// Whether the first commit replaces the whole table.
    pub(crate) full_refresh: bool,
    pub(crate) observer: Observer,
}

/// The destination of one flow.
pub(crate) struct Target {
    plan: Arc<PlannedTable>,
    flow: String,
    table: DeltaTable,
    schema: SchemaRef,
    /// The columns as the table gives them back.
    canonical: SchemaRef,
    settings: TargetSettings,
    /// The table as it is; none where it does not exist.
    state: Option<TableState>,
    /// Whether the state has the columns of the rows to come.
    is_prepared: bool,
    is_refreshing: bool,
    place: Place,
    tombstones: Vec<TombstoneFile>,
    next_batch: i64,
    writer: Option<DataWriter>,
    staged: Staged,
    /// Rescued rows that no commit carries yet.
    rescued: u64,
    totals: Totals,
    warnings: BTreeMap<String, u64>,
}

/// What has been written since the last commit.
struct Staged {
    rows: u64,
    bytes: u64,
    since: Instant,
}

/// What a commit does besides adding the staged rows.
#[derive(Debug, Default)]
pub(crate) struct Effect {
    /// Rows of the table that go.
    pub(super) superseded: DeletedRows,
    /// What it comes to.
    pub(super) counts: RowCounts,
    /// All tombstones from here on; none where they stay as they are.
    pub(super) tombstones: Option<Vec<TombstoneFile>>,
}

impl Effect {
    /// Rows that were not there before, and nothing else.
    pub(super) fn inserted(rows: u64) -> Self {
        Self { counts: RowCounts { inserted: rows, ..RowCounts::default() }, ..Self::default() }
    }

    /// Whether it changes nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.superseded.is_empty() && self.tombstones.is_none()
    }
}

impl Staged {
    fn nothing() -> Self {
        Self { rows: 0, bytes: 0, since: Instant::now() }
    }
}

impl Target {
    /// Looks at the destination; changes nothing. `schema` is that of the rows to come.
    pub(crate) async fn open(
        plan: Arc<PlannedTable>,
        table: DeltaTable,
        schema: SchemaRef,
        settings: TargetSettings,
    ) -> Result<Self> {
        let flow = plan.flow_name();
        let schema = destination_schema(&plan, &schema)?;
        let state = table.load().await?;
        if let Some(state) = &state {
            check_ours(state, &plan).await?;
        }
        let checkpoint = state.as_ref().and_then(|state| state.checkpoint(&flow));
        let next_batch = checkpoint.map_or(0, |checkpoint| checkpoint.batch + 1);
        let is_refreshing = settings.full_refresh && state.is_some();
        if let Some(state) = state.as_ref().filter(|_| !is_refreshing && checkpoint.is_some()) {
            check_same_kind(state, &plan)?;
        }
        let (place, tombstones) = match checkpoint {
            Some(checkpoint) if !is_refreshing => (Place::of(checkpoint), checkpoint.tombstones.clone()),
            _ => (Place::default(), Vec::new()),
        };
        let canonical = match &state {
            Some(state) if !is_refreshing => in_table(state, &schema).map_err(|error| table.located(error))?,
            _ => canonical(&schema)?,
        };
        Ok(Self {
            plan,
            flow,
            table,
            schema,
            canonical,
            settings,
            state,
            is_prepared: false,
            is_refreshing,
            place,
            tombstones,
            next_batch,
            writer: None,
            staged: Staged::nothing(),
            rescued: 0,
            totals: Totals::default(),
            warnings: BTreeMap::new(),
        })
    }

    /// The plan that this carries out.
    pub(super) fn plan(&self) -> &Arc<PlannedTable> {
        &self.plan
    }

    /// The table that this fills.
    pub(super) fn table(&self) -> &DeltaTable {
        &self.table
    }

    /// The columns as the table gives them back; nothing is NOT NULL.
    pub(super) fn canonical_schema(&self) -> &SchemaRef {
        &self.canonical
    }

    /// Rows in the types that the table gives them back in; nothing is NOT NULL.
    pub(super) fn canonical(&self, rows: &RecordBatch) -> Result<RecordBatch> {
        conform(rows, &self.canonical)
    }

    /// The bytes that a flow may hold back for lookups.
    pub(super) fn pending_bytes(&self) -> usize {
        self.settings.pending_bytes
    }

    /// The place that the last commit reached.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The tombstones of the last commit.
    pub(super) fn tombstones(&self) -> &[TombstoneFile] {
        &self.tombstones
    }

    /// The instant at which the run began.
    pub(super) fn horizon(&self) -> Horizon {
        self.settings.horizon
    }

    /// The counters so far.
    pub(crate) fn totals(&self) -> Totals {
        self.totals
    }

    /// Counts records that the source gave.
    pub(crate) fn count_read(&mut self, rows: u64) {
        self.totals.rows_read += rows;
    }

    /// Counts rows with values that do not fit.
    pub(crate) fn count_rescued(&mut self, rows: u64) {
        if rows > 0 {
            self.rescued += rows;
            self.tell(Event::Rescued { table: self.flow.clone(), rows });
        }
    }

    /// Counts something odd; told when the table is done.
    pub(crate) fn warn(&mut self, message: impl Into<String>, count: u64) {
        *self.warnings.entry(message.into()).or_default() += count;
    }

    /// What was odd so far.
    pub(crate) fn warnings(&self) -> &BTreeMap<String, u64> {
        &self.warnings
    }

    fn tell(&self, event: Event) {
        (self.settings.observer)(event);
    }

    /// Whether rows wait for their commit.
    pub(crate) fn has_rows(&self) -> bool {
        self.staged.rows > 0
    }

    /// The number of rows that wait for their commit.
    pub(super) fn staged_rows(&self) -> u64 {
        self.staged.rows
    }

    /// Whether the end of a read at this place is worth a commit.
    pub(super) fn has_news(&self, place: &Place) -> bool {
        self.has_rows() || self.is_refreshing || *place != self.place || self.next_batch == 0
    }

    /// Whether the cadence asks for a commit of what is staged.
    pub(super) fn is_due(&self) -> bool {
        self.is_due_with(0, 0)
    }

    /// Whether the cadence asks for a commit of what is staged and of rows that are held back.
    pub(super) fn is_due_with(&self, rows: u64, bytes: u64) -> bool {
        let Cadence { rows: most_rows, bytes: most_bytes, interval } = self.settings.cadence;
        let (rows, bytes) = (self.staged.rows + rows, self.staged.bytes + bytes);
        rows > 0 && (rows >= most_rows || bytes >= most_bytes || self.staged.since.elapsed() >= interval)
    }

    /// Whether there is no row to compare with: no table, an empty one, or one that is about to be replaced.
    pub(super) async fn is_blank(&self) -> Result<bool> {
        match &self.state {
            Some(state) if !self.is_refreshing => Ok(!state.has_files().await?),
            _ => Ok(true),
        }
    }

    /// The table as the last commit left it, with the columns of the rows to come.
    pub(super) async fn prepare(&mut self) -> Result<TableState> {
        match (&self.state, self.is_prepared) {
            (Some(state), true) => return Ok(state.clone()),
            (Some(state), false) if self.is_refreshing => {
                self.state = Some(self.table.replacement(state, &self.new_table()).await?);
            }
            (Some(state), false) => {
                let state = self.table.evolve(state, &self.schema).await?;
                self.state = Some(match &self.plan.cluster_by[..] {
                    [] => state,
                    columns => self.table.cluster_by(&state, columns).await?,
                });
            }
            (None, _) => self.state = Some(self.table.create(&self.new_table()).await?),
        }
        self.is_prepared = true;
        self.state.clone().ok_or_else(|| Error::new(ErrorKind::Internal, "the destination has no state"))
    }

    fn new_table(&self) -> NewTable {
        let columns = self.plan.primary_keys.iter().chain(&self.plan.sequence_by).cloned();
        let columns = columns.filter(|column| is_leaf(&self.schema, column));
        NewTable::new(Arc::clone(&self.schema))
            .with_statistics(columns)
            .with_clustering(self.plan.cluster_by.iter().cloned())
    }

    /// Stages rows; they become part of the table with the next commit.
    pub(super) async fn write(&mut self, rows: RecordBatch) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        if self.staged.rows == 0 {
            self.staged.since = Instant::now();
        }
        self.staged.rows += rows.num_rows() as u64;
        self.staged.bytes += rows.get_array_memory_size() as u64;
        if self.writer.is_none() {
            let state = self.prepare().await?;
            let writer = self.table.writer(&state, self.settings.writer);
            self.writer = Some(match self.plan.flow {
                FlowKind::Upsert | FlowKind::History => writer.with_filters(&self.plan.primary_keys)?,
                FlowKind::Append | FlowKind::Snapshot | FlowKind::SnapshotHistory => writer,
            });
        }
        match &mut self.writer {
            Some(writer) => writer.write(&rows).await,
            None => Err(Error::new(ErrorKind::Internal, "the destination has no writer")),
        }
    }

    /// Commits what is staged, its effect on what is there and the place that it leads to, in one transaction.
    pub(super) async fn commit(&mut self, effect: Effect, place: Place) -> Result<()> {
        let state = self.prepare().await?;
        let staged = match self.writer.take() {
            Some(writer) => writer.finish().await?,
            None => Vec::new(),
        };
        let commit = Commit {
            flow: self.flow.clone(),
            operation: self.operation(),
            checkpoint: Checkpoint {
                offset: place.offset,
                deletes_offset: place.deletes_offset,
                batch: self.next_batch,
                run: self.settings.run.clone(),
                at: Utc::now(),
                tombstones: effect.tombstones.unwrap_or_else(|| self.tombstones.clone()),
            },
            staged,
            deleted: effect.superseded,
        };
        let state = self.transact(state, &commit).await?;
        self.after(state, commit, effect.counts);
        Ok(())
    }

    fn operation(&self) -> Operation {
        match self.plan.flow {
            _ if self.is_refreshing => Operation::Refresh,
            FlowKind::Append => Operation::Append,
            FlowKind::Upsert | FlowKind::History => Operation::Upsert,
            FlowKind::Snapshot | FlowKind::SnapshotHistory => Operation::Snapshot,
        }
    }

    /// Commits, again where others did nothing but add files.
    async fn transact(&self, mut state: TableState, commit: &Commit) -> Result<TableState> {
        let mut attempts = 1;
        loop {
            let error = match self.table.commit(&state, commit.clone()).await {
                Ok(state) => return Ok(state),
                Err(error) => error,
            };
            let is_conflict = error.kind() == ErrorKind::Conflict;
            if is_conflict && error.retry() == Retry::Now && !self.is_refreshing && attempts < ATTEMPTS {
                state = self.table.moved(&state, &self.flow).await?.state;
                attempts += 1;
                continue;
            }
            if is_conflict {
                // Only here is it certain that the commit is not in the log.
                self.table.discard(commit.staged.clone()).await;
            }
            return Err(error);
        }
    }

    fn after(&mut self, state: TableState, commit: Commit, counts: RowCounts) {
        let Commit { checkpoint, staged, .. } = commit;
        let event = Event::Committed {
            table: self.flow.clone(),
            version: state.version(),
            rows: counts,
            files: staged.len() as u64,
            offset: checkpoint.offset.clone(),
            deletes_offset: checkpoint.deletes_offset.clone(),
        };
        self.totals.commits += 1;
        self.totals.rows += counts;
        self.totals.rows_rescued += std::mem::take(&mut self.rescued);
        self.totals.files += staged.len() as u64;
        self.state = Some(state);
        self.is_refreshing = false;
        self.place = Place::of(&checkpoint);
        self.tombstones = checkpoint.tombstones;
        self.next_batch = checkpoint.batch + 1;
        self.staged = Staged::nothing();
        self.tell(event);
    }

    /// Rewrites the table's files where that pays; all rows are durable before, so a failure is only told.
    pub(crate) async fn tidy(&mut self) {
        let Some(state) = self.state.clone() else { return };
        let looks = state.knows_files() || state.version().is_multiple_of(TIDY_INTERVAL);
        if self.totals.commits == 0 || !looks {
            return;
        }
        match self.table.optimize(state, &OptimizeSettings::after_run(self.settings.writer)).await {
            Ok((state, _)) => self.state = Some(state),
            Err(error) => self.warn(format!("the table's files could not be rewritten: {error}"), 1),
        }
    }

    /// Drops what is staged.
    pub(super) fn discard(&mut self) {
        self.writer = None;
        self.staged = Staged::nothing();
    }
}

/// The columns of a schema as a table that has rows already gives them back, all nullable.
fn in_table(state: &TableState, schema: &Schema) -> Result<SchemaRef> {
    let evolved = state.evolved_schema(schema)?;
    let wanted = schema.fields().iter().filter_map(|field| evolved.field_with_name(field.name()).ok());
    Ok(Arc::new(Schema::new(wanted.map(|field| field.clone().with_nullable(true)).collect::<Vec<_>>())))
}

/// The schema as a Delta table gives it back, all columns nullable.
fn canonical(schema: &Schema) -> Result<SchemaRef> {
    let fields = to_arrow(&to_delta(schema)?)?
        .fields()
        .iter()
        .map(|field| field.as_ref().clone().with_nullable(true))
        .collect::<Vec<_>>();
    Ok(Arc::new(Schema::new(fields)))
}

/// Whether statistics are kept of a column by itself.
fn is_leaf(schema: &Schema, column: &ColumnPath) -> bool {
    column.parts().len() > 1
        || schema.field_with_name(&column.parts()[0]).is_ok_and(|field| !field.data_type().is_nested())
}

/// Refuses a table whose rows were written by another kind of flow: versions of rows among rows mean nothing.
fn check_same_kind(state: &TableState, plan: &PlannedTable) -> Result<()> {
    let has_history = [START_AT, END_AT].iter().all(|name| state.schema().field_with_name(name).is_ok());
    let (found, wanted) = match (has_history, plan.flow.keeps_history()) {
        (true, false) => ("a history", "no history"),
        (false, true) => ("no history", "a history"),
        _ => return Ok(()),
    };
    Err(Error::new(ErrorKind::Configuration, format!("expected {wanted} in the destination, found {found}"))
        .with_context("table", plan.flow_name())
        .with_hint(
            "`scd_type` was another one before: run a full refresh of this table, or give it another destination",
        ))
}

/// Refuses a table that another flow, or somebody else, has filled.
pub(crate) async fn check_ours(state: &TableState, plan: &PlannedTable) -> Result<()> {
    if state.checkpoint(&plan.flow_name()).is_some() || (state.checkpoints().is_empty() && !state.has_files().await?) {
        return Ok(());
    }
    let message = match state.checkpoints().keys().next() {
        Some(other) => format!("the destination is filled by another flow, `{other}`"),
        None => "the destination is a table that this pipeline did not write".to_owned(),
    };
    Err(Error::new(ErrorKind::Configuration, message)
        .with_context("table", plan.flow_name())
        .with_hint("give another `destination_table`, or move that table away"))
}
