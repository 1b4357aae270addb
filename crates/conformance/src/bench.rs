//! `Bench`: a simulator and connectors to it, or connectors to the source itself.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use lakeflow_interface::records::{BadValues, Typer};
use lakeflow_interface::{
    Error, ErrorKind, Horizon, LakeflowConnect, Offset, ReadContext, Result, Secret, TableOptions,
};
use lakeflow_simulator::{Advance, Simulator, SimulatorSettings};
use serde_json::Value as Json;

use crate::finding::{At, Finding, Outcome, told};
use crate::reading::{Limits, Reading, typed_records};
use crate::subject::{Subject, TableUnderTest};

/// The simulator's clock at the start: 2026-03-02T08:30:00Z, on any day.
const CLOCK: i64 = 1_772_440_200;

/// How far [`Bench::advance`] moves it.
const STEP: Duration = Duration::from_secs(3_600);

/// Rows of a live table that are looked at, at most.
const LIVE_ROWS: usize = 1_000;

/// A simulator and connectors to it, or connectors to the source itself.
pub(crate) struct Bench<'s> {
    pub(crate) subject: &'s Subject,
    pub(crate) table: &'s TableUnderTest,
    simulator: Option<Simulator>,
    clock: Cell<DateTime<Utc>>,
}

/// A read to be made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted<'w> {
    /// Where it begins.
    pub(crate) start: Offset,
    /// Options besides those that the table is read with.
    pub(crate) more: Vec<(&'w str, String)>,
    /// When it is left off.
    pub(crate) limits: Limits,
    /// Another horizon than the bench's clock.
    pub(crate) horizon: Option<DateTime<Utc>>,
}

impl<'w> Wanted<'w> {
    pub(crate) fn from(start: &Offset) -> Self {
        Self { start: start.clone(), ..Self::default() }
    }

