//! The limiter that all requests of a client share: it slows down before the source's limit and stands still at it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use lakeflow_interface::{Error, ErrorKind, ReadMetrics, Result, Retry, Waiting};
use tokio::time::{Instant, sleep_until};

use crate::RateLimit;
use crate::rate_limit::Notice;

/// Two ends of a window that lie no further apart are the same: headers are in whole seconds.
const TOLERANCE: Duration = Duration::from_secs(2);

/// Admits requests one by one.
pub(crate) struct Limiter {
    settings: RateLimit,
    reason: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    paused_until: Option<Instant>,
    last_admitted: Option<Instant>,
    window: Option<Window>,
}

/// What is left of the source's window, counting the requests that it has not answered yet.
struct Window {
    limit: Option<u64>,
    remaining: u64,
    end: Instant,
}

/// How long one request may still wait.
pub(crate) struct Patience<'a> {
    left: Duration,
    metrics: &'a ReadMetrics,
}

impl<'a> Patience<'a> {
    pub(crate) fn new(settings: &RateLimit, metrics: &'a ReadMetrics) -> Self {
        Self { left: settings.patience, metrics }
    }

    /// Whether a wait of this length is within what is left.
    pub(crate) fn allows(&self, wait: Duration) -> bool {
        wait <= self.left
    }

    /// Waits, telling the metrics why.
    pub(crate) async fn wait_until(&mut self, until: Instant, reason: &str) {
        let wait = until.saturating_duration_since(Instant::now());
        self.left = self.left.saturating_sub(wait);
        self.metrics.set_waiting(Some(Waiting { until: until.into_std(), reason: reason.to_owned() }));
        sleep_until(until).await;
        // Another request of the same read may have begun a longer wait meanwhile.
        if self.metrics.waiting().is_none_or(|waiting| waiting.until <= until.into_std()) {
            self.metrics.set_waiting(None);
        }
    }
}

impl Limiter {
    /// A limiter for the source at `host`.
    pub(crate) fn new(settings: RateLimit, host: &str) -> Self {
        Self { settings, reason: format!("rate limit of {host}"), state: Mutex::default() }
    }

    pub(crate) fn settings(&self) -> &RateLimit {
        &self.settings
    }

    /// Why requests wait, in words.
    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }

    /// Waits for this request's turn.
    pub(crate) async fn admit(&self, patience: &mut Patience<'_>) -> Result<()> {
        loop {
            let now = Instant::now();
            let Some(until) = self.state().admit(now, &self.settings) else { return Ok(()) };
            if !patience.allows(until - now) {
                return Err(self.outlasted(until - now));
            }
            patience.wait_until(until, &self.reason).await;
        }
    }

    /// Learns from a response.
    pub(crate) fn observe(&self, notice: &Notice) {
        if let Some(remaining) = notice.remaining {
            let now = Instant::now();
            let reset = notice.reset.unwrap_or(self.settings.default_pause);
            self.state().observe(Window { limit: notice.limit, remaining, end: now + reset }, now);
        }
    }

    /// Lets nobody through until then.
    pub(crate) fn pause(&self, until: Instant) {
        let mut state = self.state();
        state.paused_until = state.paused_until.max(Some(until));
    }

    /// The error of a request whose patience a wait of this length would outlast.
    pub(crate) fn outlasted(&self, wait: Duration) -> Error {
        let end = chrono::Duration::from_std(wait).ok().and_then(|wait| Utc::now().checked_add_signed(wait));
        let end = end.map_or_else(|| "never".to_owned(), |end| end.to_rfc3339_opts(SecondsFormat::Secs, true));
        Error::new(ErrorKind::RateLimited, format!("the {} outlasts our patience: it ends at `{end}`", self.reason))
            .with_hint("run again after that; what has been committed by then is not read again")
            .with_retry(Retry::After(wait))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Admits a request now, or says until when to wait before asking again.
    fn admit(&mut self, now: Instant, settings: &RateLimit) -> Option<Instant> {
        if self.window.as_ref().is_some_and(|window| window.end <= now) {
            self.window = None;
        }
        let paced = settings.pace.map(|pace| pace.period / pace.requests.max(1));
        let spacing = paced.max(self.window.as_ref().and_then(|window| window.spacing(now, settings)));
        let turn = spacing.and_then(|spacing| self.last_admitted.map(|last| last + spacing));
        let used_up = self.window.as_ref().filter(|window| window.remaining == 0).map(|window| window.end);
        let until = self.paused_until.max(turn).max(used_up).filter(|until| *until > now);
        if until.is_none() {
            self.last_admitted = Some(now);
            if let Some(window) = &mut self.window {
                window.remaining = window.remaining.saturating_sub(1);
            }
        }
        until
    }

    fn observe(&mut self, seen: Window, now: Instant) {
        match &mut self.window {
            Some(known) if known.end > now && seen.end + TOLERANCE < known.end => {}
            Some(known) if known.end > now && seen.end <= known.end + TOLERANCE => {
                known.remaining = known.remaining.min(seen.remaining);
                known.limit = seen.limit.or(known.limit);
            }
            _ => self.window = Some(seen),
        }
    }
}

