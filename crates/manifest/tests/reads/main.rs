//! Reads of small sources on loopback, one file per kind of read.

mod ascending;
#[cfg(test)]
mod changes;
mod children;
mod descending;
#[cfg(test)]
mod downloads;
mod families;
mod records;
#[cfg(test)]
mod scripted;
mod snapshot;
#[cfg(test)]
mod source;
#[cfg(test)]
mod tokens;
mod windows;
