//! `source add DIR|GIT_URL`: makes the sources of a folder or of a Git repository known to every command.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use lakeflow_interface::{Error, ErrorKind, Result};
use serde_json::json;

use crate::args::SourceAddArguments;
use crate::catalog::{Place, Repository, Source, sources_below};
use crate::exit::ExitStatus;
use crate::session::Session;

/// Adds the place, once its sources are found to be sound.
pub(crate) fn run(arguments: &SourceAddArguments, session: &Session) -> Result<ExitStatus> {
    let mut places = session.places()?;
    let place = match Repository::is_url(&arguments.place) {
        true => fetched(arguments, &session.copies()?)?,
        false => folder(arguments)?,
    };
    let sources = sources_below(&place.folder()?)?;
    for source in &sources {
        source.definition()?;
    }
    let name = place.name();
    places.add(place)?;
    // Two places with one source are told now, and not by the next command.
    if let Err(error) = session.catalog() {
        places.remove(&name)?;
        return Err(error);
    }
    announce(&name, &sources, session)?;
    Ok(ExitStatus::Success)
}

fn fetched(arguments: &SourceAddArguments, copies: &Path) -> Result<Place> {
    let (git, revision) = (arguments.place.clone(), arguments.revision.clone());
    let copy = copies.join(copy_name(&git));
    let repository = Repository { git, revision, copy };
    repository.fetch()?;
    Ok(Place::Git(repository))
}

/// The last part of a URL for people, and a number that tells it from others.
fn copy_name(url: &str) -> String {
    let last = url.trim_end_matches('/').trim_end_matches(".git").rsplit(['/', ':']).next().unwrap_or_default();
    let plain: String =
        last.chars().filter(|character| character.is_ascii_alphanumeric() || *character == '-').collect();
    let mut hasher = DefaultHasher::new();
    url.hash(&mut hasher);
    format!("{plain}-{:08x}", hasher.finish() as u32)
}

fn folder(arguments: &SourceAddArguments) -> Result<Place> {
    if arguments.revision.is_some() {
        return Err(Error::new(ErrorKind::Configuration, "`--revision` is for Git repositories only"));
    }
    let folder: PathBuf = std::fs::canonicalize(&arguments.place).map_err(|error| {
        Error::new(ErrorKind::Configuration, format!("the folder `{}` cannot be read", arguments.place))
            .with_hint("give a folder, or the URL of a Git repository")
            .with_cause(error)
    })?;
    Ok(Place::Folder { folder })
}

fn announce(place: &str, sources: &[Source], session: &Session) -> Result<()> {
    let names: Vec<&str> = sources.iter().map(Source::name).collect();
    session.printer.event(&json!({"event": "source_added", "place": place, "sources": names}))?;
    session.printer.status(format_args!("added `{place}`: {}", names.join(", ")));
    for name in names.iter().filter(|name| lakeflow_sources::find(name).is_ok()) {
        session.printer.warning(format_args!("the source `{name}` of `{place}` stands in for the built-in one"), None);
    }
    Ok(())
}
