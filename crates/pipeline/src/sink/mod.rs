//! The sink: batches that another engine has read, applied to their destination with the same flows.
//!
//! Another engine (Spark) reads a source and hands over rows, task by task. Each task stages its rows as a file beside the
//! tables ([`ShareWriter`]) and tells its driver where ([`TaskShare`]). The driver then applies the whole batch
//! ([`Sink::apply`]): the engine of this crate runs over a connector that serves the staged rows, and commits them with
//! the name of the batch as the offset. So the table itself says which batches it has, and one that comes again is
//! passed over.

mod batch;
mod options;
mod place;
mod share;
mod source;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{Field, Schema, SchemaRef};
use lakeflow_interface::records::RESCUED_DATA;
use lakeflow_interface::{Error, ErrorKind, Horizon, Result};

pub use self::batch::{BatchId, WriteMode};
pub use self::options::{DeleteMark, SinkOptions};
pub(crate) use self::place::refuse_streams;
pub use self::share::{ShareWriter, TaskShare};
use self::source::StagedSource;
use crate::delta::{Lakehouse, TableState};
use crate::engine::{Cadence, FullRefresh, Pipeline, RunOptions};
use crate::event::{Observer, Totals};
use crate::plan::Plan;

/// How often a batch is applied again because another stream committed to the same table meanwhile.
const ATTEMPTS: usize = 20;

/// What applying a batch may hold in memory: changes are set against the table in one look as long as they fit.
const MEMORY: usize = 256 << 20;

/// Where batches go, and how.
#[derive(Clone)]
pub struct Sink {
    options: Arc<SinkOptions>,
    lakehouse: Lakehouse,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Whether the table had the batch already.
    pub was_there: bool,
    /// What the batch came to.
    pub totals: Totals,
    /// What was odd, and how often.
    pub warnings: Vec<(String, u64)>,
}

impl Sink {
    /// A sink; must be called on a multi-threaded Tokio runtime, as [`Lakehouse::open`].
    pub fn open(options: SinkOptions) -> Result<Self> {
        let lakehouse = Lakehouse::open(&options.lakehouse)?;
        Ok(Self { options: Arc::new(options), lakehouse })
    }

    /// What the sink was told.
    pub fn options(&self) -> &SinkOptions {
        &self.options
    }

    /// The writer of one task's rows of a batch.
    pub fn share(&self, batch: BatchId) -> Result<ShareWriter> {
        ShareWriter::new(self, batch)
    }

    /// Applies a batch whose rows have this schema, and removes what was staged for it once it is durable.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] where the table's place belongs to another query: its checkpoint was lost, or two queries
    /// have one name. [`ErrorKind::Configuration`] where the options do not fit the rows. Nothing is applied then.
    pub async fn apply(
        &self,
        schema: SchemaRef,
        batch: &BatchId,
        shares: &[TaskShare],
        mode: WriteMode,
        observer: Observer,
    ) -> Result<Applied> {
        if let Some(stray) = shares.iter().find(|share| share.batch.query != batch.query) {
            let message = format!("expected rows of query `{}`, found some of `{}`", batch.query, stray.batch.query);
            return Err(self.located(Error::new(ErrorKind::Internal, message)));
        }
        let schema = self.destined(schema).await?;
        let mut attempt = 1;
        let applied = loop {
            match self.run(&schema, batch, shares, mode, Arc::clone(&observer)).await {
                Err(error)
                    if error.kind() == ErrorKind::Conflict && attempt < ATTEMPTS && !place::is_foreign(&error) =>
                {
                    attempt += 1;
                }
                outcome => break outcome.map_err(|error| self.located(error))?,
            }
        };
        self.clear(batch).await;
        Ok(applied)
    }

    /// Removes what was staged for a batch that will not be applied, as far as that is possible. Whoever tries the batch
    /// again stages it again; no table ever names a staged file.
    pub async fn clear(&self, batch: &BatchId) {
        share::clear(self, batch).await;
    }

    async fn run(
        &self,
        schema: &SchemaRef,
        batch: &BatchId,
        shares: &[TaskShare],
        mode: WriteMode,
        observer: Observer,
    ) -> Result<Applied> {
        let source = Arc::new(StagedSource::new(self, schema, batch, shares));
        let keeps_misfits = schema.field_with_name(RESCUED_DATA).is_ok();
        let plan = Plan::new(&self.options.spec(keeps_misfits)?, source.as_ref()).await?;
        let pipeline = Pipeline::new(plan, Arc::clone(&source) as _, self.lakehouse.clone());
        let mut report = pipeline.run(run_options(mode), observer).await?;
        let table = report.tables.pop().ok_or_else(|| Error::new(ErrorKind::Internal, "the batch has no table"))?;
        match table.error {
            Some(error) => Err(error),
            None => Ok(Applied { was_there: source.was_there(), totals: table.totals, warnings: table.warnings }),
        }
    }

    /// The columns of the rows that are meant for the table.
    ///
    /// A batch of deletes has keys and a sequence, and says nothing about what else may be null: the table does.
    async fn destined(&self, schema: SchemaRef) -> Result<SchemaRef> {
        let kept = schema.fields().iter().filter(|field| !self.options.leaves_out(field.name()));
        let kept: Vec<Field> = kept.map(|field| field.as_ref().clone()).collect();
        let is_deletes = self.options.deletes == DeleteMark::AllRows;
        let state = if is_deletes { self.lakehouse.table(&self.options.destination)?.load().await? } else { None };
        let Some(state) = state else { return Ok(Arc::new(Schema::new(kept))) };
        let fields: Vec<Field> = kept.into_iter().map(|field| as_nullable_as(field, &state)).collect();
        Ok(Arc::new(Schema::new(fields)))
    }

    fn located(&self, error: Error) -> Error {
        match error.context("table") {
            Some(_) => error,
            None => error.with_context("table", self.options.destination.to_string()),
        }
    }
}

fn as_nullable_as(field: Field, state: &TableState) -> Field {
    match state.schema().field_with_name(field.name()) {
        Ok(present) => field.with_nullable(present.is_nullable()),
        Err(_) => field,
    }
}

/// One commit at the end of the batch, unless it is too large to be held.
fn run_options(mode: WriteMode) -> RunOptions {
    let full_refresh = match mode {
        WriteMode::Append => FullRefresh::None,
        WriteMode::Overwrite => FullRefresh::All,
    };
    let cadence = Cadence { rows: u64::MAX, bytes: u64::MAX, interval: Duration::MAX };
    RunOptions {
        parallel: 1,
        cadence,
        memory: MEMORY,
        full_refresh,
        record: false,
        serves_streams: true,
        ..RunOptions::new(Horizon::now())
    }
}

/// The texts of options by name.
pub type OptionTexts = BTreeMap<String, String>;
