//! Reads of a small source on loopback, one file per kind of read.

mod ascending;
mod children;
mod descending;
mod snapshot;
#[cfg(test)]
mod source;
mod windows;
