//! `Finding`: what is wrong with a connector, in words.

use std::fmt;

use lakeflow_interface::Error;
use serde::Serialize;

/// What is wrong with a connector: what was expected, what was found, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was expected.
    pub expected: String,
    /// What was found instead.
    pub found: String,
    /// In which situation.
    pub place: String,
    /// What to do about it.
    pub advice: String,
}

impl Finding {
    /// A finding that does not say yet where it was, or what to do.
    pub(crate) fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { expected: expected.into(), found: found.into(), place: String::new(), advice: String::new() }
    }

    /// Says where it was, from the inside to the outside.
    #[must_use]
    pub(crate) fn at(mut self, place: impl Into<String>) -> Self {
        let place = place.into();
        self.place = if self.place.is_empty() { place } else { format!("{}; {place}", self.place) };
        self
    }

    /// Says what to do, more exactly than its check does.
    #[must_use]
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }
}

/// A line each: expected, found, where, what to do.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = [("expected", &self.expected), ("found", &self.found), ("where", &self.place)];
        for (name, text) in lines.into_iter().filter(|(_, text)| !text.is_empty()) {
            writeln!(f, "{name:<9} {}", indented(text))?;
        }
        write!(f, "{:<9} {}", "do", indented(&self.advice))
    }
}

/// Lines after the first stand under it.
fn indented(text: &str) -> String {
    text.replace('\n', "\n          ")
}

/// Why a check ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The connector does not keep to it.
    Failed(Finding),
    /// It says nothing about this table.
    Skipped(String),
}

impl From<Finding> for Stop {
    fn from(finding: Finding) -> Self {
        Self::Failed(finding)
    }
}

/// An error where none was expected.
impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(Finding::new("no error", told(&error)))
    }
}

/// How a check ended.
pub(crate) type Outcome<T = ()> = Result<T, Stop>;

/// Says where a failure was.
pub(crate) trait At {
    /// Adds the place to a finding.
    fn at(self, place: impl FnOnce() -> String) -> Self;
}

impl<T> At for Outcome<T> {
    fn at(self, place: impl FnOnce() -> String) -> Self {
        self.map_err(|stop| match stop {
            Stop::Failed(finding) => Stop::Failed(finding.at(place())),
            skipped => skipped,
        })
    }
}

/// An error with its hint and its causes, as a user is told.
pub(crate) fn told(error: &Error) -> String {
    let mut text = format!("{}: {error}", error.kind().as_str());
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text += &format!("\ncaused by: {inner}");
        cause = inner.source();
    }
    if let Some(hint) = error.hint() {
        text += &format!("\nhint: {hint}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finding_says_what_where_and_what_to_do() {
        let finding = Finding::new("3 rows", "2 rows\nkey 7 is missing").at("page size 2").advise("look at the pages");
        let text = "expected  3 rows\nfound     2 rows\n          key 7 is missing\nwhere     page size 2\n\
                    do        look at the pages";
        assert_eq!(finding.to_string(), text);
    }
}
