//! One table's part of a run: from its checkpoint to the horizon.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lakeflow_interface::{Error, ErrorKind, IngestionType, Offset, ReadContext, ReadMetrics, ReadStream, Result};
use tokio::task::JoinError;
use tokio::time::{MissedTickBehavior, interval};

use super::Shared;
use super::groups::Change;
use super::typing::{TypedGroup, TypedRead, Typers};
use crate::event::{Event, Evidence, Failure, Totals, Wait};
use crate::flow::{Flow, FlowKind, Place, Target};
use crate::plan::PlannedTable;
use crate::report::TableReport;
use crate::sink::refuse_streams;

/// The time between two progress events.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);
/// Undeclared fields that a warning names.
const NAMED_FIELDS: usize = 10;

pub(super) struct TableRun {
    plan: Arc<PlannedTable>,
    shared: Arc<Shared>,
    metrics: Arc<ReadMetrics>,
    undeclared: BTreeSet<String>,
    /// The number of rows since the last checkpoint.
    rows_since: u64,
}

/// Which of a table's reads is at work.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stream {
    Changes,
    Deletes,
}

impl TableRun {
    pub(super) fn new(plan: Arc<PlannedTable>, shared: Arc<Shared>) -> Self {
        let (metrics, undeclared) = (Arc::default(), BTreeSet::new());
        Self { plan, shared, metrics, undeclared, rows_since: 0 }
    }

    pub(super) async fn run(mut self) -> TableReport {
        let started = Instant::now();
        match self.open().await {
            Ok((mut flow, typers)) => {
                let outcome = self.read_into(flow.as_mut(), typers).await;
                self.warn(flow.target_mut());
                let target = flow.target();
                let evidence = outcome.as_ref().ok().copied();
                let mut report = report(&self.plan, started.elapsed(), outcome.err());
                report.evidence = evidence;
                report.totals = self.totals(target);
                report.offset = Some(target.place().offset.clone());
                report.warnings = target.warnings().clone().into_iter().collect();
                self.tell_end(&report);
                report
            }
            Err(error) => {
                let report = report(&self.plan, started.elapsed(), Some(error));
                self.tell_end(&report);
                report
            }
        }
    }

    async fn open(&self) -> Result<(Box<dyn Flow>, Arc<Typers>)> {
        if self.shared.options.cancellation.is_cancelled() {
            return Err(cancelled());
        }
        let PlannedTable { source_table, schema, primary_keys, bad_values, .. } = &*self.plan;
        let typers = Arc::new(Typers::new(source_table, Arc::clone(schema), primary_keys, *bad_values)?);
        let table = self.shared.lakehouse.table(&self.plan.destination)?;
        let settings = self.shared.target_settings(&self.plan);
        let target = Target::open(Arc::clone(&self.plan), table, typers.schema(), settings).await?;
        if !self.shared.options.serves_streams {
            refuse_streams(target.place())?;
        }
        self.tell(Event::TableStarted {
            table: self.plan.flow_name(),
            source_table: source_table.clone(),
            flow: self.plan.flow,
            offset: target.place().offset.clone(),
            full_refresh: self.shared.is_full_refresh(&self.plan),
        });
        Ok((self.plan.flow.start(target), typers))
    }

    /// Reads the table, and its deleted rows where that is a read of its own; both lead into one flow.
    async fn read_into(&mut self, flow: &mut dyn Flow, typers: Arc<Typers>) -> Result<Evidence> {
        let start = match self.plan.ingestion_type {
            IngestionType::Snapshot => Place::default(),
            _ => flow.target().place().clone(),
        };
        let mut place = start.clone();
        let is_cancelled = self.shared.options.cancellation.clone();
        let items = tokio::select! {
            () = is_cancelled.cancelled() => return Err(cancelled()),
            items = self.read(&start.offset) => items?,
        };
        self.read_stream(flow, items, &typers, &mut place, Stream::Changes).await?;
        let deletes = tokio::select! {
            () = is_cancelled.cancelled() => return self.stop(flow, cancelled()).await,
            deletes = self.read_deletes(&start) => deletes,
        };
        let has_deletes = match deletes {
            Ok(Some(items)) => {
                self.read_stream(flow, items, &typers, &mut place, Stream::Deletes).await?;
                true
            }
            Ok(None) => false,
            Err(error) => return self.stop(flow, error).await,
        };
        flow.finish().await?;
        flow.target_mut().tidy().await;
        Ok(match self.plan.ingestion_type {
            IngestionType::Snapshot => Evidence::WholeSnapshot,
            _ if flow.target().totals().rows_read == 0 && place == start => Evidence::NothingNew,
            _ if has_deletes => Evidence::BothReadsEnded,
            _ => Evidence::ReadEnded,
        })
    }