impl Window {
    /// The pause between two requests that spreads what is left over the rest of the window, once little is left.
    fn spacing(&self, now: Instant, settings: &RateLimit) -> Option<Duration> {
        let threshold = self.limit.map_or(10.0, |limit| limit as f64 * settings.spread_below);
        let remaining = u32::try_from(self.remaining).unwrap_or(u32::MAX);
        let is_low = remaining > 0 && (f64::from(remaining)) < threshold;
        is_low.then(|| (self.end - now) / remaining)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pace;

    /// A limiter's state, with a clock that stands still while nobody waits.
    struct Simulated {
        settings: RateLimit,
        state: State,
        start: Instant,
        now: Instant,
    }

    impl Simulated {
        fn new(settings: RateLimit) -> Self {
            let start = Instant::now();
            Self { settings, state: State::default(), start, now: start }
        }

        fn observe(&mut self, remaining: u64, reset: u64) {
            let end = self.now + Duration::from_secs(reset);
            self.state.observe(Window { limit: Some(100), remaining, end }, self.now);
        }

        /// Admits requests one after the other; gives the second at which each went through.
        fn admit(&mut self, count: usize) -> Vec<u64> {
            let mut seconds = Vec::new();
            while seconds.len() < count {
                match self.state.admit(self.now, &self.settings) {
                    Some(until) => self.now = until,
                    None => seconds.push((self.now - self.start).as_secs()),
                }
            }
            seconds
        }

        fn remaining(&self) -> Option<u64> {
            self.state.window.as_ref().map(|window| window.remaining)
        }
    }

    #[test]
    fn few_requests_left_are_spread_over_the_rest_of_the_window() {
        let mut limiter = Simulated::new(RateLimit::default());
        limiter.observe(50, 60);
        assert_eq!(limiter.admit(5), [0, 0, 0, 0, 0]);
        limiter.observe(4, 60);
        assert_eq!(limiter.admit(6), [15, 30, 45, 60, 60, 60]);
    }

    #[test]
    fn nothing_left_stands_still_until_the_reset() {
        let mut limiter = Simulated::new(RateLimit::default());
        limiter.observe(0, 1800);
        assert_eq!(limiter.admit(2), [1800, 1800]);
    }

    #[test]
    fn requests_under_way_count_as_used_until_a_new_window_begins() {
        let mut limiter = Simulated::new(RateLimit::default());
        limiter.observe(52, 60);
        limiter.admit(2);
        limiter.observe(51, 60);
        assert_eq!(limiter.remaining(), Some(50));
        limiter.observe(90, 10);
        assert_eq!(limiter.remaining(), Some(50), "an answer of an older window");
        limiter.observe(99, 100);
        assert_eq!(limiter.remaining(), Some(99));
    }

    #[test]
    fn pace_is_kept_from_the_first_request_on() {
        let pace = Some(Pace { requests: 2, period: Duration::from_secs(10) });
        let mut limiter = Simulated::new(RateLimit { pace, ..RateLimit::default() });
        assert_eq!(limiter.admit(4), [0, 5, 10, 15]);
    }

    #[tokio::test]
    async fn nothing_left_without_a_reset_stands_still_for_the_default_pause() {
        let settings = RateLimit { patience: Duration::ZERO, ..RateLimit::default() };
        let limiter = Limiter::new(settings, "h.example");
        limiter.observe(&Notice { limit: Some(40), remaining: Some(0), ..Notice::default() });
        let metrics = ReadMetrics::default();
        let error = limiter.admit(&mut Patience::new(limiter.settings(), &metrics)).await.unwrap_err();
        assert!(matches!(error.retry(), Retry::After(wait) if wait <= Duration::from_secs(1)), "{error:?}");
    }

    #[tokio::test]
    async fn wait_beyond_patience_fails_at_once_and_says_until_when() {
        let settings = RateLimit { patience: Duration::from_secs(60), ..RateLimit::default() };
        let limiter = Limiter::new(settings, "h.example");
        limiter.pause(Instant::now() + Duration::from_secs(90));
        let metrics = ReadMetrics::default();
        let error = limiter.admit(&mut Patience::new(limiter.settings(), &metrics)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert!(matches!(error.retry(), Retry::After(wait) if wait > Duration::from_secs(60)));
        assert!(error.message().starts_with("the rate limit of h.example outlasts our patience: it ends at `2"));
    }
}
