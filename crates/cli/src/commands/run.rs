//! `run SPEC`: brings what changed in the source into the destination tables.

use std::io;
use std::path::Path;
use std::sync::Arc;

use lakeflow_interface::{Error, ErrorKind, Horizon, Result};
use lakeflow_pipeline::delta::Lakehouse;
use lakeflow_pipeline::{Cadence, DryRun, DryRunAction, FullRefresh, Pipeline, PipelineSpec, Plan, RunOptions};
use serde_json::json;

use crate::args::{CadenceArguments, RunArguments};
use crate::commands::record;
use crate::exit::ExitStatus;
use crate::figures::count;
use crate::grid::Grid;
use crate::interrupt::Interrupt;
use crate::printer::Printer;
use crate::progress;
use crate::session::Session;

const STDIN: &str = "-";

const STOPPING: &str = "stopping: what is being committed is finished first; press Ctrl-C again to leave at once";

/// Runs the pipeline, and keeps what the source answers where that is wanted.
pub(crate) async fn run(arguments: &RunArguments, session: &Session) -> Result<ExitStatus> {
    let Some(file) = &arguments.record else { return run_pipeline(arguments, session).await };
    let (text, origin) = read_spec(&arguments.spec)?;
    let connection = PipelineSpec::parse(&text, &origin)?.connection_name;
    let (recorded, recorder) = session.recording(&connection, record::KEPT).await?;
    let outcome = run_pipeline(arguments, &recorded).await;
    record::save(&recorder, file, session)?;
    outcome
}

/// Runs the pipeline, or says what a run would do.
async fn run_pipeline(arguments: &RunArguments, session: &Session) -> Result<ExitStatus> {
    let interrupt = Interrupt::listen(session.printer.clone(), STOPPING)?;
    tokio::select! {
        pipeline = prepare(arguments, session) => {
            let mut options = options(arguments, session);
            options.cancellation = interrupt.token().clone();
            let pipeline = pipeline?;
            warn(pipeline.plan(), &session.printer);
            if arguments.dry_run {
                return print_dry_run(&pipeline.dry_run(&options).await?, &session.printer);
            }
            let report = pipeline.run(options, progress::observer(&session.printer)).await?;
            let status = progress::print_report(&report, &session.printer)?;
            if report.is_cancelled() {
                session.printer.status("stopped; the next run goes on from there");
            }
            Ok(interrupt.status().filter(|_| status != ExitStatus::Success).unwrap_or(status))
        }
        () = interrupt.token().cancelled() => Ok(interrupt.status().unwrap_or(ExitStatus::Interrupted)),
    }
}

/// Reads the spec and holds it against its connection.
async fn prepare(arguments: &RunArguments, session: &Session) -> Result<Pipeline> {
    let (text, origin) = read_spec(&arguments.spec)?;
    let spec = PipelineSpec::parse(&text, &origin)?;
    let connector = session.connect(&spec.connection_name).await?;
    let mut plan = Plan::new(&spec, connector.as_ref()).await?;
    if !arguments.tables.is_empty() {
        plan = plan.select(&arguments.tables)?;
    }
    Ok(Pipeline::new(plan, connector, Lakehouse::open(&session.lakehouse)?))
}

fn read_spec(path: &Path) -> Result<(String, String)> {
    let origin = path.display().to_string();
    let text = if origin == STDIN { io::read_to_string(io::stdin()) } else { std::fs::read_to_string(path) };
    let text = text.map_err(|error| {
        Error::new(ErrorKind::Configuration, format!("pipeline spec `{origin}` cannot be read")).with_cause(error)
    })?;
    Ok((text, origin))
}

/// The settings that the command line asks for.
fn options(arguments: &RunArguments, session: &Session) -> RunOptions {
    let mut options = RunOptions::new(Horizon::now());
    options.parallel = session.parallel;
    options.cadence = cadence(&arguments.cadence);
    options.full_refresh = match &arguments.full_refresh {
        None => FullRefresh::None,
        Some(tables) if tables.is_empty() => FullRefresh::All,
        Some(tables) => FullRefresh::Tables(tables.clone()),
    };
    options
}

fn cadence(arguments: &CadenceArguments) -> Cadence {
    let usual = Cadence::default();
    Cadence {
        rows: arguments.commit_rows.unwrap_or(usual.rows),
        bytes: arguments.commit_bytes.unwrap_or(usual.bytes),
        interval: arguments.commit_interval.unwrap_or(usual.interval),
    }
}

fn warn(plan: &Plan, printer: &Printer) {
    for table in &plan.tables {
        for warning in &table.warnings {
            printer.warning(format_args!("{}: {warning}", table.flow_name()), None);
        }
    }
}

fn print_dry_run(dry_run: &DryRun, printer: &Arc<Printer>) -> Result<ExitStatus> {
    let mut grid = Grid::new(["table", "source table", "flow", "rows now", "would"]).with_numbers([3]);
    for table in &dry_run.tables {
        let would = match table.action {
            DryRunAction::Create => "be created",
            DryRunAction::Update => "be brought up to date",
            DryRunAction::Replace => "be replaced",
        };
        grid.add([
            table.table.clone(),
            table.source_table.clone(),
            table.flow.to_string(),
            table.rows.map(count).unwrap_or_default(),
            would.to_owned(),
        ]);
        let mut event = json!(table);
        event["event"] = "planned".into();
        printer.event(&event)?;
    }
    printer.line(grid)?;
    Ok(ExitStatus::Success)
}
