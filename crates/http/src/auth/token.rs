//! `TokenCache`: a token that is obtained once for everyone who waits for it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use lakeflow_interface::{Error, ErrorKind, Result, Retry, Secret};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// A token is renewed this long before it expires, or after nine tenths of a shorter life.
const RENEWED_AHEAD: Duration = Duration::from_secs(60);

/// A token as a source gave it.
pub(super) struct FreshToken {
    pub(super) secret: Secret,
    /// How long it lives; without it, until it is refused.
    pub(super) lifetime: Option<Duration>,
}

/// A token in use.
pub(super) struct Token {
    pub(super) secret: Secret,
    /// Counts the tokens of this cache, so that a refusal names the one that was refused.
    pub(super) generation: u64,
    renew_at: Option<Instant>,
}

/// One token, shared: whoever finds it missing obtains it, and everyone else waits for that.
#[derive(Default)]
pub(super) struct TokenCache {
    current: RwLock<Option<Arc<Token>>>,
    turn: Mutex<Option<FailedTurn>>,
}

/// The last attempt, where it failed: those who waited for it get its error instead of trying one by one.
struct FailedTurn {
    at: Instant,
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    retry: Retry,
}

impl TokenCache {
    /// The token, obtained now if there is none or it expires soon.
    pub(super) async fn get(&self, obtain: impl Future<Output = Result<FreshToken>>) -> Result<Arc<Token>> {
        self.get_usable(|token| token.renew_at.is_none_or(|at| Instant::now() < at), obtain).await
    }

    /// A token other than the one that was refused.
    pub(super) async fn replace(
        &self,
        refused: u64,
        obtain: impl Future<Output = Result<FreshToken>>,
    ) -> Result<Arc<Token>> {
        self.get_usable(|token| token.generation > refused, obtain).await
    }

    async fn get_usable(
        &self,
        is_usable: impl Fn(&Token) -> bool,
        obtain: impl Future<Output = Result<FreshToken>>,
    ) -> Result<Arc<Token>> {
        if let Some(token) = self.current().filter(|token| is_usable(token)) {
            return Ok(token);
        }
        let asked_at = Instant::now();
        let mut turn = self.turn.lock().await;
        if let Some(token) = self.current().filter(|token| is_usable(token)) {
            return Ok(token);
        }
        if let Some(failed) = turn.as_ref().filter(|failed| failed.at > asked_at) {
            return Err(failed.error());
        }
        match obtain.await {
            Ok(fresh) => {
                *turn = None;
                Ok(self.store(fresh))
            }
            Err(error) => {
                *turn = Some(FailedTurn::new(&error));
                Err(error)
            }
        }
    }

    fn store(&self, fresh: FreshToken) -> Arc<Token> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let generation = current.as_ref().map_or(0, |token| token.generation + 1);
        let renew_at = fresh.lifetime.and_then(|lifetime| Instant::now().checked_add(useful_part(lifetime)));
        let token = Arc::new(Token { secret: fresh.secret, generation, renew_at });
        *current = Some(token.clone());
        token
    }

    fn current(&self) -> Option<Arc<Token>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How long a token is used.
fn useful_part(lifetime: Duration) -> Duration {
    lifetime.saturating_sub(RENEWED_AHEAD.min(lifetime / 10))
}

impl FailedTurn {
    fn new(error: &Error) -> Self {
        Self {
            at: Instant::now(),
            kind: error.kind(),
            message: error.message().to_owned(),
            hint: error.hint().map(str::to_owned),
            retry: error.retry(),
        }
    }

    fn error(&self) -> Error {
        let error = Error::new(self.kind, self.message.clone()).with_retry(self.retry);
        match &self.hint {
            Some(hint) => error.with_hint(hint.clone()),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures::future::join_all;
    use tokio::task::yield_now;

    use super::*;

    #[derive(Default)]
    struct Endpoint(AtomicU64);

    impl Endpoint {
        /// Answers after everyone else has asked.
        async fn obtain(&self, lifetime: u64) -> Result<FreshToken> {
            let count = self.0.fetch_add(1, Ordering::SeqCst);
            yield_now().await;
            Ok(FreshToken { secret: Secret::new(format!("t{count}")), lifetime: Some(Duration::from_secs(lifetime)) })
        }
    }

    #[tokio::test]
    async fn token_is_obtained_once_for_all_who_wait() {
        let (cache, endpoint) = (TokenCache::default(), Endpoint::default());
        let tokens = join_all((0..50).map(|_| cache.get(endpoint.obtain(3600)))).await;
        assert!(tokens.iter().all(|token| token.as_ref().unwrap().secret.expose() == "t0"));
        let renewed = join_all((0..50).map(|_| cache.replace(0, endpoint.obtain(3600)))).await;
        assert!(renewed.iter().all(|token| token.as_ref().unwrap().secret.expose() == "t1"));
        assert_eq!(endpoint.0.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn token_is_renewed_before_it_expires() {
        assert_eq!(useful_part(Duration::from_secs(3600)), Duration::from_secs(3540));
        assert_eq!(useful_part(Duration::from_secs(10)), Duration::from_secs(9));
        let (cache, endpoint) = (TokenCache::default(), Endpoint::default());
        for (lifetime, expected) in [(0, "t0"), (3600, "t1"), (3600, "t1")] {
            assert_eq!(cache.get(endpoint.obtain(lifetime)).await.unwrap().secret.expose(), expected);
        }
    }

    #[tokio::test]
    async fn failure_is_shared_by_those_who_waited_and_forgotten_by_the_next() {
        let (cache, calls) = (TokenCache::default(), AtomicU64::new(0));
        let fail = || async {
            calls.fetch_add(1, Ordering::SeqCst);
            yield_now().await;
            Err(Error::new(ErrorKind::Authentication, "no"))
        };
        let results = join_all((0..20).map(|_| cache.get(fail()))).await;
        assert!(results.iter().all(|result| result.as_ref().is_err_and(|error| error.message() == "no")));
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        assert!(cache.get(Endpoint::default().obtain(60)).await.is_ok());
    }
}
