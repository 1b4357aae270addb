//! The bytes that all tables of a run may have in flight.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The unit of the budget, so that its count of permits stays small.
const UNIT: usize = 1024;

/// A budget of bytes, shared by all tables of a run.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    units: Arc<Semaphore>,
    total: usize,
}

/// A part of the budget, given back when dropped.
#[derive(Debug)]
pub(crate) struct Share(#[expect(dead_code, reason = "held for its drop")] Option<OwnedSemaphorePermit>);

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        let total = (bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        Self { units: Arc::new(Semaphore::new(total)), total }
    }

    /// Bytes that are free at once; nothing where one would have to wait.
    pub(crate) fn try_take(&self, bytes: usize) -> Option<Share> {
        Arc::clone(&self.units).try_acquire_many_owned(self.units_of(bytes)).ok().map(|permit| Share(Some(permit)))
    }

    /// Waits until the bytes are free; more than all there are count as all.
    ///
    /// Whoever waits must not hold a share that only goes on with what is waited for.
    pub(crate) async fn take(&self, bytes: usize) -> Share {
        Share(Arc::clone(&self.units).acquire_many_owned(self.units_of(bytes)).await.ok())
    }

    fn units_of(&self, bytes: usize) -> u32 {
        u32::try_from(bytes.div_ceil(UNIT).clamp(1, self.total)).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn share_comes_back_when_dropped() {
        let budget = Budget::new(10 * UNIT);
        let first = budget.take(8 * UNIT).await;
        assert!(budget.try_take(3 * UNIT).is_none());
        drop(first);
        assert!(budget.try_take(3 * UNIT).is_some());
    }

    #[tokio::test]
    async fn more_than_all_counts_as_all() {
        let budget = Budget::new(UNIT);
        let share = budget.take(1 << 40).await;
        assert!(budget.try_take(1).is_none());
        drop(share);
        assert!(budget.try_take(1).is_some());
    }
}
