//! Reads of tables: what to ask, and in which order to hand on what comes.

mod ascending;
mod children;
mod drained;
mod filter;
mod position;
mod request;
mod rows;
mod side_by_side;
mod snapshot;
mod windows;

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use futures::{StreamExt, TryStreamExt};
use lakeflow_http::{Client, FetchedPage, PageSettings, PageStream, Request};
use lakeflow_interface::records::JsonRecords;
use lakeflow_interface::{Error, ErrorKind, Offset, ReadMetrics, ReadStream, Result};

use crate::connect::hint_at_credentials;
use crate::cursor::{Cursor, CursorKind};
use crate::definition::StatusAction;
use crate::loaded::Definition;
use crate::plan::{ReadKind, TablePlan};
use crate::setting::Values;
use crate::template::{self, Scope};

pub(crate) use request::request;

/// The columns that all records of a request share.
type Constants = Arc<[(String, Option<String>)]>;

/// Who asks the source, and on whose behalf.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) client: Client,
    pub(crate) definition: Definition,
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
    /// Whether records behind the horizon are handed on too: their children may lie before it.
    beyond_horizon: bool,
}

/// Bounds of the cursor that a request asks for.
#[derive(Clone, Debug, Default)]
struct Bounds {
    from: Option<Cursor>,
    to: Option<Cursor>,
}

/// Begins a read.
pub(crate) fn read(table: TableRead, start: &Offset) -> Result<ReadStream> {
    let credentials = table.ask.credentials.clone();
    let plan = table.plan.clone();
    let stream = match plan.read_kind() {
        ReadKind::Snapshot => snapshot::read(table)?,
        ReadKind::Ascending => ascending::read(table, start)?,
        ReadKind::Drained => drained::read(table, start)?,
        ReadKind::Windows => windows::read(table, start)?,
        ReadKind::Children => children::read(table, start)?,
    };
    Ok(stream
        .map_err(move |error| hint_at_credentials(error, &credentials).with_context("table", plan.name.clone()))
        .boxed())
}

impl TableRead {
    pub(crate) fn new(ask: Ask, plan: Arc<TablePlan>, values: Values) -> Result<Self> {
        let scope = ask.connection.clone().with("options", values.for_templates());
        let mut table = Self { ask, plan, values, scope, constants: Arc::new([]), beyond_horizon: false };
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

    /// The pages of the table's list, between some bounds.
    fn pages(&self, bounds: &Bounds, read_ahead: Option<usize>) -> Result<PageStream> {
        let request = self.request(bounds)?;
        let mut settings = PageSettings::new(self.plan.pagination.clone());
        settings.records = self.plan.table.records.keys();
        settings.page_size = self.values.integer("per_page").and_then(|size| u64::try_from(size).ok());
        settings.read_ahead = read_ahead;
        let table = self.clone();
        let pages = lakeflow_http::pages(&self.ask.client, request, settings, self.ask.metrics.clone());
        Ok(pages.map_err(move |error| table.explain(error)).boxed())
    }

    /// The request for the first page between some bounds.
    fn request(&self, bounds: &Bounds) -> Result<Request> {
        let bounded = |cursor: &Option<Cursor>, bound: Option<crate::definition::FullBound>, shift| {
            let bound = bound.unwrap_or(crate::definition::FullBound { param: None, format: None, inclusive: true });
            let shift = if bound.inclusive { 0 } else { shift };
            (bound.param, cursor.as_ref().map(|cursor| cursor.bound(bound.format, shift)))
        };
        let (from, start) = bounded(&bounds.from, self.plan.from(), -1);
        let (to, end) = bounded(&bounds.to, self.plan.to(), 1);
        let window = [("start", &start), ("end", &end)];
        let window = window.map(|(name, value)| (name.to_owned(), value.as_deref().unwrap_or_default().into()));
        let mut request = request(&self.plan.request, &self.scope.clone().with("window", window.into()))?;
        for (param, value) in [(from, start), (to, end)] {
            if let (Some(param), Some(value)) = (param, value) {
                request = request.with_query(param, value);
            }
        }
        if let (Some(size), Some(value)) = (&self.plan.page_size, self.values.get("per_page")) {
            request = request.with_query(&size.param, value);
        }
        let statuses = |action: StatusAction| {
            let errors = self.plan.table.errors.iter();
            errors.filter(move |(_, other)| **other == action).map(|(status, _)| status.0)
        };
        Ok(request.accepting(statuses(StatusAction::Skip)).retrying(statuses(StatusAction::Retry)))
    }

    /// Adds the definition's own hint for a status.
    fn explain(&self, error: Error) -> Error {
        let status = error.context("status").and_then(|status| status.parse().ok());
        let action = status.and_then(|status| self.plan.table.errors.get(&crate::definition::OnStatus(status)));
        match action {
            Some(StatusAction::Fail(hint)) => error.with_hint(hint.clone()),
            _ => error,
        }
    }

    /// The places of a page's records; none where its status says to skip it.
    fn places(&self, fetched: &FetchedPage) -> Result<Vec<lakeflow_interface::records::NodeIndex>> {
        if fetched.status.is_success() {
            return self.plan.table.records.select(&fetched.page);
        }
        let (table, status) = (&self.plan.name, fetched.status.as_u16());
        self.ask.metrics.warn(format!("table `{table}`: a list was skipped, its status is {status}"));
        Ok(Vec::new())
    }

    fn records(&self, fetched: &FetchedPage, places: Vec<lakeflow_interface::records::NodeIndex>) -> JsonRecords {
        JsonRecords::new(fetched.page.clone(), places).with_constants(self.constants.clone())
    }

    fn lookback(&self) -> Duration {
        self.seconds("lookback_seconds").unwrap_or_else(Duration::zero)
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
