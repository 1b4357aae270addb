//! `describe CONNECTION|SOURCE TABLE`: columns, keys and options of a table.

use arrow::datatypes::{Schema, SchemaRef};
use lakeflow_interface::{Error, ErrorKind, Result, TableMetadata, TableOptions, ddl};
use lakeflow_manifest::{Definition, Setting};
use serde_json::json;

use super::{sources, tables};
use crate::args::DescribeArguments;
use crate::exit::ExitStatus;
use crate::grid::Grid;
use crate::session::{Session, Target};

/// What there is to say about a table.
struct Description {
    text: Option<String>,
    metadata: TableMetadata,
    schema: SchemaRef,
    options: Vec<Setting>,
}

/// Describes the table.
pub(crate) async fn run(arguments: &DescribeArguments, session: &Session) -> Result<ExitStatus> {
    let table = &arguments.table;
    let options: TableOptions = arguments.options.options.iter().map(|option| (&option.key, &option.value)).collect();
    let description = match session.target(&arguments.target).await? {
        Target { definition, connector: Some(connector) } if !declares(definition.as_ref(), table) => Description {
            text: None,
            metadata: connector.read_table_metadata(table, &options).await?,
            schema: connector.get_table_schema(table, &options).await?,
            options: Vec::new(),
        },
        Target { definition: Some(definition), .. } => declared(&definition, table)?,
        Target { definition: None, .. } => {
            return Err(Error::new(ErrorKind::Internal, "there is neither a definition nor a connector"));
        }
    };
    print(table, &description, session)?;
    Ok(ExitStatus::Success)
}

fn declares(definition: Option<&Definition>, table: &str) -> bool {
    definition.is_some_and(|definition| definition.tables().any(|known| known == table))
}

/// What the source's definition says.
fn declared(definition: &Definition, table: &str) -> Result<Description> {
    Ok(Description {
        text: definition.table_description(table)?.map(str::to_owned),
        metadata: definition.table_metadata(table)?.clone(),
        schema: definition.table_schema(table)?,
        options: definition.table_options(table)?.to_vec(),
    })
}

fn print(table: &str, description: &Description, session: &Session) -> Result<()> {
    let Description { text, metadata, schema, options } = description;
    session.printer.event(&json!({
        "event": "table",
        "name": table,
        "description": text,
        "ingestion_type": metadata.ingestion_type,
        "primary_keys": metadata.primary_keys,
        "cursor_field": metadata.cursor_field,
        "schema": ddl::to_ddl(schema),
        "options": options,
    }))?;
    if let Some(text) = text {
        session.printer.line(format_args!("{text}\n"))?;
    }
    session.printer.line(format_args!("ingestion type  {}", metadata.ingestion_type))?;
    session.printer.line(format_args!("primary keys    {}", tables::joined(&metadata.primary_keys)))?;
    if let Some(cursor) = &metadata.cursor_field {
        session.printer.line(format_args!("cursor          {cursor}"))?;
    }
    session.printer.line("\nColumns")?;
    session.printer.line(columns(schema))?;
    session.printer.line("\nOptions")?;
    session.printer.line(sources::settings(options))
}

fn columns(schema: &Schema) -> Grid {
    let mut grid = Grid::new(["column", "", "type"]).wrapped();
    for field in schema.fields() {
        let null = if field.is_nullable() { "" } else { "not null" };
        grid.add([field.name().as_str(), null, &ddl::type_name(field)]);
    }
    grid
}
