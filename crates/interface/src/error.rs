//! The one error type of the libraries: a kind, a message, where it happened, what to do, and whether to try again.

use std::fmt;
use std::time::Duration;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in the words of the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// What the user wrote is wrong: a spec, an option, a connection, a flag.
    Configuration,
    /// A connector's definition is wrong.
    Definition,
    /// The source does not know who we are.
    Authentication,
    /// The source knows who we are and refuses.
    Permission,
    /// The thing asked for does not exist.
    NotFound,
    /// The source's rate limit outlasts our patience.
    RateLimited,
    /// The source or the network did not answer, or not in time.
    Unavailable,
    /// The source answered, but not what its API promises.
    BadResponse,
    /// A value does not fit its column.
    BadValue,
    /// Somebody else changed what we were about to change.
    Conflict,
    /// The lakehouse could not be read or written.
    Storage,
    /// Asked for something that cannot be done.
    Unsupported,
    /// The user stopped the work.
    Cancelled,
    /// A fault of this program.
    Internal,
}

impl ErrorKind {
    /// The kind as one snake_case word, stable for machines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Definition => "definition",
            Self::Authentication => "authentication",
            Self::Permission => "permission",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::BadResponse => "bad_response",
            Self::BadValue => "bad_value",
            Self::Conflict => "conflict",
            Self::Storage => "storage",
            Self::Unsupported => "unsupported",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }
}

/// Whether the same call may succeed later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retry {
    /// It will fail again.
    #[default]
    Never,
    /// It may succeed at once.
    Now,
    /// It may succeed after this time.
    After(Duration),
}

/// An error: kind, message, context, hint, cause.
///
/// `Display` is one line: the message, then the context in brackets. The cause is the chain of `source()`, never
/// repeated in the message. Messages are lower case, have no full stop and put literals in back-quotes.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    context: Vec<(&'static str, String)>,
    hint: Option<String>,
    retry: Retry,
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with a kind and a message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            context: Vec::new(),
            hint: None,
            retry: Retry::Never,
            cause: None,
        }))
    }

    /// Says where it happened: `("table", "issues")`. A name that is already there keeps its first, inner value.
    #[must_use]
    pub fn with_context(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if self.context(name).is_none() {
            self.0.context.push((name, value.into()));
        }
        self
    }

    /// Says what the user can do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Says whether the same call may succeed later.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message without context.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Whether the same call may succeed later.
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// All pieces of context, innermost first.
    pub fn contexts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.context.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// One piece of context by name.
    pub fn context(&self, name: &str) -> Option<&str> {
        self.0.context.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        for (position, (name, value)) in self.0.context.iter().enumerate() {
            let opening = if position == 0 { " (" } else { ", " };
            write!(f, "{opening}{name} `{value}`")?;
        }
        if self.0.context.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {self}", self.0.kind.as_str())?;
        if let Some(hint) = &self.0.hint {
            write!(f, "; hint: {hint}")?;
        }
        if let Some(cause) = &self.0.cause {
            write!(f, "; caused by: {cause:?}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_ref().map(|cause| cause.as_ref() as _)
    }
}
