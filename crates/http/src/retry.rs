//! When a request is sent again: back-off with full jitter, and a budget that all requests of a client share.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// When a request is sent again after a failure.
///
/// Only what is safe to repeat is repeated: idempotent methods, requests marked
/// [`repeatable`](crate::Request::repeatable), and whatever the source cannot have received.
#[derive(Clone, Debug)]
pub struct RetrySettings {
    /// How often a request is sent at most, the first time included.
    pub max_attempts: u32,
    /// The longest pause before the first repetition; it doubles with each.
    pub first_delay: Duration,
    /// The longest pause before any repetition.
    pub longest_delay: Duration,
    /// The statuses that pass by themselves. Rate limits are [`RateLimit`](crate::RateLimit)'s.
    pub statuses: Vec<u16>,
    /// How many repetitions all requests together may have in hand; ten successes give one back.
    pub budget: u32,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            max_attempts: 8,
            first_delay: Duration::from_millis(500),
            longest_delay: Duration::from_secs(30),
            statuses: vec![408, 500, 502, 503, 504],
            budget: 100,
        }
    }
}

impl RetrySettings {
    /// A random pause before the repetition that follows so many failures: anything up to the doubled delay.
    pub(crate) fn delay(&self, failures: u32) -> Duration {
        let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
        let longest = self.first_delay.saturating_mul(factor).min(self.longest_delay);
        longest.mul_f64(fastrand::f64())
    }
}

/// What is left of the repetitions that all requests share, in tenths.
pub(crate) struct RetryBudget {
    tenths: AtomicU32,
    full: u32,
}

impl RetryBudget {
    pub(crate) fn new(repetitions: u32) -> Self {
        let full = repetitions.saturating_mul(10);
        Self { tenths: AtomicU32::new(full), full }
    }

    /// Takes one repetition; false where none is left.
    pub(crate) fn take(&self) -> bool {
        let left = self.tenths.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tenths| tenths.checked_sub(10));
        left.is_ok()
    }

    /// Gives back a tenth for a success.
    pub(crate) fn reward(&self) {
        let grown = |tenths| (tenths < self.full).then_some(tenths + 1);
        // An error says that the budget is full.
        let _ = self.tenths.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_stays_below_the_doubled_and_the_longest() {
        let settings = RetrySettings {
            first_delay: Duration::from_millis(100),
            longest_delay: Duration::from_millis(350),
            ..RetrySettings::default()
        };
        for (failures, longest) in [(1, 100), (2, 200), (3, 350), (4000, 350)] {
            let delays: Vec<Duration> = (0..200).map(|_| settings.delay(failures)).collect();
            assert!(delays.iter().all(|delay| *delay <= Duration::from_millis(longest)));
            assert!(delays.iter().any(|delay| *delay > Duration::from_millis(longest / 2)));
        }
    }

    #[test]
    fn budget_runs_out_and_successes_refill_it() {
        let budget = RetryBudget::new(2);
        assert!(budget.take() && budget.take() && !budget.take());
        (0..9).for_each(|_| budget.reward());
        assert!(!budget.take());
        budget.reward();
        assert!(budget.take());
        (0..1000).for_each(|_| budget.reward());
        assert!(budget.take() && budget.take() && !budget.take());
    }
}
