//! What happens in a simulator by itself.

use lakeflow_interface::{IngestionType, Result};
use lakeflow_manifest::Definition;
use lakeflow_simulator::Advance;

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
