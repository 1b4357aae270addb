//! What every test needs: a lakehouse in a temporary folder, runs with a fixed horizon, and the rows that arrived.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::json::LineDelimitedWriter;
use chrono::DateTime;
use futures::TryStreamExt;
use lakeflow_interface::{Horizon, Result};
use lakeflow_pipeline::delta::{Destination, Lakehouse, Scan, TableState};
use lakeflow_pipeline::{Cadence, Event, Observer, Pipeline, PipelineSpec, Plan, RunOptions, RunReport};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use serde_json::Value;
use tempfile::TempDir;

use crate::connector::ScriptedConnector;

/// Where the lakehouse is.
enum Place {
    Own(TempDir),
    Given(PathBuf),
    Memory(Arc<dyn ObjectStore>),
}

/// A lakehouse, and the connector that fills it.
pub(crate) struct Workbench {
    place: Place,
    pub(crate) connector: Arc<ScriptedConnector>,
}

/// Options with a fixed horizon that commit at every opportunity.
pub(crate) fn eager() -> RunOptions {
    let cadence = Cadence { rows: 1, bytes: 1, interval: Duration::ZERO };
    RunOptions { cadence, ..patient() }
}

/// Options with a fixed horizon that commit at the end.
pub(crate) fn patient() -> RunOptions {
    let cadence = Cadence { rows: u64::MAX, bytes: u64::MAX, interval: Duration::from_secs(3600) };
    let horizon = Horizon::at(DateTime::from_timestamp(1_700_000_000, 0).unwrap());
    RunOptions { cadence, record: false, ..RunOptions::new(horizon) }
}

/// Options with a horizon that is some minutes later.
pub(crate) fn after(options: RunOptions, minutes: u64) -> RunOptions {
    RunOptions { horizon: Horizon::at(options.horizon.instant() + Duration::from_secs(60 * minutes)), ..options }
}

/// A spec of tables with the same name in source and destination, each with its configuration as JSON.
pub(crate) fn spec(tables: &[(&str, &str)]) -> PipelineSpec {
    let objects: Vec<String> = tables
        .iter()
        .map(|(name, configuration)| {
            format!(r#"{{"table": {{"source_table": "{name}", "table_configuration": {configuration}}}}}"#)
        })
        .collect();
    let text = format!(r#"{{"connection_name": "test", "objects": [{}]}}"#, objects.join(","));
    PipelineSpec::parse(&text, "spec.json").unwrap()
}

impl Workbench {
    pub(crate) fn new(connector: ScriptedConnector) -> Self {
        // In memory where that is to be had: these tests make thousands of small files.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self { place: Place::Own(folder.unwrap()), connector: Arc::new(connector) }
    }

    /// A lakehouse in a folder that somebody else has made.
    pub(crate) fn at(folder: PathBuf, connector: ScriptedConnector) -> Self {
        Self { place: Place::Given(folder), connector: Arc::new(connector) }
    }

    /// A lakehouse in the memory of this process.
    pub(crate) fn in_memory(connector: ScriptedConnector) -> Self {
        Self { place: Place::Memory(Arc::new(InMemory::new())), connector: Arc::new(connector) }
    }

    /// The same lakehouse with another connector.
    pub(crate) fn with_connector(self, connector: ScriptedConnector) -> Self {
        Self { connector: Arc::new(connector), ..self }
    }

    pub(crate) fn lakehouse(&self) -> Lakehouse {
        let lakehouse = match &self.place {
            Place::Memory(store) => Lakehouse::in_store(Arc::clone(store)),
            Place::Own(_) | Place::Given(_) => Lakehouse::open(self.folder().to_str().unwrap()),
        };
        lakehouse.unwrap()
    }

    pub(crate) fn folder(&self) -> &Path {
        match &self.place {
            Place::Own(folder) => folder.path(),
            Place::Given(folder) => folder,
            Place::Memory(_) => panic!("a lakehouse in memory has no folder"),
        }
    }

    /// Waits until nothing that an abandoned run has begun can reach the lakehouse in memory any more.
    pub(crate) async fn left_alone(&self) {
        if let Place::Memory(store) = &self.place {
            while Arc::strong_count(store) > 1 {
                tokio::task::yield_now().await;
            }
        }
    }

    pub(crate) async fn pipeline(&self, spec: &PipelineSpec) -> Result<Pipeline> {
        let plan = Plan::new(spec, self.connector.as_ref()).await?;
        Ok(Pipeline::new(plan, Arc::clone(&self.connector) as _, self.lakehouse()))
    }

    /// A run, and what it told.
    pub(crate) async fn run(&self, spec: &PipelineSpec, options: RunOptions) -> (RunReport, Vec<Event>) {
        let events = Arc::new(Mutex::new(Vec::new()));
        let report = self.run_observed(spec, options, collector(&events)).await;
        let events = events.lock().unwrap().clone();
        (report, events)
    }

    pub(crate) async fn run_observed(&self, spec: &PipelineSpec, options: RunOptions, observer: Observer) -> RunReport {
        self.pipeline(spec).await.unwrap().run(options, observer).await.unwrap()
    }

    /// A run of one table that must be complete.
    pub(crate) async fn run_table(&self, table: &str, options: RunOptions) -> RunReport {
        let (report, _) = self.run(&spec(&[(table, "{}")]), options).await;
        if let Some((_, error)) = report.failures().next() {
            panic!("{error:?}");
        }
        report
    }

    pub(crate) async fn state(&self, table: &str) -> Option<TableState> {
        self.lakehouse().table(&destination(table)).unwrap().load().await.unwrap()
    }

    pub(crate) async fn version(&self, table: &str) -> Option<u64> {
        self.state(table).await.map(|state| state.version())
    }

    /// The rows of a destination, as JSON with nulls left out, sorted by their text.
    pub(crate) async fn rows(&self, table: &str) -> Vec<Value> {
        let table = self.lakehouse().table(&destination(table)).unwrap();
        let Some(state) = table.load().await.unwrap() else { return Vec::new() };
        let batches: Vec<_> = table.scan(&state, Scan::all()).await.unwrap().try_collect().await.unwrap();
        let mut writer = LineDelimitedWriter::new(Vec::new());
        for placed in &batches {
            writer.write(&placed.batch).unwrap();
        }
        writer.finish().unwrap();
        let text = String::from_utf8(writer.into_inner()).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        lines.into_iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub(crate) fn destination(table: &str) -> Destination {
    Destination::new(None, None, table).unwrap()
}

pub(crate) fn collector(events: &Arc<Mutex<Vec<Event>>>) -> Observer {
    let events = Arc::clone(events);
    Arc::new(move |event| {
        if !matches!(event, Event::Progress { .. }) {
            events.lock().unwrap().push(event);
        }
    })
}

pub(crate) fn silent() -> Observer {
    Arc::new(drop)
}
