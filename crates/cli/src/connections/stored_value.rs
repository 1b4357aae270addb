//! `StoredValue`: the value of a connection's parameter, plain or a reference to where it is kept.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use lakeflow_interface::{Error, ErrorKind, Result, Secret};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

const COMMAND_PATIENCE: Duration = Duration::from_secs(60);

/// The value of a parameter: `env:NAME`, `file:PATH`, `command:COMMAND`, or the value itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(crate) enum StoredValue {
    /// The value itself.
    Plain(Secret),
    /// The value of an environment variable.
    Environment(String),
    /// The content of a file.
    File(PathBuf),
    /// What a command prints.
    Command(String),
}

impl StoredValue {
    /// The value, read from where it is kept; relative paths are relative to `folder`.
    pub(crate) async fn resolve(&self, folder: &Path) -> Result<Secret> {
        let text = match self {
            Self::Plain(value) => return Ok(value.clone()),
            Self::Environment(name) => from_environment(name)?,
            Self::File(path) => from_file(&absolute(path, folder)?)?,
            Self::Command(command) => from_command(command).await?,
        };
        let value = text.trim_end_matches(['\r', '\n']);
        if value.is_empty() {
            return Err(Error::new(ErrorKind::Configuration, format!("`{self}` gives an empty value")));
        }
        Ok(Secret::new(value))
    }

    /// The value itself, where it is what is stored.
    pub(crate) fn plain(&self) -> Option<&Secret> {
        match self {
            Self::Plain(value) => Some(value),
            _ => None,
        }
    }

    /// As it may be shown: references as they are, a plain secret as `***`.
    pub(crate) fn shown(&self, secret: bool) -> String {
        match self {
            Self::Plain(value) if !secret => value.expose().to_owned(),
            _ => self.to_string(),
        }
    }

    /// The same value with a path that no longer depends on the current folder.
    pub(crate) fn with_absolute_path(self) -> Result<Self> {
        match self {
            Self::File(path) if !path.starts_with("~") => {
                std::path::absolute(&path).map(Self::File).map_err(|error| unreadable(&path).with_cause(error))
            }
            other => Ok(other),
        }
    }
}

/// The reference as it was written; a plain value is `***`.
impl fmt::Display for StoredValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(_) => f.write_str("***"),
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Command(command) => write!(f, "command:{command}"),
        }
    }
}

impl fmt::Debug for StoredValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<String> for StoredValue {
    fn from(text: String) -> Self {
        match text.split_once(':') {
            Some(("env", name)) => Self::Environment(name.to_owned()),
            Some(("file", path)) => Self::File(path.into()),
            Some(("command", command)) => Self::Command(command.to_owned()),
            _ => Self::Plain(Secret::new(text)),
        }
    }
}

/// As it is stored, plain values included.
impl From<StoredValue> for String {
    fn from(stored: StoredValue) -> Self {
        match stored {
            StoredValue::Plain(value) => value.expose().to_owned(),
            reference => reference.to_string(),
        }
    }
}

fn from_environment(name: &str) -> Result<String> {
    std::env::var(name).map_err(|error| {
        let problem = match error {
            std::env::VarError::NotPresent => "is not set",
            std::env::VarError::NotUnicode(_) => "is not valid UTF-8",
        };
        Error::new(ErrorKind::Configuration, format!("environment variable `{name}` {problem}"))
            .with_hint(format!("set it: `export {name}=…`"))
    })
}

fn from_file(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path).with_cause(error))
}

fn unreadable(path: &Path) -> Error {
    Error::new(ErrorKind::Configuration, format!("file `{}` cannot be read", path.display()))
}

fn absolute(path: &Path, folder: &Path) -> Result<PathBuf> {
    let Ok(below_home) = path.strip_prefix("~") else { return Ok(folder.join(path)) };
    let home = etcetera::home_dir().map_err(|error| unreadable(path).with_cause(error))?;
    Ok(home.join(below_home))
}

/// Runs a command in the shell. Nothing that it prints is shown: any of it may be the secret.
async fn from_command(command: &str) -> Result<String> {
    let failed = |problem: String| {
        Error::new(ErrorKind::Configuration, format!("command `{command}` {problem}"))
            .with_hint("run it yourself to see why; its output is not shown, as it may hold the secret")
    };
    let child = shell(command).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(COMMAND_PATIENCE, child)
        .await
        .map_err(|_| failed(format!("did not end within {} seconds", COMMAND_PATIENCE.as_secs())))?
        .map_err(|error| failed("cannot be run".to_owned()).with_cause(error))?;
    if !output.status.success() {
        return Err(failed(format!("failed: {}", output.status)));
    }
    String::from_utf8(output.stdout).map_err(|_| failed("printed what is not valid UTF-8".to_owned()))
}

#[cfg(unix)]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command);
    shell
}

#[cfg(not(unix))]
fn shell(command: &str) -> Command {
    let mut shell = Command::new("cmd");
    shell.arg("/C").arg(command);
    shell
}
