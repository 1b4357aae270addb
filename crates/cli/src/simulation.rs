//! Simulators of the sources that are built in.

use lakeflow_interface::{Error, ErrorKind, IngestionType, Result};
use lakeflow_manifest::Definition;
use lakeflow_simulator::{Advance, SimulatorDefinition};

const FOLDER: &str = "simulator/";

/// What the simulator of a source is made from.
pub(crate) fn definition(source: &str) -> Result<SimulatorDefinition> {
    let files = lakeflow_sources::find(source)?.files_under(FOLDER).map(|(path, content)| {
        let text = str::from_utf8(content).map_err(|error| {
            Error::new(ErrorKind::Definition, format!("the file `{path}` is not UTF-8")).with_cause(error)
        })?;
        Ok((path, text))
    });
    SimulatorDefinition::parse(files.collect::<Result<Vec<_>>>()?)
}

/// A small step of everything that moves: rows added to append tables, added and changed in those with a cursor.
pub(crate) fn small_step(definition: &Definition) -> Result<Advance> {
    let mut advance = Advance::new();
    for table in definition.tables() {
        advance = match definition.table_metadata(table)?.ingestion_type {
            IngestionType::Append => advance.table(table, 2, 0, 0),
            IngestionType::Cdc => advance.table(table, 1, 3, 0),
            IngestionType::CdcWithDeletes => advance.table(table, 1, 3, 1),
            IngestionType::Snapshot => advance,
        };
    }
    Ok(advance)
}
