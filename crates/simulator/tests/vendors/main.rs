//! The grammar of endpoints, shown on small stand-ins for the APIs that it was made for.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop at what it did not expect")]

mod cassette;
mod corpora;
mod exports;
mod graph;
mod hubspot;
mod reports;
mod schema;
mod shopify;
mod stripe;
mod support;
mod zendesk;
