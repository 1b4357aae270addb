//! Reads of small sources on loopback, one file per kind of read.

mod ascending;
mod changes;
mod children;
mod descending;
mod downloads;
mod families;
mod records;
#[cfg(test)]
mod scripted;
mod snapshot;
#[cfg(test)]
mod source;
mod tokens;
mod windows;
