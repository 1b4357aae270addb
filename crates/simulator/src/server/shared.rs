//! What all requests of a simulator share: the world, its state, and what is counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use chrono::Utc;
use lakeflow_interface::{Error, ErrorKind, Result, Secret, unknown_name};
use url::Url;

use super::budget::Budget;
use super::fault::{Fault, FaultKind, Faults};
use super::log::RequestLog;
use super::session::Sessions;
use crate::api::Api;
use crate::definition::SimulatorDefinition;
use crate::pattern;
use crate::query::{PageIndex, count_at_start, count_now};
use crate::settings::{AdvanceAfter, SimulatorSettings};
use crate::state::{Advance, State, Write};
use crate::table::World;

/// What all requests share.
pub(crate) struct Shared {
    pub(super) world: World,
    pub(super) api: Arc<Api>,
    pub(super) index: PageIndex,
    pub(super) log: RequestLog,
    pub(super) budget: Option<Budget>,
    pub(super) token: Option<Secret>,
    pub(super) secrets: BTreeMap<String, Secret>,
    pub(super) refuses_unknown: bool,
    pub(super) sessions: Sessions,
    pub(super) cursor_links: bool,
    pub(super) latency: Duration,
    state: RwLock<Arc<State>>,
    faults: RwLock<Arc<Faults>>,
    advances: Vec<(AdvanceAfter, AtomicU64)>,
    /// Held while the state is replaced, so that no advance is lost.
    advancing: Mutex<()>,
    is_clock_real: bool,
    seed: u64,
    public_url: Option<Url>,
    /// The number of rows of each table at the start, once somebody asked.
    first_counts: Vec<OnceLock<u64>>,
    /// The size of a row, as far as known, so that a body is allocated once.
    row_size: AtomicUsize,
}

impl Shared {
    /// The world that the settings make of a definition.
    pub(crate) fn new(definition: &SimulatorDefinition, settings: SimulatorSettings) -> Result<Self> {
        let counts = counts(definition, &settings)?;
        let now = settings.now.unwrap_or_else(Utc::now).timestamp() * 1_000;
        let world = World::new(Arc::clone(&definition.tables), &counts, settings.seed, now);
        let state = State::new(&world);
        let shared = Self {
            state: RwLock::new(Arc::new(state)),
            api: Arc::clone(&definition.api),
            index: PageIndex::default(),
            log: RequestLog::new(settings.log_capacity),
            budget: definition.api.rate_limit.clone().map(|spec| Budget::new(spec, settings.request_budget)),
            token: settings.token,
            secrets: settings.secrets,
            refuses_unknown: settings.refuses_unknown,
            sessions: Sessions::new(settings.seed),
            cursor_links: settings.cursor_links,
            latency: settings.latency,
            faults: RwLock::new(Arc::new(Faults::new(settings.faults, settings.seed))),
            advances: settings.advances.into_iter().map(|advance| (advance, AtomicU64::new(0))).collect(),
            advancing: Mutex::new(()),
            is_clock_real: settings.now.is_none(),
            seed: settings.seed,
            public_url: settings.public_url,
            first_counts: counts.iter().map(|_| OnceLock::new()).collect(),
            row_size: AtomicUsize::new(0),
            world,
        };
        for (after, _) in &shared.advances {
            shared.state().advanced(&shared.world, &after.advance, None)?;
        }
        Ok(shared)
    }

    /// The state at this moment; it does not change while it is held.
    pub(crate) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds, changes and deletes rows.
    pub(crate) fn advance(&self, advance: &Advance) -> Result<()> {
        let _advancing = self.advancing.lock().unwrap_or_else(PoisonError::into_inner);
        let real_now = self.is_clock_real.then(|| Utc::now().timestamp() * 1_000);
        let next = self.state().advanced(&self.world, advance, real_now)?;
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        Ok(())
    }

