//! The client against real servers on loopback that misbehave in every way we know.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod auth;
mod bodies;
mod limits;
mod origins;
mod pages;
mod protocols;
mod retries;
mod secrets;
mod server;
