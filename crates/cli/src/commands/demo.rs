//! `demo`: the whole thing at work, with nothing to set up: a simulated GitHub into local Delta tables, twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use lakeflow_interface::{Horizon, LakeflowConnect, Result, Secret};
use lakeflow_manifest::ConnectSettings;
use lakeflow_pipeline::delta::{Destination, Lakehouse};
use lakeflow_pipeline::{FullRefresh, Pipeline, PipelineSpec, Plan, RunOptions};
use lakeflow_simulator::{Advance, Simulator, SimulatorSettings};

use crate::args::DemoArguments;
use crate::catalog::Source;
use crate::exit::ExitStatus;
use crate::figures::{count, counted};
use crate::interrupt::Interrupt;
use crate::progress;
use crate::session::Session;

const SOURCE: &str = "github";
const TOKEN: &str = "simulated";
const SPEC: &str = include_str!("../../../../examples/github.yaml");
const SPEC_NAME: &str = "examples/github.yaml";
const STOPPING: &str = "stopping: what is being committed is finished first; press Ctrl-C again to leave at once";

/// Tables of their own, so that nothing of the user's is replaced.
const SCHEMA: &str = "demo";

/// The simulated clock starts in the past, so that what is changed later is not in the future.
const AGE: Duration = Duration::from_secs(3600);
const STEP: Duration = Duration::from_secs(600);

/// What happens between the two runs: rows added, changed and deleted.
const CHANGES: [(&str, u64, u64, u64); 5] = [
    ("issues", 3, 4, 0),
    ("pull_requests", 1, 2, 0),
    ("comments", 5, 1, 0),
    ("commits", 6, 0, 0),
    ("branches", 1, 0, 1),
];

/// Runs the demo.
pub(crate) async fn run(arguments: &DemoArguments, session: &Session) -> Result<ExitStatus> {
    let interrupt = Interrupt::listen(session.printer.clone(), STOPPING)?;
    let simulator = start(arguments).await?;
    let pipeline = pipeline(&simulator, session).await?;
    let tables = pipeline.plan().tables.len();
    session.printer.line(format_args!(
        "A simulated GitHub is at {}.\n\nThe first run brings all rows of its {tables} tables to {}:\n",
        simulator.url(),
        session.lakehouse,
    ))?;
    let first = once(&pipeline, FullRefresh::All, &interrupt, session).await?;
    if first.status != ExitStatus::Success {
        return Ok(interrupt.status().unwrap_or(first.status));
    }
    simulator.advance(&changes())?;
    session
        .printer
        .line(format_args!("\nNow GitHub moves on: {}.\nThe second run brings only that:\n", describe_changes()))?;
    let second = once(&pipeline, FullRefresh::None, &interrupt, session).await?;
    if second.status != ExitStatus::Success {
        return Ok(interrupt.status().unwrap_or(second.status));
    }
    session.printer.line(farewell(&first, &second, session))?;
    Ok(ExitStatus::Success)
}

async fn start(arguments: &DemoArguments) -> Result<Simulator> {
    let settings = SimulatorSettings {
        scale: arguments.scale.into(),
        token: Some(Secret::new(TOKEN)),
        now: Some(Utc::now() - AGE),
        ..SimulatorSettings::default()
    };
    Simulator::start(&Source::built_in(lakeflow_sources::find(SOURCE)?).simulator()?, settings).await
}

async fn pipeline(simulator: &Simulator, session: &Session) -> Result<Pipeline> {
    let mut spec = PipelineSpec::parse(SPEC, SPEC_NAME)?;
    for table in &mut spec.tables {
        table.destination = Destination::new(None, Some(SCHEMA), table.destination.table())?;
    }
    let definition = lakeflow_sources::find(SOURCE)?.definition()?;
    let parameters = BTreeMap::from([("token".to_owned(), Secret::new(TOKEN))]);
    let settings = ConnectSettings { upstream: Some(simulator.url().clone()), ..session.connect_settings() };
    let connector: Arc<dyn LakeflowConnect> = definition.connect(&parameters, settings)?;
    let plan = Plan::new(&spec, connector.as_ref()).await?;
    Ok(Pipeline::new(plan, connector, Lakehouse::open(&session.lakehouse)?))
}

/// What is left to say of a run.
struct Outcome {
    status: ExitStatus,
    rows_read: u64,
    requests: u64,
}

async fn once(pipeline: &Pipeline, refresh: FullRefresh, interrupt: &Interrupt, session: &Session) -> Result<Outcome> {
    let mut options = RunOptions::new(Horizon::now());
    options.parallel = session.parallel;
    options.full_refresh = refresh;
    options.cancellation = interrupt.token().clone();
    let report = pipeline.run(options, progress::observer(&session.printer)).await?;
    let status = progress::print_report(&report, &session.printer)?;
    let totals = report.totals();
    Ok(Outcome { status, rows_read: totals.rows_read, requests: totals.requests })
}

fn changes() -> Advance {
    CHANGES.iter().fold(Advance::new().by(STEP), |advance, (table, added, changed, deleted)| {
        advance.table(*table, *added, *changed, *deleted)
    })
}

fn describe_changes() -> String {
    let sum = |of: fn(&(&str, u64, u64, u64)) -> u64| counted(CHANGES.iter().map(of).sum(), "row");
    format!("{} are added, {} changed, {} deleted", sum(|c| c.1), sum(|c| c.2), sum(|c| c.3))
}

fn farewell(first: &Outcome, second: &Outcome, session: &Session) -> String {
    let lakehouse = match session.lakehouse.as_str() {
        "./lakehouse" => String::new(),
        other => format!(" --lakehouse {other}"),
    };
    format!(
        "
The first run read {} with {}, the second {} with {}.

Try next:
  community-connector show {SCHEMA}.issues{lakehouse}
  community-connector describe {SOURCE} issues
  community-connector sources {SOURCE}
  community-connector connection create {SOURCE} NAME -o token=env:GITHUB_TOKEN",
        counted(first.rows_read, "row"),
        counted(first.requests, "request"),
        count(second.rows_read),
        count(second.requests),
    )
}
