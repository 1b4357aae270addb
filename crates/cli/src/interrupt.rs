//! Ctrl-C and SIGTERM: the first asks the work to stop at the next commit, a second one leaves at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use lakeflow_interface::{Error, ErrorKind, Result};
use tokio_util::sync::CancellationToken;

use crate::exit::ExitStatus;
use crate::printer::Printer;

const NONE: u8 = 0;

/// Tells whether the user asked to stop.
#[derive(Clone, Default)]
pub(crate) struct Interrupt {
    token: CancellationToken,
    code: Arc<AtomicU8>,
}

impl Interrupt {
    /// Starts to listen; `stopping` is said when the first signal comes.
    pub(crate) fn listen(printer: Arc<Printer>, stopping: &'static str) -> Result<Self> {
        let interrupt = Self::default();
        let mut signals = Signals::new()
            .map_err(|error| Error::new(ErrorKind::Internal, "signals cannot be listened to").with_cause(error))?;
        let listener = interrupt.clone();
        tokio::spawn(async move {
            listener.code.store(signals.next().await.code(), Ordering::Relaxed);
            listener.token.cancel();
            printer.status(stopping);
            let status = signals.next().await;
            std::process::exit(status.code().into());
        });
        Ok(interrupt)
    }

    /// Is cancelled by the first signal.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// How the program ends because of the signal; `None` as long as there was none.
    pub(crate) fn status(&self) -> Option<ExitStatus> {
        match self.code.load(Ordering::Relaxed) {
            NONE => None,
            code if code == ExitStatus::Terminated.code() => Some(ExitStatus::Terminated),
            _ => Some(ExitStatus::Interrupted),
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> ExitStatus {
        tokio::select! {
            _ = self.interrupt.recv() => ExitStatus::Interrupted,
            _ = self.terminate.recv() => ExitStatus::Terminated,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> ExitStatus {
        match tokio::signal::ctrl_c().await {
            Ok(()) => ExitStatus::Interrupted,
            Err(_) => std::future::pending().await,
        }
    }
}
