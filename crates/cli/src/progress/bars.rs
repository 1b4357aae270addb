//! A line that moves for each table that is being read, and one for the run.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use lakeflow_pipeline::{Event, Totals};

use super::{Display, describe, describe_wait};
use crate::figures::count;
use crate::printer::Printer;

const TICK: Duration = Duration::from_millis(100);

/// Bars on a terminal; they are gone when the run is over.
pub(super) struct Bars {
    printer: Arc<Printer>,
    run: Option<ProgressBar>,
    tables: HashMap<String, ProgressBar>,
    name_width: usize,
}

impl Bars {
    /// Bars on the printer's stderr.
    pub(super) fn new(printer: Arc<Printer>) -> Self {
        Self { printer, run: None, tables: HashMap::new(), name_width: 0 }
    }

    fn start_run(&mut self, tables: &[String]) {
        self.name_width = tables.iter().map(|table| console::measure_text_width(table)).max().unwrap_or(0);
        let bar = self.printer.bars().add(ProgressBar::new(tables.len() as u64));
        bar.set_style(style("{bar:20.cyan/dim} {pos} of {len} tables · {elapsed}"));
        bar.tick();
        self.run = Some(bar);
    }

    fn start_table(&mut self, table: &str) {
        let bar = ProgressBar::new_spinner().with_prefix(format!("{table:width$}", width = self.name_width));
        let bar = match &self.run {
            Some(run) => self.printer.bars().insert_before(run, bar),
            None => self.printer.bars().add(bar),
        };
        bar.set_style(style("{spinner:.cyan} {prefix:.bold} {wide_msg}"));
        bar.enable_steady_tick(TICK);
        self.tables.insert(table.to_owned(), bar);
    }

    fn end_table(&mut self, table: &str) {
        if let Some(bar) = self.tables.remove(table) {
            bar.finish_and_clear();
            self.printer.bars().remove(&bar);
        }
        if let Some(run) = &self.run {
            run.inc(1);
        }
    }

    fn say(&self, table: &str, message: String) {
        if let Some(bar) = self.tables.get(table) {
            bar.set_message(message);
        }
    }

    fn rate(&self, table: &str, totals: &Totals) -> String {
        let seconds = self.tables.get(table).map_or(0.0, |bar| bar.elapsed().as_secs_f64());
        if seconds < 0.5 {
            String::new()
        } else {
            format!(" · {} rows/s", count((totals.rows_read as f64 / seconds) as u64))
        }
    }
}

impl Display for Bars {
    fn show(&mut self, event: &Event) {
        match event {
            Event::RunStarted { tables, .. } => self.start_run(tables),
            Event::TableStarted { table, .. } => self.start_table(table),
            Event::Progress { table, totals, waiting } => {
                let wait = waiting.as_ref().map(|wait| format!(" · {}", describe_wait(wait))).unwrap_or_default();
                self.say(table, format!("{}{}{wait}", describe(totals), self.rate(table, totals)));
            }
            Event::TableFinished { table, .. } | Event::TableFailed { table, .. } => self.end_table(table),
            Event::Warning { table, message, count } => {
                self.printer.warning(format_args!("{table}: {message} ({count} times)"), None);
            }
            Event::RunFinished { .. } => {
                if let Some(run) = self.run.take() {
                    run.finish_and_clear();
                }
            }
            _ => {}
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
