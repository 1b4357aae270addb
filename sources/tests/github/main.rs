//! The GitHub connector against the simulator, over HTTP.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

mod account;
mod changes;
mod comparison;
mod errors;
mod options;
mod paging;
mod reading;
mod tables;
