//! What goes on inside, on stderr: `-v`, `-vv`, or a filter in the environment. Libraries never log a secret.

use std::io;
use std::sync::Arc;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::environment;
use crate::printer::Printer;

/// Starts logging where it is asked for.
pub(crate) fn start(verbosity: u8, printer: &Arc<Printer>) {
    let wanted = std::env::var(environment::LOG).ok().filter(|filter| !filter.is_empty());
    let filter = match (wanted, verbosity) {
        (Some(filter), _) => filter,
        (None, 0) => return,
        (None, 1) => "warn,lakeflow=info,community_connector=info".to_owned(),
        (None, _) => "warn,lakeflow=debug,community_connector=debug".to_owned(),
    };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_ansi(console::colors_enabled_stderr())
        .with_writer(Lines(printer.clone()))
        .init();
}

/// Hands log lines to the printer, so that they do not tear the progress bars.
struct Lines(Arc<Printer>);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl io::Write for &Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.status(String::from_utf8_lossy(bytes).trim_end());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
