//! Faults: what goes wrong, for which requests, and how often.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Deserialize;

use crate::definition::{Json, duration};
use crate::pattern;
use crate::random::{mix, threshold};

/// Something that goes wrong.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The path, or path and query if it has a `?`; `*` stands for anything.
    #[serde(default = "any_path")]
    pub path: String,
    /// Which of the requests that match.
    #[serde(default)]
    pub when: Trigger,
    /// What the client sees.
    pub fault: FaultKind,
}

impl Fault {
    /// A fault of every request.
    pub fn new(fault: FaultKind) -> Self {
        Self { path: any_path(), when: Trigger::Always, fault }
    }

    /// For these paths only.
    #[must_use]
    pub fn on(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// For some of the requests only.
    #[must_use]
    pub fn when(mut self, when: Trigger) -> Self {
        self.when = when;
        self
    }
}

/// Which of the requests that match have a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// All.
    #[default]
    Always,
    /// The one with this number, from 1.
    Nth(u64),
    /// The first so many.
    First(u64),
    /// Every so-many-th.
    Every(u64),
    /// At random, the same for the same seed.
    Probability(f64),
}

/// What the client sees.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Another answer.
    Status {
        /// The status.
        code: u16,
        /// Its headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// Its body.
        #[serde(default)]
        body: Option<Json>,
    },
    /// A refusal with `Retry-After`.
    RetryAfter {
        /// The status.
        #[serde(default = "too_many_requests")]
        code: u16,
        /// The seconds to wait.
        seconds: u64,
    },
    /// The connection is reset after half of the body.
    ResetMidBody,
    /// The connection ends in order after half of the body.
    TruncatedBody,
    /// The body arrives piece by piece.
    SlowBody {
        /// How many pieces.
        pieces: usize,
        /// The time between two.
        #[serde(deserialize_with = "duration::deserialize")]
        pause: Duration,
    },
    /// An HTML page with status 200.
    WrongContentType,
    /// `application/json` with status 200 that is no JSON.
    Garbage,
    /// The right answer, late.
    Latency(#[serde(deserialize_with = "duration::deserialize")] Duration),
}

impl FaultKind {
    /// The name, for the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::RetryAfter { .. } => "retry_after",
            Self::ResetMidBody => "reset_mid_body",
            Self::TruncatedBody => "truncated_body",
            Self::SlowBody { .. } => "slow_body",
            Self::WrongContentType => "wrong_content_type",
            Self::Garbage => "garbage",
            Self::Latency(_) => "latency",
        }
    }
}

/// The faults in force, with the requests that each has seen.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<(Fault, AtomicU64)>,
    seed: u64,
}

impl Faults {
    /// Faults whose randomness follows a seed.
    pub(crate) fn new(faults: Vec<Fault>, seed: u64) -> Self {
        Self { rules: faults.into_iter().map(|fault| (fault, AtomicU64::new(0))).collect(), seed }
    }

    /// Counts a request with every fault that is for it, and gives the first that strikes.
    pub(crate) fn strike(&self, path: &str, query: &str) -> Option<FaultKind> {
        let mut struck = None;
        for (number, (fault, seen)) in self.rules.iter().enumerate() {
            if !pattern::matches(&fault.path, path, query) {
                continue;
            }
            let count = seen.fetch_add(1, Ordering::Relaxed) + 1;
            let strikes = match fault.when {
                Trigger::Always => true,
                Trigger::Nth(nth) => count == nth,
                Trigger::First(first) => count <= first,
                Trigger::Every(every) => every > 0 && count.is_multiple_of(every),
                Trigger::Probability(probability) => mix(self.seed ^ number as u64, count) < threshold(probability),
            };
            if strikes && struck.is_none() {
                struck = Some(fault.fault.clone());
            }
        }
        struck
    }
}

fn any_path() -> String {
    "*".to_owned()
}

fn too_many_requests() -> u16 {
    429
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(when: Trigger) -> Vec<u64> {
        let faults = Faults::new(vec![Fault::new(FaultKind::Garbage).on("/a").when(when)], 3);
        (1..=12).filter(|_| faults.strike("/b", "").is_some() || faults.strike("/a", "").is_some()).collect()
    }

    #[test]
    fn triggers_count_the_requests_that_match() {
        assert_eq!(struck(Trigger::Nth(3)), [3]);
        assert_eq!(struck(Trigger::First(2)), [1, 2]);
        assert_eq!(struck(Trigger::Every(5)), [5, 10]);
        assert_eq!(struck(Trigger::Always).len(), 12);
        let some = struck(Trigger::Probability(0.5));
        assert!((1..12).contains(&some.len()), "{some:?}");
        assert_eq!(struck(Trigger::Probability(0.5)), some);
    }

    #[test]
    fn faults_are_read_as_documented() {
        let text = r#"[{"path": "/repos/*/issues*", "when": {"nth": 2}, "fault": {"status": {"code": 502}}},
            {"path": "*", "when": {"probability": 0.01}, "fault": "reset_mid_body"},
            {"fault": {"slow_body": {"pieces": 10, "pause": "50ms"}}}, {"fault": {"latency": "2s"}},
            {"fault": {"retry_after": {"seconds": 1}}}]"#;
        let faults: Vec<Fault> = serde_json::from_str(text).unwrap();
        assert_eq!(faults[3].fault, FaultKind::Latency(Duration::from_secs(2)));
        assert_eq!(faults[4].fault, FaultKind::RetryAfter { code: 429, seconds: 1 });
    }
}
