//! `sources [NAME]`: the sources, or what one of them needs and offers.

use lakeflow_interface::Result;
use lakeflow_manifest::{Definition, Setting};
use serde_json::json;

use super::tables;
use crate::args::SourcesArguments;
use crate::catalog::Source;
use crate::exit::ExitStatus;
use crate::grid::Grid;
use crate::session::Session;

/// Lists the sources, or shows one.
pub(crate) fn run(arguments: &SourcesArguments, session: &Session) -> Result<ExitStatus> {
    match &arguments.source {
        Some(name) => show(name, session)?,
        None => list(session)?,
    }
    Ok(ExitStatus::Success)
}

fn list(session: &Session) -> Result<()> {
    let mut grid = Grid::new(["source", "tables", "description"]).with_numbers([1]).wrapped();
    for source in session.catalog()?.iter() {
        let definition = source.definition()?;
        session.printer.event(&event(source, &definition))?;
        let tables = definition.tables().count().to_string();
        grid.add([source.name(), &tables, definition.description().unwrap_or_default()]);
    }
    session.printer.line(grid)
}

fn show(name: &str, session: &Session) -> Result<()> {
    let source = session.catalog()?.find_or_folder(name)?;
    let definition = source.definition()?;
    session.printer.event(&event(&source, &definition))?;
    session.printer.line(definition.display_name())?;
    if let Some(folder) = source.path() {
        session.printer.line(format_args!("{}", folder.display()))?;
    }
    if let Some(description) = definition.description() {
        session.printer.line(description)?;
    }
    session.printer.line("\nConnection parameters")?;
    session.printer.line(settings(definition.parameters()))?;
    session.printer.line("\nTables")?;
    session.printer.line(tables::of_source(&definition)?)?;
    session.printer.status(format_args!(
        "\nconnect: `community-connector connection create {} NAME -o KEY=VALUE …`",
        source.name()
    ));
    Ok(())
}

fn event(source: &Source, definition: &Definition) -> serde_json::Value {
    json!({
        "event": "source",
        "name": source.name(),
        "origin": source.origin(),
        "display_name": definition.display_name(),
        "description": definition.description(),
        "parameters": definition.parameters(),
        "tables": definition.tables().collect::<Vec<_>>(),
    })
}

/// Parameters or options as a grid.
pub(super) fn settings(settings: &[Setting]) -> Grid {
    let mut grid = Grid::new(["name", "type", "", "default", "description"]).wrapped();
    for setting in settings {
        let mut description = setting.description.clone().unwrap_or_default();
        if !setting.r#enum.is_empty() {
            description += &format!(" ({})", setting.r#enum.join(", "));
        }
        let need = match (setting.required && setting.default.is_none(), setting.secret) {
            (true, true) => "required, secret",
            (true, false) => "required",
            (false, true) => "secret",
            (false, false) => "",
        };
        let default = setting.default.as_deref().unwrap_or_default();
        grid.add([setting.name.as_str(), setting.r#type.as_str(), need, default, &description]);
    }
    grid
}
