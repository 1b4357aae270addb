//! What a run tells while it goes on: bars on a terminal, lines elsewhere, events for programs.

mod bars;
mod closing;
mod lines;

use std::sync::{Arc, Mutex, PoisonError};

use lakeflow_pipeline::event::Wait;
use lakeflow_pipeline::{Event, Observer, Totals};

use crate::figures::{bytes, counted};
use crate::printer::Printer;

pub(crate) use closing::print_report;

/// Takes the events of a run.
trait Display: Send {
    fn show(&mut self, event: &Event);
}

/// The observer that shows a run in the way that suits stdout and stderr.
pub(crate) fn observer(printer: &Arc<Printer>) -> Observer {
    let display: Box<dyn Display> = if printer.has_bars() {
        Box::new(bars::Bars::new(printer.clone()))
    } else {
        Box::new(lines::Lines::new(printer.clone()))
    };
    let display = Mutex::new(display);
    let printer = printer.clone();
    Arc::new(move |event| {
        if printer.is_json() {
            // A reader of events that went away does not stop the run.
            drop(printer.event(&event));
        } else {
            display.lock().unwrap_or_else(PoisonError::into_inner).show(&event);
        }
    })
}

/// `1,234 rows · 12.3 MB · 13 requests · 1 retry`
fn describe(totals: &Totals) -> String {
    let mut parts = vec![counted(totals.rows_read, "row"), bytes(totals.bytes), counted(totals.requests, "request")];
    if totals.retries > 0 {
        parts.push(counted(totals.retries, "retry"));
    }
    parts.join(" · ")
}

/// `waiting for the rate limit of api.github.com until 12:31:07`
fn describe_wait(wait: &Wait) -> String {
    let until = chrono::Local::now() + chrono::TimeDelta::milliseconds((wait.seconds * 1000.0) as i64);
    format!("waiting for the {} until {}", wait.reason, until.format("%H:%M:%S"))
}
