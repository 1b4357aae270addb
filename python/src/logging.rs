//! What goes on inside, as records of Python's `logging`, in loggers named as the targets: `lakeflow_http.client`.

use std::fmt::{self, Write};
use std::sync::Once;
use std::sync::atomic::{AtomicU8, Ordering};

use pyo3::prelude::*;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// The logger whose level decides what is told at all.
const LOGGER: &str = "databricks.labs.community_connector";

static STARTED: Once = Once::new();
/// The least level of Python that is told; asked for again by [`start`], since Python cannot be asked at every event.
static LEAST: AtomicU8 = AtomicU8::new(30);

/// Hands events on from now on, those that Python's logger wants to hear.
pub(crate) fn start(py: Python<'_>) -> PyResult<()> {
    let logger = py.import("logging")?.call_method1("getLogger", (LOGGER,))?;
    let least: u16 = logger.call_method0("getEffectiveLevel")?.extract()?;
    LEAST.store(u8::try_from(least).unwrap_or(u8::MAX), Ordering::Relaxed);
    STARTED.call_once(|| {
        // Where the process has another subscriber already, that one goes on.
        drop(tracing_subscriber::registry().with(ToPython).try_init());
    });
    Ok(())
}

struct ToPython;

impl<S: Subscriber> Layer<S> for ToPython {
    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        let is_ours =
            ["lakeflow", "community_connector", "_native"].iter().any(|ours| metadata.target().starts_with(ours));
        (is_ours || *metadata.level() <= Level::WARN) && level(*metadata.level()) >= LEAST.load(Ordering::Relaxed)
    }

    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let name = format!("{LOGGER}.{}", event.metadata().target().replace("::", "."));
        // An interpreter that is going down hears nothing any more.
        Python::try_attach(|py| {
            let logging = py.import("logging")?;
            let logger = logging.call_method1("getLogger", (name,))?;
            logger.call_method1("log", (level(*event.metadata().level()), "%s", text.0))?;
            PyResult::Ok(())
        });
    }
}

fn level(level: Level) -> u8 {
    match level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        Level::DEBUG => 10,
        Level::TRACE => 5,
    }
}

/// The message and then the fields, `name=value`.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let gap = if self.0.is_empty() { "" } else { " " };
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.0, "{gap}{value:?}"),
            name => write!(self.0, "{gap}{name}={value:?}"),
        };
    }
}
