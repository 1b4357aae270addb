//! Whole runs: a scripted connector, the engine, real Delta tables.

mod append;
mod connector;
mod crash;
mod plan;
mod run;
mod snapshot;
mod upsert;
mod workbench;
