//! `Printer`: the one place that writes to the terminal. Data goes to stdout, everything else to stderr.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use console::{Style, Term};
use indicatif::{MultiProgress, ProgressDrawTarget};
use lakeflow_interface::{Error, ErrorKind, Result};
use serde::Serialize;

use crate::args::OutputFormat;
use crate::failure::Failure;

/// Writes data to stdout and the rest to stderr, without tearing the progress bars.
pub(crate) struct Printer {
    format: OutputFormat,
    bars: MultiProgress,
    stdout_closed: AtomicBool,
}

impl Printer {
    /// A printer for this process's stdout and stderr.
    pub(crate) fn new(format: OutputFormat) -> Self {
        let target = if format == OutputFormat::Text && Term::stderr().is_term() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self { format, bars: MultiProgress::with_draw_target(target), stdout_closed: AtomicBool::new(false) }
    }

    /// Whether stdout carries events for programs.
    pub(crate) fn is_json(&self) -> bool {
        self.format == OutputFormat::Json
    }

    /// Whether progress bars are seen.
    pub(crate) fn has_bars(&self) -> bool {
        !self.bars.is_hidden()
    }

    /// Where progress bars are drawn; hidden where there is no terminal.
    pub(crate) fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// Whether whoever read stdout went away, as `head` does.
    pub(crate) fn stdout_closed(&self) -> bool {
        self.stdout_closed.load(Ordering::Relaxed)
    }

    /// One line of data for people; nothing where stdout carries events.
    pub(crate) fn line(&self, text: impl Display) -> Result<()> {
        if self.is_json() { Ok(()) } else { self.data(|stdout| writeln!(stdout, "{text}")) }
    }

    /// One event for programs; nothing where stdout carries text.
    pub(crate) fn event(&self, event: &impl Serialize) -> Result<()> {
        if !self.is_json() {
            return Ok(());
        }
        let text = serde_json::to_string(event).map_err(|error| {
            Error::new(ErrorKind::Internal, "an event could not be written as JSON").with_cause(error)
        })?;
        self.data(|stdout| writeln!(stdout, "{text}"))
    }

    /// Bytes of data, whatever the format.
    pub(crate) fn data(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        self.bars.suspend(|| {
            let mut stdout = io::stdout().lock();
            write(&mut stdout).and_then(|()| stdout.flush()).map_err(|error| self.stdout_error(error))
        })
    }

    /// One line about what goes on, on stderr.
    pub(crate) fn status(&self, text: impl Display) {
        self.stderr(format_args!("{text}\n"));
    }

    /// Something that the user should know, and what to do about it.
    pub(crate) fn warning(&self, message: impl Display, hint: Option<&str>) {
        let label = Style::new().for_stderr().yellow().bold().apply_to("warning:");
        match hint {
            Some(hint) => self.stderr(format_args!("{label} {message}\n{} {hint}\n", hint_label())),
            None => self.stderr(format_args!("{label} {message}\n")),
        }
    }

    /// An error with its causes and hints on stderr, and as an event where stdout carries events.
    pub(crate) fn error(&self, error: &Error) {
        let failure = Failure::of(error);
        self.failure(&failure);
        // stdout may be what failed; stderr has said it already.
        drop(self.event(&failure));
    }

    /// The error of one table of a run on stderr; its event was written when it happened.
    pub(crate) fn table_error(&self, table: &str, error: &Error) {
        let mut failure = Failure::of(error);
        failure.message = format!("{table}: {}", failure.message);
        self.failure(&failure);
    }

    fn failure(&self, failure: &Failure) {
        let label = Style::new().for_stderr().red().bold().apply_to("error:");
        let mut text = format!("{label} {}\n", failure.message);
        for detail in &failure.details {
            text += &format!("  {detail}\n");
        }
        for cause in &failure.causes {
            text += &format!("  {} {cause}\n", Style::new().for_stderr().red().apply_to("caused by:"));
        }
        for hint in &failure.hints {
            text += &format!("{} {hint}\n", hint_label());
        }
        self.stderr(format_args!("{text}"));
    }

    fn stderr(&self, text: std::fmt::Arguments<'_>) {
        // Nobody is left to be told that stderr cannot be written.
        self.bars.suspend(|| drop(io::stderr().lock().write_fmt(text)));
    }

    fn stdout_error(&self, error: io::Error) -> Error {
        if error.kind() == io::ErrorKind::BrokenPipe {
            self.stdout_closed.store(true, Ordering::Relaxed);
        }
        Error::new(ErrorKind::Cancelled, "stdout cannot be written").with_cause(error)
    }
}

fn hint_label() -> console::StyledObject<&'static str> {
    Style::new().for_stderr().cyan().bold().apply_to("hint:")
}
