//! The real program against the real simulator: one file per command, snapshots of exit code, stdout and stderr.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod bad_input;
mod check;
mod connection;
mod corpus;
mod demo;
mod describe;
mod help;
mod history;
mod kill;
mod new;
mod optimize;
mod python;
mod read;
mod record;
mod restore;
mod rows;
mod run;
mod runs;
mod show;
mod simulate;
mod source;
mod sources;
mod support;
mod tables;
mod test;
mod tls;
mod vacuum;
