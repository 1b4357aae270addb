//! Delta tables as flows use them: created, appended to, marked, replaced, read back.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod clustering;
mod conflict;
mod evolution;
mod former;
mod lake;
mod optimize;
mod placement;
mod refresh;
mod types;
mod upsert;
mod writing;
