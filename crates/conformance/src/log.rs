//! Everything that is logged on this thread.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, fmt, registry};

/// Everything that our libraries log on this thread while it is held.
pub(crate) struct Log {
    text: Text,
    _guard: DefaultGuard,
}

impl Log {
    /// Begins to listen, at the most talkative level.
    pub(crate) fn listen() -> Self {
        let text = Text::default();
        let layer = fmt::layer().with_ansi(false).without_time().with_writer(text.clone());
        let ours = Targets::new().with_target("lakeflow", LevelFilter::TRACE);
        let guard = tracing::subscriber::set_default(registry().with(layer.with_filter(ours)));
        Self { text, _guard: guard }
    }

    /// What was logged so far.
    pub(crate) fn text(&self) -> String {
        let bytes = self.text.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl<'w> MakeWriter<'w> for Text {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

impl io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
