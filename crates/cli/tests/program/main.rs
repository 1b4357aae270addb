//! The real program against the real simulator: one file per command, snapshots of exit code, stdout and stderr.

mod bad_input;
mod connection;
mod demo;
mod describe;
mod help;
mod kill;
mod read;
mod rows;
mod run;
mod show;
mod simulate;
mod sources;
mod support;
mod tables;
