//! `simulate SOURCE`: serves a stand-in for a source's API until it is stopped.

use lakeflow_interface::{Result, Secret};
use lakeflow_simulator::{Simulator, SimulatorSettings};
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use crate::args::SimulateArguments;
use crate::exit::ExitStatus;
use crate::figures::counted;
use crate::interrupt::Interrupt;
use crate::session::Session;
use crate::simulation;

/// Serves until Ctrl-C.
pub(crate) async fn run(arguments: &SimulateArguments, session: &Session) -> Result<ExitStatus> {
    let interrupt = Interrupt::listen(session.printer.clone(), "stopping")?;
    let source = session.catalog()?.find_or_folder(&arguments.source)?;
    let simulator = Simulator::start(&source.simulator()?, settings(arguments)).await?;
    let step = simulation::small_step(&source.definition()?)?;
    announce(&simulator, arguments, session)?;
    let mut next = arguments.advance_every.map(|every| Instant::now() + every);
    loop {
        tokio::select! {
            () = interrupt.token().cancelled() => break,
            () = at(next) => {
                simulator.advance(&step)?;
                session.printer.event(&json!({"event": "simulator_advanced"}))?;
                session.printer.status("moved on: some rows were added, changed and deleted");
                next = arguments.advance_every.map(|every| Instant::now() + every);
            }
        }
    }
    session.printer.status(format_args!("answered {}", counted(simulator.request_counts().values().sum(), "request")));
    Ok(ExitStatus::Success)
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

fn settings(arguments: &SimulateArguments) -> SimulatorSettings {
    SimulatorSettings {
        port: arguments.port,
        scale: arguments.scale.into(),
        latency: arguments.latency,
        token: Some(Secret::new(&arguments.token)),
        seed: arguments.seed,
        ..SimulatorSettings::default()
    }
}

fn announce(simulator: &Simulator, arguments: &SimulateArguments, session: &Session) -> Result<()> {
    let (url, source) = (simulator.url(), &arguments.source);
    session.printer.event(&json!({"event": "simulator_started", "source": source, "url": url}))?;
    session.printer.line(format_args!(
        "a simulated {source} is at {url}; Ctrl-C stops it

send a connection there:
  community-connector connection create {source} NAME -o token={token}
  community-connector read NAME TABLE --upstream {url}
  community-connector run SPEC --upstream {url}

move it on:
  curl -X POST {url}_simulator/advance -d '{{\"tables\": {{\"TABLE\": {{\"added\": 5, \"changed\": 3}}}}}}'",
        token = arguments.token,
    ))
}
