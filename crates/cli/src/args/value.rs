//! Values of arguments: assignments and lengths of time.

use std::time::Duration;

/// One `key=value`. The value may be a secret, so `Debug` leaves it out.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// What is before the first `=`.
    pub(crate) key: String,
    /// What is after it.
    pub(crate) value: String,
}

impl std::fmt::Debug for Assignment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}=***", self.key)
    }
}

pub(super) fn parse_assignment(text: &str) -> Result<Assignment, String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok(Assignment { key: key.trim().to_owned(), value: value.to_owned() })
        }
        _ => Err("expected `KEY=VALUE`".to_owned()),
    }
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "expected a number and a unit, as in `250ms`, `30s` or `5m`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_of_an_assignment_may_hold_anything() {
        let assignment = parse_assignment("query=a=b, c").unwrap();
        assert_eq!((assignment.key.as_str(), assignment.value.as_str()), ("query", "a=b, c"));
        assert_eq!(format!("{assignment:?}"), "query=***");
        assert!(parse_assignment("query").is_err());
        assert!(parse_assignment("=x").is_err());
    }
}
