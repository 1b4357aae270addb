//! An error as it is shown: message, causes, hints.

use std::collections::BTreeMap;

use lakeflow_interface::Error;
use lakeflow_pipeline::spec::{Problem, Problems};
use serde::Serialize;

/// An error laid out for people and for programs.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename = "error")]
pub struct Failure {
    /// The kind, one snake_case word.
    pub kind: &'static str,
    /// One line, context included.
    pub message: String,
    /// Where it happened.
    pub context: BTreeMap<&'static str, String>,
    /// From the nearest to the root.
    pub causes: Vec<String>,
    /// What to do.
    pub hints: Vec<String>,
    /// What is wrong with a pipeline spec, with places.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// The same in words, a line each.
    #[serde(skip)]
    pub details: Vec<String>,
}

impl Failure {
    /// Lays out an error and the chain of its causes; a cause that only repeats what was said is left out.
    pub fn of(error: &Error) -> Self {
        let mut failure = Self {
            kind: error.kind().as_str(),
            message: error.to_string(),
            context: error.contexts().map(|(name, value)| (name, value.to_owned())).collect(),
            causes: Vec::new(),
            hints: error.hint().map(str::to_owned).into_iter().collect(),
            problems: Vec::new(),
            details: Vec::new(),
        };
        let mut next = std::error::Error::source(error);
        while let Some(cause) = next {
            failure.add_cause(cause);
            next = cause.source();
        }
        failure
    }

    fn add_cause(&mut self, cause: &(dyn std::error::Error + 'static)) {
        if let Some(problems) = cause.downcast_ref::<Problems>() {
            self.problems = problems.list().to_vec();
            self.details = problems.to_string().lines().map(str::to_owned).collect();
            return;
        }
        let text = cause.to_string();
        let said = self.causes.last().unwrap_or(&self.message);
        if !said.ends_with(&text) {
            self.causes.push(text);
        }
        if let Some(hint) = cause.downcast_ref::<Error>().and_then(Error::hint)
            && !self.hints.iter().any(|known| known == hint)
        {
            self.hints.push(hint.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use lakeflow_interface::ErrorKind;

    use super::*;

    #[test]
    fn causes_and_hints_are_collected_without_repetition() {
        let root = Error::new(ErrorKind::Unavailable, "connection refused").with_hint("is it up?");
        let middle = Error::new(ErrorKind::Unavailable, "page 2 failed").with_cause(root).with_hint("is it up?");
        let error =
            Error::new(ErrorKind::Unavailable, "table failed").with_context("table", "issues").with_cause(middle);
        let failure = Failure::of(&error);
        assert_eq!(failure.message, "table failed (table `issues`)");
        assert_eq!(failure.causes, ["page 2 failed", "connection refused"]);
        assert_eq!(failure.hints, ["is it up?"]);
        assert_eq!(failure.context["table"], "issues");
    }

    #[test]
    fn cause_that_ends_the_message_is_not_said_twice() {
        let error = Error::new(ErrorKind::Storage, "cannot write: disk full").with_cause("disk full");
        assert_eq!(Failure::of(&error).causes, Vec::<String>::new());
    }
}
