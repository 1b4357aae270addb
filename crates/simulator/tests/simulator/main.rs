//! The simulator as its clients see it: over HTTP.

mod access;
mod advance;
mod client;
mod definition;
mod fault;
mod listing;
mod scale;
