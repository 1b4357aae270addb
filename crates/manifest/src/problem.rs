//! What is wrong with a definition, and where.

use std::fmt;

use lakeflow_interface::{Error, ErrorKind, nearest};
use serde_saphyr::Location;

/// A place in a file; lines and columns count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        Self { line: location.line(), column: location.column() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// One thing that is wrong with a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub place: Place,
    /// The key that it is about, with those around it: `tables.issues.cursor_field`; empty for the file as a whole.
    pub key: String,
    /// What was expected, and what was found.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(place: Place, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place, key: key.into(), message: message.into(), hint: None }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the nearest valid name and the list of all.
    pub(crate) fn with_valid<'a>(self, found: &str, valid: impl IntoIterator<Item = &'a str> + Clone) -> Self {
        let mut names: Vec<String> = Vec::new();
        for name in valid.clone().into_iter().map(|name| format!("`{name}`")) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let list = names.join(", ");
        match nearest(found, valid) {
            Some(near) => self.with_hint(format!("did you mean `{near}`? valid: {list}")),
            None if list.is_empty() => self,
            None => self.with_hint(format!("valid: {list}")),
        }
    }
}

/// `LINE:COLUMN: KEY: MESSAGE; HINT`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        f.write_str(&self.message)?;
        self.hint.iter().try_for_each(|hint| write!(f, "; {hint}"))
    }
}

/// All that is wrong with a definition; one line each, as `FILE:LINE:COLUMN: …`.
#[derive(Clone, Debug)]
pub struct Problems {
    origin: String,
    problems: Vec<Problem>,
}

impl Problems {
    pub(crate) fn new(origin: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.place);
        Self { origin: origin.to_owned(), problems }
    }

    /// The problems in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.problems.iter().enumerate() {
            let end = if position + 1 < self.problems.len() { "\n" } else { "" };
            write!(f, "{}:{problem}{end}", self.origin)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        let count = match problems.problems.len() {
            1 => "one problem".to_owned(),
            count => format!("{count} problems"),
        };
        Self::new(ErrorKind::Definition, format!("the definition `{}` has {count}", problems.origin))
            .with_cause(problems)
    }
}
