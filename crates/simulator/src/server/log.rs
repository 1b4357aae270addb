//! The log of requests: the last ones, and counts of all. Neither headers nor credentials are kept.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::Serialize;

/// One request that was answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LoggedRequest {
    /// When it came.
    pub at: DateTime<Utc>,
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// Its query as sent, with credentials blotted out.
    pub query: String,
    /// The endpoint that answered, as `GET /repos/{owner}/{repo}/issues`; none for paths that do not exist.
    pub endpoint: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// The fault that struck.
    pub fault: Option<&'static str>,
    /// The bytes of the answer's body.
    pub bytes: u64,
    /// The time until the answer was ready, in microseconds.
    pub micros: u64,
}

#[derive(Debug)]
pub(crate) struct RequestLog {
    capacity: usize,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    last: VecDeque<LoggedRequest>,
    counts: BTreeMap<String, u64>,
}

impl RequestLog {
    /// A log that keeps so many requests.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, entries: Mutex::default() }
    }

    /// Adds a request.
    pub(crate) fn push(&self, request: LoggedRequest) {
        let mut entries = self.lock();
        let endpoint = request.endpoint.clone().unwrap_or_else(|| "(no endpoint)".to_owned());
        *entries.counts.entry(endpoint).or_default() += 1;
        if entries.last.len() >= self.capacity {
            entries.last.pop_front();
        }
        if self.capacity > 0 {
            entries.last.push_back(request);
        }
    }

    /// The last requests, oldest first.
    pub(crate) fn last(&self) -> Vec<LoggedRequest> {
        self.lock().last.iter().cloned().collect()
    }

    /// The number of requests per endpoint.
    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        self.lock().counts.clone()
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        *self.lock() = Entries::default();
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
