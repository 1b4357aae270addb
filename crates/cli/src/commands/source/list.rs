//! `source list`: the places of sources, and what they have.

use lakeflow_interface::Result;
use serde_json::json;

use crate::catalog::{Place, Source, sources_below};
use crate::exit::ExitStatus;
use crate::grid::Grid;
use crate::session::Session;

/// Lists the places.
pub(crate) fn run(session: &Session) -> Result<ExitStatus> {
    let places = session.places()?;
    let mut grid = Grid::new(["place", "commit", "sources"]);
    let mut any = false;
    for place in places.iter() {
        any = true;
        let commit = match place {
            Place::Folder { .. } => String::new(),
            Place::Git(repository) => repository.commit()?,
        };
        let sources = sources_below(&place.folder()?)?;
        let names: Vec<&str> = sources.iter().map(Source::name).collect();
        grid.add([place.name(), commit.clone(), names.join(", ")]);
        session
            .printer
            .event(&json!({"event": "place_of_sources", "place": place.name(), "commit": commit, "sources": names}))?;
    }
    if any {
        session.printer.line(grid)?;
    } else {
        session.printer.status("only the built-in sources are known: `community-connector source add DIR|GIT_URL`");
    }
    Ok(ExitStatus::Success)
}
