//! `TypedTable`: what a read of a table gives, and in which schema.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use chrono::{DateTime, Utc};
use lakeflow_interface::records::{BadValues, Typer};
use lakeflow_interface::{
    ColumnPath, Error, ErrorKind, Horizon, IngestionType, LakeflowConnect, Offset, Result, TableOptions,
};

use crate::errors::misuse;

/// Which rows of a table are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changes {
    /// Those that were inserted or updated.
    Upserted,
    /// Those that were deleted.
    Deleted,
}

impl Changes {
    pub(crate) fn of(deletes: bool) -> Self {
        if deletes { Self::Deleted } else { Self::Upserted }
    }
}

/// A table and how its values are typed.
pub(crate) struct TypedTable {
    pub(crate) name: String,
    schema: SchemaRef,
    primary_keys: Vec<ColumnPath>,
    bad_values: BadValues,
}

impl TypedTable {
    /// Asks the connector for a table.
    pub(crate) async fn of(
        connector: &dyn LakeflowConnect,
        table: &str,
        options: &TableOptions,
        changes: Changes,
        bad_values: &str,
    ) -> Result<Self> {
        let bad_values = match bad_values.to_ascii_lowercase().as_str() {
            "rescue" => BadValues::Rescue,
            "fail" => BadValues::Fail,
            other => {
                return Err(misuse(format!("expected `rescue` or `fail` as option `bad_values`, found `{other}`")));
            }
        };
        let metadata = connector.read_table_metadata(table, options).await?;
        let mut schema = connector.get_table_schema(table, options).await?;
        if changes == Changes::Deleted {
            if metadata.ingestion_type != IngestionType::CdcWithDeletes {
                let kind = metadata.ingestion_type;
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!("the source tells of no deleted rows of table `{table}`"),
                )
                .with_hint(format!("its ingestion type is `{kind}`: leave `isDeleteFlow` out")));
            }
            // A deleted row has its keys and sequence, and perhaps nothing else.
            let nullable = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
            schema = Arc::new(Schema::new(nullable.collect::<Vec<_>>()));
        }
        Ok(Self { name: table.to_owned(), schema, primary_keys: metadata.primary_keys, bad_values })
            .and_then(|table| table.typer().map(|_| table))
    }

    /// A typer of its rows.
    pub(crate) fn typer(&self) -> Result<Typer> {
        let typer = Typer::new(&self.name, self.schema.clone(), self.bad_values)?;
        Ok(typer.with_primary_keys(&self.primary_keys))
    }

    /// The schema of its rows.
    pub(crate) fn schema(&self) -> SchemaRef {
        self.typer().map_or_else(|_| self.schema.clone(), |typer| typer.schema())
    }
}

/// An offset that was written as JSON.
pub(crate) fn offset(text: &str) -> Result<Offset> {
    serde_json::from_str(text)
        .map_err(|cause| misuse(format!("expected an offset, a JSON object, found `{text}`")).with_cause(cause))
}

/// The instant that a read ends at, in RFC 3339; now where none is given.
pub(crate) fn horizon(until: Option<&str>) -> Result<Horizon> {
    let Some(text) = until else { return Ok(Horizon::now()) };
    let instant = DateTime::parse_from_rfc3339(text)
        .map_err(|cause| misuse(format!("expected an instant in RFC 3339, found `{text}`")).with_cause(cause))?;
    Ok(Horizon::at(instant.with_timezone(&Utc)))
}