    /// Does what a client's request wants, and gives the state after it with the row's number.
    pub(crate) fn write(&self, table: usize, write: &Write) -> (Arc<State>, u64) {
        let _advancing = self.advancing.lock().unwrap_or_else(PoisonError::into_inner);
        let real_now = self.is_clock_real.then(|| Utc::now().timestamp() * 1_000);
        let (next, slot) = self.state().after_write(&self.world, table, write, real_now);
        let next = Arc::new(next);
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&next);
        (next, slot)
    }

    /// Advances as far as the settings want it after this request.
    pub(crate) fn run_advances(&self, path: &str, query: &str) {
        for (after, seen) in &self.advances {
            if !pattern::matches(&after.path, path, query) {
                continue;
            }
            let is_due = seen.fetch_add(1, Ordering::Relaxed) + 1 == after.request;
            if is_due && let Err(error) = self.advance(&after.advance) {
                tracing::error!("an advance in the middle of a read failed: {error}");
            }
        }
    }

    /// Replaces the faults.
    pub(crate) fn set_faults(&self, faults: Vec<Fault>) {
        *self.faults.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Faults::new(faults, self.seed));
    }

    /// The fault that strikes a request.
    pub(crate) fn strike(&self, path: &str, query: &str) -> Option<FaultKind> {
        let faults = Arc::clone(&self.faults.read().unwrap_or_else(PoisonError::into_inner));
        faults.strike(path, query)
    }

    /// What the links of an answer begin with.
    pub(crate) fn base(&self, parts: &http::request::Parts) -> String {
        if let Some(url) = &self.public_url {
            return url.as_str().trim_end_matches('/').to_owned();
        }
        let host = parts.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
        let host = host.or_else(|| parts.uri.authority().map(|authority| authority.as_str())).unwrap_or("localhost");
        format!("http://{host}")
    }

    /// The number of rows of each table.
    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        let state = self.state();
        let count = |table: usize| {
            let start = *self.first_counts[table].get_or_init(|| count_at_start(&self.world, table));
            count_now(&self.world, &state, table, start)
        };
        self.world.tables.iter().enumerate().map(|(number, table)| (table.name.clone(), count(number))).collect()
    }

    /// The rows of a table now.
    pub(crate) fn rows(shared: &Arc<Self>, table: &str) -> Result<Rows> {
        let Some(number) = shared.world.tables.find(table) else {
            let names: Vec<&str> = shared.world.tables.iter().map(|table| table.name.as_str()).collect();
            return Err(unknown_name(ErrorKind::Configuration, "table", table, names));
        };
        Ok(Rows { shared: Arc::clone(shared), state: shared.state(), table: number, next: 0 })
    }

    /// The bytes that so many rows probably take.
    pub(super) fn typical_size(&self, rows: usize) -> usize {
        self.row_size.load(Ordering::Relaxed).saturating_mul(rows).min(64 << 20)
    }

    /// Learns what rows take.
    pub(super) fn note_size(&self, rows: usize, bytes: usize) {
        if let Some(size) = bytes.checked_div(rows) {
            // An eighth more, so that a page of larger rows rarely has to be moved.
            self.row_size.store(size + size / 8, Ordering::Relaxed);
        }
    }
}

fn counts(definition: &SimulatorDefinition, settings: &SimulatorSettings) -> Result<Vec<u64>> {
    for name in settings.counts.keys() {
        let Some(table) = definition.tables.find(name) else {
            return Err(unknown_name(ErrorKind::Configuration, "table", name, definition.tables().collect::<Vec<_>>()));
        };
        if definition.tables.get(table).parent.is_some() {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!("`{name}` has as many rows as its parents have: it takes no count"),
            ));
        }
    }
    let count = |table: &crate::table::Table| match settings.counts.get(&table.name) {
        Some(count) => *count,
        None if table.scaled => table.count.saturating_mul(settings.scale),
        None => table.count,
    };
    Ok(definition.tables.iter().map(count).collect())
}

/// The rows of a table at one moment, in the order of the corpus.
pub struct Rows {
    shared: Arc<Shared>,
    state: Arc<State>,
    table: usize,
    next: u64,
}

impl Rows {
    /// The next row as the API would send it.
    pub fn next_json(&mut self) -> Option<String> {
        let slot = self.next_slot()?;
        let mut out = Vec::with_capacity(self.shared.typical_size(1));
        self.shared.world.row(&self.state, self.table, slot).write(&mut out);
        self.shared.note_size(1, out.len());
        // Everything that is written comes from text.
        Some(String::from_utf8(out).unwrap_or_default())
    }

    fn next_slot(&mut self) -> Option<u64> {
        let end = self.shared.world.slots(self.table) + self.state.overlay(self.table).additions();
        let slot = (self.next..end).find(|slot| self.shared.world.exists(&self.state, self.table, *slot))?;
        self.next = slot + 1;
        Some(slot)
    }
}

impl Iterator for Rows {
    type Item = serde_json::Value;

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.next_json()?;
        match serde_json::from_str(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                tracing::error!("a row of the simulator is no JSON: {error}");
                None
            }
        }
    }
}
