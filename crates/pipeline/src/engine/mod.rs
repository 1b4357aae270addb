//! The embedded engine: carries out a plan, its tables side by side.

mod budget;
mod dry_run;
mod groups;
mod options;
mod table;
mod typing;

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, SecondsFormat, Utc};
use futures::{StreamExt, stream};
use lakeflow_interface::{LakeflowConnect, Result};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

pub use dry_run::{DryRun, DryRunAction, DryRunTable};
pub use options::{Cadence, FullRefresh, RunOptions};

use self::budget::Budget;
use self::table::TableRun;
use crate::delta::{Lakehouse, WriterSettings};
use crate::event::{Event, Observer};
use crate::flow::TargetSettings;
use crate::plan::{Plan, PlannedTable};
use crate::report::{RunReport, TableReport};
use crate::runs;

/// A plan with the connector that it reads and the lakehouse that it fills.
pub struct Pipeline {
    plan: Plan,
    connector: Arc<dyn LakeflowConnect>,
    lakehouse: Lakehouse,
}

/// What the tables of a run share.
struct Shared {
    connector: Arc<dyn LakeflowConnect>,
    lakehouse: Lakehouse,
    options: RunOptions,
    observer: Observer,
    budget: Budget,
    writer: WriterSettings,
    run: String,
}

impl Pipeline {
    /// A pipeline ready to run.
    pub fn new(plan: Plan, connector: Arc<dyn LakeflowConnect>, lakehouse: Lakehouse) -> Self {
        Self { plan, connector, lakehouse }
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Reads every table up to the horizon. One that fails does not stop the others; the report has all failures.
    ///
    /// Dropping the future is like the death of the process: what is committed stays, and the next run goes on from
    /// there. Cancelling by the options' token ends the run in good order.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](lakeflow_interface::ErrorKind::Configuration) for a full refresh of tables that the
    /// plan does not have. Everything else is in the report.
    pub async fn run(&self, options: RunOptions, observer: Observer) -> Result<RunReport> {
        self.check_full_refresh(&options)?;
        let (started, run, horizon) = (Instant::now(), Uuid::new_v4().to_string(), options.horizon);
        let (began, record) = (Utc::now(), options.record);
        observer(Event::RunStarted {
            run: run.clone(),
            horizon: horizon.instant().to_rfc3339_opts(SecondsFormat::Secs, true),
            connection: self.plan.connection_name.clone(),
            tables: self.plan.tables.iter().map(PlannedTable::flow_name).collect(),
        });
        let tables = self.run_tables(options, Arc::clone(&observer), run.clone()).await;
        let report = RunReport { run, horizon, tables, duration: started.elapsed() };
        if record {
            self.record(began, &report, &observer).await;
        }
        let failed = report.failures().count();
        observer(Event::RunFinished {
            run: report.run.clone(),
            totals: report.totals(),
            tables_finished: report.tables.len() - failed,
            tables_failed: failed,
            seconds: report.duration.as_secs_f64(),
        });
        Ok(report)
    }

    /// Adds the run to the record. All rows are durable before, so a failure is told and no more.
    async fn record(&self, began: DateTime<Utc>, report: &RunReport, observer: &Observer) {
        let recorded = runs::record(&self.lakehouse, &self.plan.connection_name, began, report).await;
        if let Err(error) = recorded {
            let table = runs::destination().map(|table| table.to_string()).unwrap_or_default();
            observer(Event::Warning { table, message: format!("the run's record was not written: {error}"), count: 1 });
        }
    }

    fn check_full_refresh(&self, options: &RunOptions) -> Result<()> {
        match &options.full_refresh {
            FullRefresh::Tables(names) => self.plan.check_names(names),
            FullRefresh::None | FullRefresh::All => Ok(()),
        }
    }

    async fn run_tables(&self, options: RunOptions, observer: Observer, run: String) -> Vec<TableReport> {
        let parallel = options.parallel.clamp(1, self.plan.tables.len().max(1));
        let options = RunOptions { parallel, ..options };
        let shared = Arc::new(Shared {
            connector: Arc::clone(&self.connector),
            lakehouse: self.lakehouse.clone(),
            budget: Budget::new(options.page_bytes()),
            writer: options.writer(),
            options,
            observer,
            run,
        });
        let runs = stream::iter(self.plan.tables.iter().cloned().enumerate()).map(|(index, table)| {
            let table = Arc::new(table);
            let run = TableRun::new(Arc::clone(&table), Arc::clone(&shared));
            let task = AbortOnDropHandle::new(tokio::spawn(run.run()));
            async move { (index, task.await.unwrap_or_else(|cause| table::panicked(&table, cause))) }
        });
        let mut reports: Vec<_> = runs.buffer_unordered(parallel).collect().await;
        reports.sort_by_key(|(index, _)| *index);
        reports.into_iter().map(|(_, report)| report).collect()
    }
}

impl Shared {
    /// Whether a table is read again from the beginning.
    fn is_full_refresh(&self, table: &PlannedTable) -> bool {
        self.options.full_refresh.includes(table)
    }

    fn target_settings(&self, table: &PlannedTable) -> TargetSettings {
        TargetSettings {
            run: self.run.clone(),
            horizon: self.options.horizon,
            cadence: self.options.cadence,
            pending_bytes: self.options.pending_bytes(),
            writer: self.writer,
            full_refresh: self.is_full_refresh(table),
            observer: Arc::clone(&self.observer),
        }
    }
}
