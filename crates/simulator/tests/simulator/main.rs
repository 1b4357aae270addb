//! The simulator as its clients see it: over HTTP.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what goes wrong here fails the test")]

mod access;
mod advance;
mod client;
mod definition;
mod fault;
mod listing;
mod scale;
