//! Where the pages of a listing begin that has to be read through to know.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// One mark for so many rows.
const STRIDE: u64 = 256;

/// The listings that are remembered at once.
const REMEMBERED: usize = 64;

/// The number of every so-many-th row of a listing.
pub(crate) struct Pages {
    marks: Vec<u64>,
    total: u64,
}

impl Pages {
    /// Reads through a listing.
    pub(crate) fn of(domain: Range<u64>, includes: impl Fn(u64) -> bool) -> Self {
        let mut pages = Self { marks: Vec::new(), total: 0 };
        for slot in domain.filter(|slot| includes(*slot)) {
            if pages.total.is_multiple_of(STRIDE) {
                pages.marks.push(slot);
            }
            pages.total += 1;
        }
        pages
    }

    /// The rows of the listing.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// How many numbers of the listing are smaller.
    pub(crate) fn rank(&self, slot: u64, includes: impl Fn(u64) -> bool) -> u64 {
        let strides = self.marks.partition_point(|mark| *mark < slot);
        let Some(mark) = strides.checked_sub(1).and_then(|stride| self.marks.get(stride)) else { return 0 };
        (strides as u64 - 1) * STRIDE + (*mark..slot).filter(|slot| includes(*slot)).count() as u64
    }

    /// The numbers at some places of the listing.
    pub(crate) fn select(&self, positions: Range<u64>, domain: Range<u64>, includes: impl Fn(u64) -> bool) -> Vec<u64> {
        let Some(start) = self.marks.get((positions.start / STRIDE) as usize) else { return Vec::new() };
        let passed_over = (positions.start % STRIDE) as usize;
        let wanted = (positions.end - positions.start) as usize;
        (*start..domain.end).filter(|slot| includes(*slot)).skip(passed_over).take(wanted).collect()
    }
}

/// The listings that were read through since the last advance.
#[derive(Default)]
pub(crate) struct PageIndex {
    remembered: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    version: u64,
    pages: HashMap<String, Arc<OnceLock<Arc<Pages>>>>,
}

impl PageIndex {
    /// The pages of a listing at a version of the state; reads it through the first time.
    pub(crate) fn pages(&self, version: u64, text: &str, read: impl FnOnce() -> Pages) -> Arc<Pages> {
        let cell = {
            let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            if remembered.version != version || remembered.pages.len() >= REMEMBERED {
                remembered.pages.clear();
                remembered.version = version;
            }
            Arc::clone(remembered.pages.entry(text.to_owned()).or_default())
        };
        Arc::clone(cell.get_or_init(|| Arc::new(read())))
    }
}