    /// Reads one stream to its end, which must be a checkpoint.
    async fn read_stream(
        &mut self,
        flow: &mut dyn Flow,
        items: ReadStream,
        typers: &Arc<Typers>,
        place: &mut Place,
        stream: Stream,
    ) -> Result<()> {
        let options = &self.shared.options;
        let (cancellation, cadence, ahead) = (options.cancellation.clone(), options.cadence, options.groups_ahead());
        let budget = self.shared.budget.clone();
        let mut read = TypedRead::start(items, Arc::clone(typers), budget, cadence.into(), ahead);
        let mut progress = interval(PROGRESS_INTERVAL);
        progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_covered = false;
        self.rows_since = 0;
        loop {
            tokio::select! {
                biased;
                () = cancellation.cancelled() => return self.stop(flow, cancelled()).await,
                _ = progress.tick() => self.tell_progress(flow.target()),
                group = read.next() => match group {
                    None => break,
                    Some(Ok(group)) => {
                        is_covered = group.checkpoint.is_some();
                        self.take(flow, group, place, stream).await?;
                    }
                    Some(Err(error)) => return self.stop(flow, error).await,
                },
            }
        }
        if is_covered {
            return Ok(());
        }
        let error = Error::new(ErrorKind::Definition, "the read ended without a checkpoint");
        self.stop(flow, error.with_context("table", &self.plan.source_table)).await
    }

    /// Ends the flow early: what a checkpoint covers is worth keeping, and the first error is the one to tell.
    async fn stop<T>(&self, flow: &mut dyn Flow, error: Error) -> Result<T> {
        if let Err(second) = flow.stop().await {
            if error.kind() == ErrorKind::Cancelled {
                return Err(second);
            }
            tracing::warn!(table = %self.plan.destination, error = %second, "rows read before the failure were not kept");
        }
        Err(error)
    }

    fn context(&self) -> ReadContext {
        ReadContext {
            horizon: self.shared.options.horizon,
            metrics: Arc::clone(&self.metrics),
            keeps_all: self.plan.flow == FlowKind::Append,
        }
    }

    async fn read(&self, start: &Offset) -> Result<ReadStream> {
        let PlannedTable { source_table, options, .. } = &*self.plan;
        self.shared.connector.read_table(source_table, start, options, &self.context()).await
    }

