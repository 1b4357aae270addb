//! `replay FILE`: serves a recording in the place of its source until it is stopped.

use lakeflow_interface::Result;
use lakeflow_simulator::{Cassette, Replayer};
use serde_json::json;

use crate::args::ReplayArguments;
use crate::exit::ExitStatus;
use crate::interrupt::Interrupt;
use crate::session::Session;

/// Serves until Ctrl-C.
pub(crate) async fn run(arguments: &ReplayArguments, session: &Session) -> Result<ExitStatus> {
    let interrupt = Interrupt::listen(session.printer.clone(), "stopping")?;
    let replayer = Replayer::start(Cassette::load(&arguments.cassette)?, arguments.port).await?;
    let url = replayer.url();
    session.printer.event(&json!({"event": "replay_started", "url": url}))?;
    session.printer.line(format_args!(
        "the recording is served at {url}; Ctrl-C stops it

read from it:
  community-connector read CONNECTION TABLE --upstream {url}"
    ))?;
    interrupt.token().cancelled().await;
    for request in replayer.unknown_requests() {
        session.printer.warning(format_args!("the recording has no answer to {request}"), None);
    }
    Ok(ExitStatus::Success)
}
