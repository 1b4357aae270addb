//! `tables CONNECTION|SOURCE`: the tables that can be read.

use lakeflow_interface::{ColumnPath, Error, ErrorKind, Result, TableMetadata, TableOptions};
use lakeflow_manifest::Definition;
use serde_json::json;

use crate::args::TablesArguments;
use crate::exit::ExitStatus;
use crate::grid::Grid;
use crate::session::{Session, Target};

/// Lists the tables.
pub(crate) async fn run(arguments: &TablesArguments, session: &Session) -> Result<ExitStatus> {
    let Target { definition, connector } = session.target(&arguments.target).await?;
    let definition = definition.as_ref();
    let names = match &connector {
        Some(connector) => connector.list_tables().await?,
        None => definition.into_iter().flat_map(Definition::tables).map(str::to_owned).collect(),
    };
    let mut grid = grid();
    for table in &names {
        let metadata = match (declared(definition, table), &connector) {
            (Err(_), Some(connector)) => connector.read_table_metadata(table, &TableOptions::default()).await?,
            (declared, _) => declared?.clone(),
        };
        let description = definition.and_then(|definition| definition.table_description(table).ok().flatten());
        session.printer.event(&event(table, &metadata))?;
        grid.add(row(table, &metadata, description));
    }
    session.printer.line(grid)?;
    Ok(ExitStatus::Success)
}

/// What the definition says of a table; an error where it says nothing.
fn declared<'d>(definition: Option<&'d Definition>, table: &str) -> Result<&'d TableMetadata> {
    let undeclared = || Error::new(ErrorKind::NotFound, format!("table `{table}` is not declared"));
    definition.ok_or_else(undeclared)?.table_metadata(table)
}

/// The tables that a source's definition declares.
pub(super) fn of_source(definition: &Definition) -> Result<Grid> {
    let mut grid = grid();
    for table in definition.tables() {
        grid.add(row(table, definition.table_metadata(table)?, definition.table_description(table)?));
    }
    Ok(grid)
}

/// Column paths as one text.
pub(super) fn joined<'p>(paths: impl IntoIterator<Item = &'p ColumnPath>) -> String {
    paths.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn grid() -> Grid {
    Grid::new(["table", "ingestion type", "primary keys", "cursor", "description"]).wrapped()
}

fn row(table: &str, metadata: &TableMetadata, description: Option<&str>) -> [String; 5] {
    [
        table.to_owned(),
        metadata.ingestion_type.to_string(),
        joined(&metadata.primary_keys),
        joined(&metadata.cursor_field),
        description.unwrap_or_default().to_owned(),
    ]
}

fn event(table: &str, metadata: &TableMetadata) -> serde_json::Value {
    json!({
        "event": "table",
        "name": table,
        "ingestion_type": metadata.ingestion_type,
        "primary_keys": metadata.primary_keys,
        "cursor_field": metadata.cursor_field,
    })
}