    /// The read of deleted rows; nothing where the table has none of its own.
    async fn read_deletes(&self, start: &Place) -> Result<Option<ReadStream>> {
        let PlannedTable { source_table, options, .. } = &*self.plan;
        if !self.plan.applies_deletes() {
            return Ok(None);
        }
        let start = start.deletes_offset.clone().unwrap_or_default();
        match self.shared.connector.read_table_deletes(source_table, &start, options, &self.context()).await {
            Ok(items) => Ok(Some(items)),
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn take(&mut self, flow: &mut dyn Flow, group: TypedGroup, place: &mut Place, stream: Stream) -> Result<()> {
        let TypedGroup { change, batches, rows, rescued_rows, undeclared, checkpoint, shares } = group;
        flow.target_mut().count_read(rows);
        flow.target_mut().count_rescued(rescued_rows);
        self.undeclared.extend(undeclared);
        self.rows_since += rows;
        for batch in batches {
            match (change, stream) {
                (Change::Upserted, Stream::Changes) => flow.upserted(batch).await?,
                (Change::Deleted, _) => flow.deleted(batch).await?,
                (Change::Upserted, Stream::Deletes) => return self.stop(flow, self.no_deletes()).await,
            }
        }
        drop(shares);
        match checkpoint {
            Some(offset) => {
                self.check_moved(place, &offset, stream)?;
                match stream {
                    Stream::Changes => place.offset = offset,
                    Stream::Deletes => place.deletes_offset = Some(offset),
                }
                flow.checkpoint(place.clone()).await
            }
            None => flow.between_checkpoints().await,
        }
    }

    fn no_deletes(&self) -> Error {
        Error::new(ErrorKind::Definition, "the read of deleted rows gave rows that are not deleted")
            .with_context("table", &self.plan.source_table)
    }

    /// Refuses rows with an offset that stands still: they would come again, run after run.
    fn check_moved(&mut self, place: &Place, offset: &Offset, stream: Stream) -> Result<()> {
        let rows = std::mem::take(&mut self.rows_since);
        let stands_still = match stream {
            Stream::Changes => place.offset == *offset,
            Stream::Deletes => place.deletes_offset.clone().unwrap_or_default() == *offset,
        };
        if rows > 0 && stands_still && self.plan.ingestion_type != IngestionType::Snapshot {
            return Err(Error::new(ErrorKind::Definition, "the connector gave rows without moving its offset")
                .with_context("table", &self.plan.source_table)
                .with_context("offset", offset.to_string()));
        }
        Ok(())
    }

    fn tell(&self, event: Event) {
        (self.shared.observer)(event);
    }

    fn totals(&self, target: &Target) -> Totals {
        let metrics = self.metrics.snapshot();
        Totals { bytes: metrics.bytes, requests: metrics.requests, retries: metrics.retries, ..target.totals() }
    }

    fn tell_progress(&self, target: &Target) {
        let waiting = self.metrics.waiting().map(|waiting| Wait {
            seconds: waiting.until.saturating_duration_since(Instant::now()).as_secs_f64(),
            reason: waiting.reason,
        });
        self.tell(Event::Progress { table: self.plan.flow_name(), totals: self.totals(target), waiting });
    }

    /// Gathers all that was odd, and tells it.
    fn warn(&self, target: &mut Target) {
        for warning in &self.plan.warnings {
            target.warn(warning, 1);
        }
        for (warning, count) in self.metrics.snapshot().warnings {
            target.warn(warning, count);
        }
        if !self.undeclared.is_empty() {
            let names: Vec<_> = self.undeclared.iter().take(NAMED_FIELDS).map(|name| format!("`{name}`")).collect();
            let more = if self.undeclared.len() > NAMED_FIELDS { ", …" } else { "" };
            let message = format!("fields that the schema does not have were left out: {}{more}", names.join(", "));
            target.warn(message, self.undeclared.len() as u64);
        }
        for (message, count) in target.warnings() {
            let (table, message, count) = (self.plan.flow_name(), message.clone(), *count);
            self.tell(Event::Warning { table, message, count });
        }
    }

    fn tell_end(&self, report: &TableReport) {
        let (table, totals, offset) = (report.table.clone(), report.totals, report.offset.clone());
        let seconds = report.duration.as_secs_f64();
        self.tell(match &report.error {
            None => Event::TableFinished {
                table,
                totals,
                offset: offset.unwrap_or_default(),
                evidence: report.evidence.unwrap_or(Evidence::ReadEnded),
                seconds,
            },
            Some(error) => Event::TableFailed { table, totals, offset, seconds, error: Failure::from(error) },
        });
    }
}

fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the run was stopped before the table was complete")
        .with_hint("run again to go on: what is committed stays")
}

fn report(plan: &PlannedTable, duration: Duration, error: Option<Error>) -> TableReport {
    TableReport {
        table: plan.flow_name(),
        source_table: plan.source_table.clone(),
        flow: plan.flow,
        totals: Totals::default(),
        offset: None,
        evidence: None,
        warnings: Vec::new(),
        duration,
        error: error.map(|error| match error.kind() {
            ErrorKind::Conflict => error.with_context("flow", plan.flow_name()),
            _ => error.with_context("table", &plan.source_table),
        }),
    }
}

/// The report of a table whose task did not come to its end.
pub(super) fn panicked(plan: &PlannedTable, cause: JoinError) -> TableReport {
    let error = Error::new(ErrorKind::Internal, "the table's work was cut off").with_cause(cause);
    report(plan, Duration::ZERO, Some(error))
}
