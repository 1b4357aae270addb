//! The client against real servers on loopback that misbehave in every way we know.

mod auth;
mod bodies;
mod limits;
mod origins;
mod pages;
mod protocols;
mod retries;
mod secrets;
mod server;
