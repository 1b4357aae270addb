//! How the program ends, as seen by whoever started it.

use lakeflow_interface::{Error, ErrorKind};

/// The exit codes, as `--help` shows them.
pub(crate) const EXIT_CODES: &str = "Exit codes:
    0  everything asked for was done
    1  it failed: the source, the network or the lakehouse
    2  nothing was started: a mistake in the command line, the spec, an option or a connection
    3  some tables of a run failed, the others arrived
  130  stopped by Ctrl-C; the next run goes on from there
  143  the same, stopped by SIGTERM";

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// Everything asked for was done.
    Success,
    /// It failed.
    Failure,
    /// Nothing was started.
    Usage,
    /// Some tables of a run failed.
    Partial,
    /// Ctrl-C.
    Interrupted,
    /// SIGTERM.
    Terminated,
}

impl ExitStatus {
    /// The status that an error ends the program with.
    pub(crate) fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Configuration | ErrorKind::Definition => Self::Usage,
            ErrorKind::Cancelled => Self::Interrupted,
            _ => Self::Failure,
        }
    }

    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}
