//! Reads of tables: what to ask, and in which order to hand on what comes.

mod archive;
mod ascending;
mod body;
mod changes;
mod children;
mod complete_windows;
mod compose;
mod drained;
mod filter;
mod job;
mod pages;
mod per_parent;
mod position;
mod range;
mod request;
mod rows;
mod side_by_side;
mod snapshot;
mod stretch;
mod tokens;
mod windows;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use futures::{StreamExt, TryStreamExt};
use lakeflow_http::Client;
use lakeflow_interface::{Error, ErrorKind, Offset, ReadItem, ReadMetrics, ReadStream, Result};

use crate::connector::hint_at_credentials;
use crate::cursor::{Cursor, CursorKind};
use crate::plan::{ReadKind, TablePlan};
use crate::setting::Values;
use crate::template::{self, Scope};

pub(crate) use range::read_range;
pub(crate) use request::{request, request_once};

/// The columns that all records of a request share.
type Constants = Arc<[(String, Option<String>)]>;

/// Who asks the source, and on whose behalf.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) client: Client,
    /// The parent, its parent, and so on, by name.
    pub(crate) ancestors: BTreeMap<String, Arc<TablePlan>>,
    pub(crate) connection: Scope,
    pub(crate) credentials: Arc<[String]>,
    pub(crate) metrics: Arc<ReadMetrics>,
    pub(crate) horizon: DateTime<Utc>,
    /// Whether a record that is handed on again would be there twice.
    pub(crate) keeps_all: bool,
}

/// One read of one table.
#[derive(Clone)]
pub(crate) struct TableRead {
    ask: Ask,
    plan: Arc<TablePlan>,
    values: Values,
    scope: Scope,
    constants: Constants,
    reach: Reach,
}

/// How far a list is read.
#[derive(Clone, Debug, Default)]
enum Reach {
    /// Up to the horizon.
    #[default]
    Horizon,
    /// To its end, since children of what lies behind the horizon may lie before it.
    End,
    /// The same, unless it keeps moving: then it is left, and this is set. Shared by a family of tables.
    EndUnlessBusy(Arc<AtomicBool>),
}

impl Reach {
    fn is_beyond_horizon(&self) -> bool {
        !matches!(self, Self::Horizon)
    }

    /// Says that a list was left before its end.
    fn cut_short(&self) {
        if let Self::EndUnlessBusy(is_cut) = self {
            is_cut.store(true, Ordering::Relaxed);
        }
    }

    fn is_cut_short(&self) -> bool {
        matches!(self, Self::EndUnlessBusy(is_cut) if is_cut.load(Ordering::Relaxed))
    }
}

/// Bounds of the cursor that a request asks for.
#[derive(Clone, Debug, Default)]
struct Bounds {
    from: Option<Cursor>,
    to: Option<Cursor>,
    /// Whether `to` itself lies behind the range.
    is_half_open: bool,
}

impl Bounds {
    /// Everything from a cursor on.
    fn since(from: Option<Cursor>) -> Self {
        Self { from, ..Self::default() }
    }
}

/// Begins a read.
pub(crate) fn read(table: TableRead, start: &Offset) -> Result<ReadStream> {
    let credentials = table.ask.credentials.clone();
    let plan = table.plan.clone();
    let stream = match plan.read_kind() {
        ReadKind::Children => children::read(table, start)?,
        _ => read_list(table, start)?,
    };
    Ok(stream
        .map_err(move |error| hint_at_credentials(error, &credentials).with_context("table", plan.name.clone()))
        .boxed())
}

/// Begins the read of one list, of a table or of one of its parents.
fn read_list(table: TableRead, start: &Offset) -> Result<ReadStream> {
    match table.plan.list_kind() {
        ReadKind::Snapshot | ReadKind::Children => snapshot::read(table),
        ReadKind::Ascending => ascending::read(table, start),
        ReadKind::Drained => drained::read(table, start),
        ReadKind::Windows => windows::read(table, start),
        ReadKind::CompleteWindows => complete_windows::read(table, start),
        ReadKind::Tokens => tokens::read(table, start),
        ReadKind::Changes => changes::read(table, start),
    }
}

/// Begins the read of deleted rows, where it is one of its own.
pub(crate) fn read_deletes(table: TableRead, start: &Offset) -> Result<ReadStream> {
    let items = read(table, start)?;
    let deleted = items.map_ok(|item| match item {
        ReadItem::Records(records) => ReadItem::Deletes(records),
        other => other,
    });
    Ok(deleted.boxed())
}

impl TableRead {
    pub(crate) fn new(ask: Ask, plan: Arc<TablePlan>, values: Values) -> Result<Self> {
        let words = plan.words.iter().map(|(name, word)| (name.clone(), word.as_str().into())).collect();
        let discovered = plan.discovered.iter().map(|name| minijinja::value::Value::from(name.as_str())).collect();
        let scope = ask.connection.clone().with("options", values.for_templates()).with("table", words);
        let scope = scope.with("discovered", [("columns".to_owned(), discovered)].into());
        let mut table = Self { ask, plan, values, scope, constants: Arc::new([]), reach: Reach::Horizon };
        if table.plan.table.parent.is_none() {
            table.constants = table.constants()?;
        }
        Ok(table)
    }

    /// The columns that the definition adds.
    fn constants(&self) -> Result<Constants> {
        let columns = self.plan.table.add_columns.iter();
        let columns = columns.map(|(name, value)| {
            let value = template::render(value.text(), &self.scope)?;
            Ok((name.clone(), Some(value).filter(|value| !value.is_empty())))
        });
        columns.collect()
    }

    fn lookback(&self) -> Duration {
        self.seconds("lookback_seconds").unwrap_or_else(Duration::zero)
    }

    /// The zone of bounds that have none of their own.
    fn time_zone(&self) -> Result<Tz> {
        let incremental = self.plan.incremental();
        let Some(zone) = &incremental.time_zone else { return Ok(Tz::UTC) };
        let name = template::render(zone.text(), &self.scope)?;
        if name.is_empty() {
            return Ok(Tz::UTC);
        }
        name.parse().map_err(|_| {
            Error::new(ErrorKind::Configuration, format!("expected a time zone as `Europe/Berlin`, found `{name}`"))
        })
    }

    fn seconds(&self, option: &str) -> Option<Duration> {
        self.values.integer(option).and_then(Duration::try_seconds)
    }

    /// How many records may follow a checkpoint until the next.
    fn batch(&self) -> usize {
        let most = self.values.integer("max_records_per_batch");
        most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX)
    }

    fn cursor_kind(&self) -> Result<CursorKind> {
        let missing = || Error::new(ErrorKind::Internal, format!("table `{}` has no cursor", self.plan.name));
        self.plan.cursor_kind.ok_or_else(missing)
    }
}
