//! A line for everything worth knowing, where there is no terminal.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lakeflow_pipeline::Event;

use super::{Display, describe, describe_wait};
use crate::figures::{count, counted, time};
use crate::printer::Printer;

const EVERY: Duration = Duration::from_secs(10);

/// Lines on stderr.
pub(super) struct Lines {
    printer: Arc<Printer>,
    last_said: HashMap<String, Instant>,
}

impl Lines {
    /// Lines on the printer's stderr.
    pub(super) fn new(printer: Arc<Printer>) -> Self {
        Self { printer, last_said: HashMap::new() }
    }

    fn is_due(&mut self, table: &str) -> bool {
        let now = Instant::now();
        match self.last_said.get_mut(table) {
            Some(last) if now.duration_since(*last) < EVERY => false,
            Some(last) => {
                *last = now;
                true
            }
            None => {
                self.last_said.insert(table.to_owned(), now);
                false
            }
        }
    }
}

impl Display for Lines {
    fn show(&mut self, event: &Event) {
        match event {
            Event::Progress { table, totals, waiting } if self.is_due(table) => {
                let wait = waiting.as_ref().map(|wait| format!(" · {}", describe_wait(wait))).unwrap_or_default();
                self.printer.status(format_args!("{table}: {} so far{wait}", describe(totals)));
            }
            Event::Warning { table, message, count } => {
                self.printer.warning(format_args!("{table}: {message} ({})", counted(*count, "time")), None);
            }
            Event::TableFinished { table, totals, seconds, .. } => self.printer.status(format_args!(
                "{table}: {} read, {} inserted, {} updated, {} deleted in {}",
                counted(totals.rows_read, "row"),
                count(totals.rows.inserted),
                count(totals.rows.updated),
                count(totals.rows.deleted),
                time(Duration::from_secs_f64(*seconds)),
            )),
            // The error itself is said once, below the closing table.
            Event::TableFailed { table, seconds, .. } => {
                let time = time(Duration::from_secs_f64(*seconds));
                self.printer.status(format_args!("{table}: not complete after {time}"));
            }
            _ => {}
        }
    }
}
