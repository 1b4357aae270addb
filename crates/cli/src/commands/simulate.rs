//! `simulate SOURCE`: serves a stand-in for a source's API until it is stopped.

use lakeflow_interface::{Result, Secret};
use lakeflow_simulator::{Simulator, SimulatorSettings};
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use crate::args::SimulateArguments;
use crate::catalog::Source;
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
    announce(&simulator, &source, arguments, session)?;
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

fn announce(simulator: &Simulator, source: &Source, arguments: &SimulateArguments, session: &Session) -> Result<()> {
    let (url, name) = (simulator.url(), source.name());
    session.printer.event(&json!({"event": "simulator_started", "source": name, "url": url}))?;
    let options = connection_options(source, &arguments.token)?;
    let is_known = session.catalog()?.iter().any(|known| known.name() == name && known.path() == source.path());
    let folder = source.path().filter(|_| !is_known);
    let folder = folder.map(|folder| format!(" --source {}", folder.display())).unwrap_or_default();
    session.printer.line(format_args!(
        "a simulated {name} is at {url}; Ctrl-C stops it

send a connection there:
  community-connector connection create {name} NAME{options}{folder}
  community-connector read NAME TABLE --upstream {url}{folder}
  community-connector run SPEC --upstream {url}{folder}

move it on:
  curl -X POST {url}_simulator/advance -d '{{\"tables\": {{\"TABLE\": {{\"added\": 5, \"changed\": 3}}}}}}'",
    ))
}

/// What a connection to the simulator must say: the parameters that it cannot do without.
fn connection_options(source: &Source, token: &str) -> Result<String> {
    let (definition, simulator) = (source.definition()?, source.simulator()?);
    let required = definition.parameters().iter().filter(|parameter| parameter.required && parameter.default.is_none());
    let options = required.map(|parameter| {
        let constant = simulator.constants().find(|(name, _)| *name == parameter.name).map(|(_, value)| value);
        let value = match (constant, parameter.secret) {
            (Some(constant), _) => constant.to_owned(),
            (None, true) => token.to_owned(),
            (None, false) if parameter.r#enum.is_empty() => "…".to_owned(),
            (None, false) => parameter.r#enum.join("|"),
        };
        format!(" -o {}={value}", parameter.name)
    });
    Ok(options.collect())
}
