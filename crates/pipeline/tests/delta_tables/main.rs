//! Delta tables as flows use them: created, appended to, marked, replaced, read back.

mod conflict;
mod evolution;
mod lake;
mod placement;
mod refresh;
mod types;
mod upsert;
mod writing;