    #[must_use]
    pub(crate) fn with(mut self, more: &[(&'w str, String)]) -> Self {
        self.more.extend_from_slice(more);
        self
    }

    #[must_use]
    pub(crate) fn until(mut self, horizon: DateTime<Utc>) -> Self {
        self.horizon = Some(horizon);
        self
    }

    #[must_use]
    pub(crate) fn limited(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

impl<'s> Bench<'s> {
    /// Starts a simulator, where the subject has one.
    pub(crate) async fn start(
        subject: &'s Subject,
        table: &'s TableUnderTest,
        adapt: impl FnOnce(&mut SimulatorSettings),
    ) -> Outcome<Self> {
        let Some(definition) = &subject.simulator else {
            return Ok(Self { subject, table, simulator: None, clock: Cell::new(Utc::now()) });
        };
        let clock = DateTime::from_timestamp(CLOCK, 0).unwrap_or_default();
        let secret = |name: &String| Some((name.clone(), subject.parameters.get(name)?.clone()));
        let secrets = subject.secrets.iter().filter_map(secret).collect();
        let mut settings =
            SimulatorSettings { now: Some(clock), secrets, refuses_unknown: true, ..SimulatorSettings::default() };
        adapt(&mut settings);
        let simulator = Simulator::start(definition, settings).await.map_err(|error| {
            Finding::new("a simulator that starts", told(&error)).advise("mend `simulator/` in the source's folder")
        })?;
        Ok(Self { subject, table, simulator: Some(simulator), clock: Cell::new(clock) })
    }

    /// The same with few rows in the table, or in its outermost parent.
    pub(crate) async fn small(subject: &'s Subject, table: &'s TableUnderTest, rows: u64) -> Outcome<Self> {
        Self::small_with(subject, table, rows, |_| {}).await
    }

    /// The same with other settings.
    pub(crate) async fn small_with(
        subject: &'s Subject,
        table: &'s TableUnderTest,
        rows: u64,
        adapt: impl FnOnce(&mut SimulatorSettings),
    ) -> Outcome<Self> {
        let counted = subject.simulator.as_ref().and_then(|simulator| simulator.counted(table.corpus()));
        let counts: BTreeMap<String, u64> = counted.map(|name| (name.to_owned(), rows)).into_iter().collect();
        Self::start(subject, table, |settings| {
            settings.counts = counts;
            adapt(settings);
        })
        .await
    }

    /// The simulator.
    pub(crate) fn simulator(&self) -> Result<&Simulator> {
        self.simulator.as_ref().ok_or_else(|| Error::new(ErrorKind::Internal, "this check needs the simulator"))
    }

    /// A connector of its own, as another process has it.
    pub(crate) fn connector(&self) -> Outcome<Arc<dyn LakeflowConnect>> {
        self.connector_with(&self.subject.parameters)
    }

    /// A connector with other parameters.
    pub(crate) fn connector_with(&self, parameters: &BTreeMap<String, Secret>) -> Outcome<Arc<dyn LakeflowConnect>> {
        let upstream = self.simulator.as_ref().map(|simulator| simulator.url().clone());
        (self.subject.connect)(parameters, upstream).map_err(|error| {
            Finding::new("a connector that can be made of the connection parameters", told(&error))
                .advise("give values that fit under `connection` in `conformance.yaml`")
                .into()
        })
    }

    /// The options that the table is read with, and more.
    pub(crate) fn options(&self, more: &[(&str, String)]) -> TableOptions {
        let own = self.table.options.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        own.chain(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone()))).collect()
    }

    /// The clock, which is also the horizon of reads.
    pub(crate) fn clock(&self) -> DateTime<Utc> {
        if self.is_live() { Utc::now() } else { self.clock.get() }
    }

    /// Whether the source itself is asked.
    pub(crate) fn is_live(&self) -> bool {
        self.simulator.is_none()
    }

    /// Moves the simulator on by an hour.
    pub(crate) fn advance(&self, advance: Advance) -> Result<()> {
        self.advance_by(advance, STEP)
    }

    /// Moves the simulator on by so much, and then on until what has happened may be read.
    pub(crate) fn advance_by(&self, advance: Advance, by: Duration) -> Result<()> {
        self.simulator()?.advance(&advance.by(by))?;
        self.clock.set(self.clock.get() + by);
        self.settle()
    }

    /// Moves the simulator on until what has happened may be read.
    pub(crate) fn settle(&self) -> Result<()> {
        let settling = self.table.settling();
        if !settling.is_zero() {
            self.simulator()?.advance(&Advance::new().by(settling))?;
            self.clock.set(self.clock.get() + settling);
        }
        Ok(())
    }

    /// The table's schema.
    pub(crate) async fn schema(&self) -> Outcome<SchemaRef> {
        Ok(self.connector()?.get_table_schema(&self.table.name, &self.options(&[])).await?)
    }

    /// Reads the table with a new connector, from the beginning to the end.
    pub(crate) async fn read(&self) -> Outcome<Reading> {
        self.read_wanted(Wanted::default()).await
    }

    /// The same from an offset on.
    pub(crate) async fn read_from(&self, start: &Offset) -> Outcome<Reading> {
        self.read_wanted(Wanted::from(start)).await
    }

    /// Any read with a new connector. An error of it is a finding.
    pub(crate) async fn read_wanted(&self, wanted: Wanted<'_>) -> Outcome<Reading> {
        let title = self.title(&wanted);
        let (reading, error) = self.attempt(wanted).await?;
        match error {
            None => Ok(reading),
            Some(error) => Err(Finding::new("a read without an error", told(&error)).into()).at(|| title),
        }
    }

    /// Any read with a new connector: what it gave, and the error that ended it.
    pub(crate) async fn attempt(&self, mut wanted: Wanted<'_>) -> Outcome<(Reading, Option<Error>)> {
        if self.simulator.is_none() {
            wanted.limits.rows = wanted.limits.rows.min(LIVE_ROWS);
        }
        let connector = self.connector()?;
        self.attempt_with(connector.as_ref(), wanted).await
    }

    /// The same with a given connector.
    pub(crate) async fn attempt_with(
        &self,
        connector: &dyn LakeflowConnect,
        wanted: Wanted<'_>,
    ) -> Outcome<(Reading, Option<Error>)> {
        let mut reading = Reading { title: self.title(&wanted), ..Reading::default() };
        let error = self.try_read(connector, &wanted, &mut reading).await.err();
        Ok((reading, error))
    }

    async fn try_read(
        &self,
        connector: &dyn LakeflowConnect,
        wanted: &Wanted<'_>,
        reading: &mut Reading,
    ) -> Result<()> {
        let (table, options) = (&self.table.name, self.options(&wanted.more));
        let schema = connector.get_table_schema(table, &options).await?;
        let context = ReadContext::new(Horizon::at(wanted.horizon.unwrap_or(self.clock())));
        let stream = connector.read_table(table, &wanted.start, &options, &context).await?;
        let requests = || context.metrics.snapshot().requests;
        let mut typer = Typer::new(table, schema, BadValues::Rescue)?;
        let filled = reading.fill(stream, &mut typer, wanted.limits, requests).await;
        reading.warnings = context.metrics.snapshot().warnings;
        filled
    }

    /// The read of deleted rows with a new connector.
    pub(crate) async fn read_deletes(&self, start: &Offset) -> Outcome<Option<Reading>> {
        let connector = self.connector()?;
        let (table, options) = (&self.table.name, self.options(&[]));
        let context = ReadContext::new(Horizon::at(self.clock()));
        let stream = match connector.read_table_deletes(table, start, &options, &context).await {
            Ok(stream) => stream,
            Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(None),
            Err(error) => {
                return Err(Finding::new("a read of deleted rows", told(&error)).at("`read_table_deletes`").into());
            }
        };
        let schema = connector.get_table_schema(table, &options).await?;
        let mut reading = Reading { title: format!("the read of deleted rows from {start}"), ..Reading::default() };
        let mut typer = Typer::new(table, schema, BadValues::Rescue)?;
        reading.fill(stream, &mut typer, Limits::default(), || 0).await?;
        Ok(Some(reading))
    }

    /// The rows that the source has now: its corpus, typed; where it has none, what a read from the beginning gives.
    pub(crate) async fn expected(&self) -> Outcome<Vec<Json>> {
        self.expected_until(self.clock()).await
    }

    /// The same where the simulator has moved on by itself, up to this instant.
    pub(crate) async fn expected_until(&self, now: DateTime<Utc>) -> Outcome<Vec<Json>> {
        let corpus = self.table.corpus();
        if corpus != self.table.name || !self.subject.simulator()?.tables().any(|name| name == corpus) {
            return Ok(self.read_wanted(Wanted::default().until(now)).await?.rows);
        }
        let records: Vec<Json> = self.simulator()?.rows(corpus)?.collect();
        Ok(typed_records(&self.schema().await?, &records)?)
    }

    fn title(&self, wanted: &Wanted<'_>) -> String {
        let with = with_options(&wanted.more);
        let start = if wanted.start.is_beginning() {
            "the beginning".to_owned()
        } else {
            format!("the offset {}", wanted.start)
        };
        format!("the read from {start}{with}")
    }
}

/// The options of a read, behind the words that say which read it is.
pub(crate) fn with_options(options: &[(&str, String)]) -> String {
    let options: Vec<String> = options.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if options.is_empty() { String::new() } else { format!(" with {}", options.join(", ")) }
}
