//! The rate limit: a window with so many requests, counted.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;

use crate::definition::{RateLimitSpec, ResetFormat};
use crate::settings::RequestBudget;

/// What the headers count down from where no limit is enforced.
const UNLIMITED: u64 = 1_000_000_000;

/// A rate limit that counts.
#[derive(Debug)]
pub(crate) struct Budget {
    spec: RateLimitSpec,
    requests: u64,
    window: Duration,
    spent: Mutex<Spent>,
}

#[derive(Debug)]
struct Spent {
    since: Instant,
    requests: u64,
}

/// What a request is told of the limit.
#[derive(Debug)]
pub(crate) struct Ticket {
    /// Whether the request is within the limit.
    pub(crate) granted: bool,
    /// The headers to send.
    pub(crate) headers: Vec<(String, String)>,
}

impl Budget {
    /// The limit that the API declares, or the one that the settings enforce.
    pub(crate) fn new(spec: RateLimitSpec, enforced: Option<RequestBudget>) -> Self {
        let requests = enforced.map_or(UNLIMITED, |budget| budget.requests);
        let window = enforced.map_or(spec.window, |budget| budget.window);
        Self { spec, requests, window, spent: Mutex::new(Spent { since: Instant::now(), requests: 0 }) }
    }

    /// Spends one request.
    pub(crate) fn spend(&self) -> Ticket {
        let mut spent = self.lock();
        if spent.since.elapsed() >= self.window {
            *spent = Spent { since: Instant::now(), requests: 0 };
        }
        let granted = spent.requests < self.requests;
        spent.requests += u64::from(granted);
        self.ticket(&spent, granted)
    }

    /// Gives a request back that turned out to cost nothing.
    pub(crate) fn refund(&self) -> Ticket {
        let mut spent = self.lock();
        spent.requests = spent.requests.saturating_sub(1);
        self.ticket(&spent, true)
    }

    fn ticket(&self, spent: &Spent, granted: bool) -> Ticket {
        let left = self.window.saturating_sub(spent.since.elapsed());
        // Rounded up: who waits so long finds the next window open.
        let seconds = left.as_secs() + 1;
        let reset = match self.spec.reset_format {
            ResetFormat::EpochSeconds => Utc::now().timestamp() + i64::try_from(seconds).unwrap_or(i64::MAX / 2),
            ResetFormat::SecondsLeft => i64::try_from(seconds).unwrap_or(i64::MAX),
        };
        let told = [
            (&self.spec.limit_header, self.requests.to_string()),
            (&self.spec.remaining_header, (self.requests - spent.requests).to_string()),
            (&self.spec.used_header, spent.requests.to_string()),
            (&self.spec.used_of_limit_header, format!("{}/{}", spent.requests, self.requests)),
            (&self.spec.reset_header, reset.to_string()),
        ];
        let mut headers: Vec<(String, String)> =
            told.into_iter().filter_map(|(name, value)| Some((name.clone()?, value))).collect();
        if !granted && self.spec.retry_after {
            headers.push(("retry-after".to_owned(), seconds.to_string()));
        }
        Ticket { granted, headers }
    }

    fn lock(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
