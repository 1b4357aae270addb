//! What a read has cost so far, readable while it goes on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Counters of one table's read; shared between the read and whoever shows its progress.
#[derive(Debug, Default)]
pub struct ReadMetrics {
    requests: AtomicU64,
    retries: AtomicU64,
    bytes: AtomicU64,
    waiting: Mutex<Option<Waiting>>,
    warnings: Mutex<BTreeMap<String, u64>>,
}

/// Why a read stands still, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// When it goes on.
    pub until: Instant,
    /// In words, as `rate limit of api.github.com`.
    pub reason: String,
}

/// The counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricsSnapshot {
    /// HTTP requests sent, retries included.
    pub requests: u64,
    /// Requests sent again after a failure.
    pub retries: u64,
    /// Bytes of response bodies, after decompression.
    pub bytes: u64,
    /// What was skipped or odd, and how often.
    pub warnings: BTreeMap<String, u64>,
}

impl ReadMetrics {
    /// Counts a request.
    pub fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that is sent again.
    pub fn count_retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts bytes of a response body.
    pub fn count_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts something that was skipped or odd.
    pub fn warn(&self, warning: impl Into<String>) {
        *lock(&self.warnings).entry(warning.into()).or_default() += 1;
    }

    /// Says that the read stands still, or no longer does.
    pub fn set_waiting(&self, waiting: Option<Waiting>) {
        *lock(&self.waiting) = waiting;
    }

    /// Why the read stands still, if it does.
    pub fn waiting(&self) -> Option<Waiting> {
        lock(&self.waiting).clone().filter(|waiting| waiting.until > Instant::now())
    }

    /// The counters now.
    pub fn snapshot(&self) -> MetricsSnapshot {
        MetricsSnapshot {
            requests: self.requests.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            warnings: lock(&self.warnings).clone(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
