//! Reads of a table, typed and taken to JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::json::writer::{JsonArray, WriterBuilder};
use futures::StreamExt;
use lakeflow_interface::records::{BadValues, Typer};
use lakeflow_interface::{Horizon, LakeflowConnect, Offset, ReadContext, ReadItem, Records, Result, TableOptions};
use serde_json::Value;

/// What one read gave.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// The rows in their order, as JSON.
    pub(crate) rows: Vec<Value>,
    /// Each checkpoint, with the number of rows before it.
    pub(crate) checkpoints: Vec<(usize, Offset)>,
    /// How many rows had values that could not be typed.
    pub(crate) rescued_rows: u64,
    /// Fields that the schema does not have.
    pub(crate) undeclared: BTreeSet<String>,
    /// What was skipped, and how often.
    pub(crate) warnings: BTreeMap<String, u64>,
}

impl Reading {
    /// The offset that the read ended at.
    pub(crate) fn end(&self) -> &Offset {
        &self.checkpoints.last().expect("a read ends with a checkpoint").1
    }
}

/// Reads a table from an offset to the end.
pub(crate) async fn read(
    connector: &Arc<dyn LakeflowConnect>,
    table: &str,
    start: &Offset,
    options: &TableOptions,
    horizon: Horizon,
) -> Result<Reading> {
    read_until(connector, table, start, options, horizon, usize::MAX).await
}

/// Reads a table from an offset, and leaves off after so many checkpoints.
pub(crate) async fn read_until(
    connector: &Arc<dyn LakeflowConnect>,
    table: &str,
    start: &Offset,
    options: &TableOptions,
    horizon: Horizon,
    checkpoints: usize,
) -> Result<Reading> {
    let schema = connector.get_table_schema(table, options).await?;
    let mut typer = Typer::new(table, schema, BadValues::Rescue)?;
    let context = ReadContext::new(horizon);
    let mut stream = connector.read_table(table, start, options, &context).await?;
    let mut reading = Reading::default();
    while let Some(item) = stream.next().await {
        match item? {
            ReadItem::Records(Records::Json(records)) => {
                typer.push(&records)?;
                collect(&mut typer, &mut reading)?;
            }
            ReadItem::Checkpoint(offset) => {
                reading.checkpoints.push((reading.rows.len(), offset));
                if reading.checkpoints.len() == checkpoints {
                    break;
                }
            }
            other => panic!("GitHub gives neither deletes nor Arrow batches: {other:?}"),
        }
    }
    reading.warnings = context.metrics.snapshot().warnings;
    Ok(reading)
}

fn collect(typer: &mut Typer, reading: &mut Reading) -> Result<()> {
    let typed = typer.finish()?;
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(Vec::new());
    writer.write(&typed.batch).expect("a typed batch can be written as JSON");
    writer.finish().expect("an array of JSON has an end");
    let text = writer.into_inner();
    if !text.is_empty() {
        let rows: Vec<Value> = serde_json::from_slice(&text).expect("arrow writes JSON");
        reading.rows.extend(rows);
    }
    reading.rescued_rows += typed.rescued_rows;
    reading.undeclared.extend(typed.undeclared);
    Ok(())
}
