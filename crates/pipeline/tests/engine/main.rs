//! Whole runs: a scripted connector, the engine, real Delta tables.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

mod append;
mod connector;
mod crash;
mod deletes;
mod evolution;
mod foreign;
mod history;
mod kill;
mod maintenance;
mod plan;
mod run;
mod sink;
mod snapshot;
mod upsert;
mod workbench;
