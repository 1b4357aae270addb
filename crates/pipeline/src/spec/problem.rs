//! What is wrong with a pipeline spec, and where.

use std::fmt;

use lakeflow_interface::{Error, ErrorKind};
use serde::Serialize;

/// A place in a document; lines and columns count from one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The line; zero where it is not known.
    pub line: u64,
    /// The column; zero where it is not known.
    pub column: u64,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where the key or value stands.
    #[serde(flatten)]
    pub place: Place,
    /// Its path: `objects[0].table.source_table`; empty for the whole document.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Everything that is wrong with one pipeline spec; the cause of the error that its parser and planner give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    origin: String,
    list: Vec<Problem>,
}

impl Problem {
    pub(crate) fn new(place: Place, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place, path: path.into(), message: message.into(), hint: None }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A problem that another part of the system found; the place stands for the error's context.
    pub(crate) fn from_error(place: Place, path: impl Into<String>, error: &Error) -> Self {
        let mut message = error.message().to_owned();
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            message.push_str(&format!(": {inner}"));
            cause = inner.source();
        }
        let problem = Self::new(place, path, message);
        match error.hint() {
            Some(hint) => problem.with_hint(hint),
            None => problem,
        }
    }
}

impl Problems {
    pub(crate) fn new(origin: &str, mut list: Vec<Problem>) -> Self {
        list.sort_by_key(|problem| problem.place);
        Self { origin: origin.to_owned(), list }
    }

    /// The file or other origin of the spec.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The problems in the order of their places.
    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// The error of which these are the cause.
    pub(crate) fn into_error(self, kind: ErrorKind) -> Error {
        let count = match self.list.len() {
            1 => "one error".to_owned(),
            count => format!("{count} errors"),
        };
        Error::new(kind, format!("pipeline spec `{}` has {count}", self.origin)).with_cause(self)
    }
}

/// One problem after another: `FILE:LINE:COLUMN: PATH: MESSAGE`, its hint on a line of its own.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.list.iter().enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", self.origin)?;
            if problem.place.line > 0 {
                write!(f, ":{}:{}", problem.place.line, problem.place.column)?;
            }
            if !problem.path.is_empty() {
                write!(f, ": {}", problem.path)?;
            }
            write!(f, ": {}", problem.message)?;
            if let Some(hint) = &problem.hint {
                write!(f, "\n  hint: {hint}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
