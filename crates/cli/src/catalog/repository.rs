//! `Repository`: a Git repository of sources, and its copy on this machine, by the program `git`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lakeflow_interface::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

/// The ways to a repository that are allowed; others can run programs of the repository's choice.
const PROTOCOLS: &str = "https:ssh:file";

/// A Git repository of sources, and its copy on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Repository {
    /// Its URL.
    pub(crate) git: String,
    /// The branch, tag or commit; the repository's own choice without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<String>,
    /// Where its copy is.
    pub(crate) copy: PathBuf,
}

impl Repository {
    /// Whether a text is a repository's URL rather than a folder.
    pub(crate) fn is_url(text: &str) -> bool {
        let is_scp = text.split_once(':').is_some_and(|(host, _)| host.contains('@') && !host.contains('/'));
        text.contains("://") || is_scp
    }

    /// Brings the copy to the newest commit of the revision; makes it, where there is none.
    pub(crate) fn fetch(&self) -> Result<()> {
        self.check()?;
        if !self.copy.join(".git").is_dir() {
            std::fs::create_dir_all(&self.copy).map_err(|error| {
                let message = format!("the folder `{}` cannot be made", self.copy.display());
                Error::new(ErrorKind::Configuration, message).with_cause(error)
            })?;
            self.git(["init", "--quiet"])?;
        }
        let revision = self.revision.as_deref().unwrap_or("HEAD");
        self.git(["fetch", "--quiet", "--depth", "1", "--no-tags", "--", &self.git, revision])?;
        self.git(["checkout", "--quiet", "--force", "--detach", "FETCH_HEAD"])?;
        Ok(())
    }

    /// The commit that the copy has.
    pub(crate) fn commit(&self) -> Result<String> {
        self.git(["rev-parse", "--short=12", "HEAD"]).map(|text| text.trim().to_owned())
    }

    /// The copy; an error where somebody took it away.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        if self.copy.is_dir() {
            return Ok(self.copy.clone());
        }
        Err(Error::new(ErrorKind::Configuration, format!("the copy of `{}` is gone", self.git))
            .with_hint("`community-connector source update` makes it anew"))
    }

    /// What git could take for a flag is refused, and so is a URL with a password in it.
    fn check(&self) -> Result<()> {
        let refused = |message: String| Err(Error::new(ErrorKind::Configuration, message));
        if let Some(text) = [Some(&self.git), self.revision.as_ref()].into_iter().flatten().find(|t| t.starts_with('-'))
        {
            return refused(format!("`{text}` begins with `-`"));
        }
        match url::Url::parse(&self.git) {
            Ok(url) if url.password().is_some() => Err(Error::new(
                ErrorKind::Configuration,
                "the URL of the repository has a password in it, which the list of sources would show",
            )
            .with_hint("leave it out: git asks its credential helper")),
            Ok(url) if !PROTOCOLS.split(':').any(|protocol| protocol == url.scheme()) => {
                refused(format!("expected a URL with https, ssh or file, found `{}`", url.scheme()))
            }
            _ => Ok(()),
        }
    }

    fn git<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<String> {
        run(&self.copy, arguments).map_err(|error| error.with_context("repository", &self.git))
    }
}

fn run<A: AsRef<OsStr>>(folder: &Path, arguments: impl IntoIterator<Item = A>) -> Result<String> {
    let mut command = Command::new("git");
    // A repository that is read must not be able to run anything, or to ask for a password.
    command.args(["-c", "core.hooksPath=/dev/null", "-c", "submodule.recurse=false"]);
    command.env("GIT_ALLOW_PROTOCOL", PROTOCOLS).env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::null());
    let output = command.current_dir(folder).args(arguments).output().map_err(|error| {
        Error::new(ErrorKind::Configuration, "the program `git` cannot be started")
            .with_hint("install git, or give a folder instead of a repository")
            .with_cause(error)
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::new(ErrorKind::Unavailable, "git could not fetch the repository").with_cause(said.trim().to_owned()))
}
