//! Makes tables for `scripts/test-readers`: `reader_tables FOLDER`, with everything in them that readers may trip over.
//!
//! `plain`: all types, deletion vectors, a log with a checkpoint. `mapped`: a name that needs column mapping. `evolved`: new,
//! nested and widened columns. `clustered`: sorted by two columns, then changed again. Prints each table's folder and rows.
#![expect(clippy::print_stdout, reason = "a program to be read by programs")]

use std::error::Error;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::json::ReaderBuilder;
use chrono::Utc;
use lakeflow_interface::{Offset, ddl};
use lakeflow_pipeline::delta::{
    Checkpoint, Commit, DeletedRows, DeltaTable, Destination, Lakehouse, NewTable, Operation, OptimizeSettings,
    TableState, WriterSettings,
};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Columns of all types.
const ALL_TYPES: &str = "id BIGINT NOT NULL, byte TINYINT, short SMALLINT, int INT, float FLOAT, double DOUBLE, \
    flag BOOLEAN, name STRING, raw BINARY, day DATE, at TIMESTAMP, local TIMESTAMP_NTZ, price DECIMAL(20, 4), \
    `Größe` STRING, user STRUCT<login: STRING, ids: ARRAY<BIGINT>>, labels ARRAY<STRUCT<name: STRING, rank: INT>>, \
    attributes MAP<STRING, BIGINT>";

#[tokio::main]
async fn main() -> Result<()> {
    let folder = std::env::args().nth(1).ok_or("reader_tables FOLDER")?;
    let lakehouse = Lakehouse::open(&folder)?;
    for (name, ddl) in [("plain", ALL_TYPES.to_owned()), ("mapped", format!("{ALL_TYPES}, `a b,c` INT"))] {
        let schema = ddl::parse(&ddl)?;
        let (table, state) = create(&lakehouse, name, NewTable::new(Arc::clone(&schema))).await?;
        tell(&table, &changed(&table, state, &schema, 0..15).await?).await?;
    }
    evolved(&lakehouse).await?;
    clustered(&lakehouse).await
}

/// Small types, then wider ones and more columns, with deleted rows in old and new files.
async fn evolved(lakehouse: &Lakehouse) -> Result<()> {
    let narrow = ddl::parse("id BIGINT NOT NULL, int INT, float FLOAT, day DATE, user STRUCT<login: STRING>")?;
    let wide = ddl::parse(
        "id BIGINT, int BIGINT, float DOUBLE, day TIMESTAMP_NTZ, user STRUCT<login: STRING, ids: ARRAY<BIGINT>>, \
         name STRING, `a b,c` INT",
    )?;
    let (table, state) = create(lakehouse, "evolved", NewTable::new(Arc::clone(&narrow))).await?;
    let state = changed(&table, state, &narrow, 0..3).await?;
    let state = table.evolve(&state, &wide).await?;
    tell(&table, &changed(&table, state, &wide, 3..8).await?).await
}

/// Sorted by two columns, with unsorted files and deleted rows beside.
async fn clustered(lakehouse: &Lakehouse) -> Result<()> {
    let schema = ddl::parse(ALL_TYPES)?;
    let new = NewTable::new(Arc::clone(&schema)).with_clustering(["short".parse()?, "name".parse()?]);
    let (table, state) = create(lakehouse, "clustered", new).await?;
    let state = changed(&table, state, &schema, 0..5).await?;
    let settings = OptimizeSettings { full: true, ..OptimizeSettings::default() };
    let (state, _) = table.optimize(state, &settings).await?;
    tell(&table, &changed(&table, state, &schema, 5..8).await?).await
}

async fn create(lakehouse: &Lakehouse, name: &str, new: NewTable) -> Result<(DeltaTable, TableState)> {
    let table = lakehouse.table(&name.parse::<Destination>()?)?;
    let state = table.create(&new.with_statistics(["id".parse()?])).await?;
    Ok((table, state))
}

async fn tell(table: &DeltaTable, state: &TableState) -> Result<()> {
    let folder = table.location().to_file_path().map_err(|()| "not a folder")?;
    println!("{} {}", folder.display(), state.rows().await?.ok_or("unknown rows")?);
    Ok(())
}

/// Rounds that add rows and mark some of the largest file's.
async fn changed(
    table: &DeltaTable,
    mut state: TableState,
    schema: &SchemaRef,
    rounds: std::ops::Range<i64>,
) -> Result<TableState> {
    for round in rounds {
        let mut deleted = DeletedRows::default();
        if let Some(file) = state.files().await?.iter().max_by_key(|file| file.rows) {
            deleted
                .extend(&file.path, (0..file.rows.unwrap_or_default()).filter(|row| row % 50 == round.unsigned_abs()));
        }
        let mut writer = table.writer(&state, WriterSettings::default());
        let rows = if round == 0 { 10_000 } else { 1000 };
        writer.write(&batch(schema, 100_000 * round, rows)?).await?;
        let batch = state.checkpoint("readers").map_or(0, |last| last.batch + 1);
        let offset = Offset::beginning().with("batch", batch);
        let (run, tombstones) = ("readers".to_owned(), Vec::new());
        let checkpoint = Checkpoint { offset, deletes_offset: None, batch, run, at: Utc::now(), tombstones };
        let operation = Operation::Upsert;
        let commit =
            Commit { flow: "readers".to_owned(), operation, checkpoint, staged: writer.finish().await?, deleted };
        state = table.commit(&state, commit).await?;
    }
    Ok(state)
}

/// Rows with a value in every column that the schema has; each fifth row has its id only.
fn batch(schema: &SchemaRef, first: i64, rows: i64) -> Result<RecordBatch> {
    let lines: Vec<Value> = (first..first + rows)
        .map(|id| {
            let (small, text) = (id % 100, format!("Größe {id} \u{1F600}"));
            let instant = format!("2024-02-{:02}T03:04:05.{:06}", id % 28 + 1, id % 1_000_000);
            let wide = json!({
                "id": id, "byte": small, "short": id % 30_000, "int": id, "float": id as f32 / 4.0, "double": id as f64 / 7.0,
                "flag": id % 2 == 0, "name": text, "raw": "00ff10", "day": "2024-02-29", "at": format!("{instant}Z"),
                "local": instant, "price": format!("{id}.{small:02}"), "Größe": text, "a b,c": small,
                "user": {"login": text, "ids": [id, null]}, "labels": [{"name": "x", "rank": 1}, {"name": null, "rank": null}],
                "attributes": {"a": id, "b": null},
            });
            if id % 5 == 0 { json!({ "id": id }) } else { wide }
        })
        .collect();
    let mut decoder = ReaderBuilder::new(Arc::clone(schema)).with_batch_size(rows.try_into()?).build_decoder()?;
    decoder.serialize(&lines)?;
    Ok(decoder.flush()?.ok_or("no rows")?)
}
