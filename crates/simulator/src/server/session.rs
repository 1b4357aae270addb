//! Tokens that were handed out, and reports that were started.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::random::mix;

/// What requests leave behind beside the rows.
#[derive(Default)]
pub(crate) struct Sessions {
    seed: u64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    handed_out: u64,
    tokens: HashMap<String, Instant>,
    refresh_tokens: Vec<String>,
    jobs: HashMap<String, Job>,
}

/// A report that was started.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// How many times it is still being made when it is asked for.
    pub(crate) pending: u64,
    /// The parameters of the request that started it.
    pub(crate) parameters: Vec<(String, String)>,
}

impl Sessions {
    /// Nothing yet; the same seed gives the same tokens.
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// A new token that is good for so long.
    pub(crate) fn issue(&self, lifetime: Duration) -> String {
        let mut kept = self.lock();
        let token = self.name(&mut kept, "access");
        kept.tokens.insert(token.clone(), Instant::now() + lifetime);
        token
    }

    /// Whether a token was handed out and is still good.
    pub(crate) fn is_good(&self, token: &str) -> bool {
        self.lock().tokens.get(token).is_some_and(|until| *until > Instant::now())
    }

    /// A new refresh token in the place of the one that was used.
    pub(crate) fn rotate(&self, used: Option<&str>) -> String {
        let mut kept = self.lock();
        kept.refresh_tokens.retain(|token| Some(token.as_str()) != used);
        let token = self.name(&mut kept, "refresh");
        kept.refresh_tokens.push(token.clone());
        token
    }

    /// Whether a refresh token was handed out and not used yet.
    pub(crate) fn is_refresh_token(&self, token: &str) -> bool {
        self.lock().refresh_tokens.iter().any(|known| known == token)
    }

    /// Makes every token bad that was handed out.
    pub(crate) fn revoke(&self) {
        self.lock().tokens.clear();
    }

    /// Starts a report.
    pub(crate) fn start(&self, job: Job) -> String {
        let mut kept = self.lock();
        let name = self.name(&mut kept, "job");
        kept.jobs.insert(name.clone(), job);
        name
    }

    /// Asks how far a report is: one more time, and whether it is ready.
    pub(crate) fn poll(&self, name: &str) -> Option<bool> {
        let mut kept = self.lock();
        let job = kept.jobs.get_mut(name)?;
        let is_ready = job.pending == 0;
        job.pending = job.pending.saturating_sub(1);
        Some(is_ready)
    }

    /// A report that is ready.
    pub(crate) fn ready(&self, name: &str) -> Option<Job> {
        self.lock().jobs.get(name).filter(|job| job.pending == 0).cloned()
    }

    fn name(&self, kept: &mut Kept, what: &str) -> String {
        kept.handed_out += 1;
        format!("{what}-{}-{:016x}", kept.handed_out, mix(self.seed ^ 0x7065, kept.handed_out))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
