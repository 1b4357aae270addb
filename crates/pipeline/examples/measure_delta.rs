//! Measures Delta tables: `measure_delta write|upsert FOLDER [ROWS]`.
//!
//! `write`: rows of 120 columns per second. `upsert`: 100,000 changed rows at random in a table of ten columns.
#![expect(clippy::print_stdout, reason = "a program to be read by people")]

use std::collections::HashSet;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray};
use arrow::datatypes::Int64Type;
use chrono::Utc;
use futures::TryStreamExt;
use lakeflow_interface::Offset;
use lakeflow_pipeline::delta::{
    Checkpoint, Commit, DeletedRows, DeltaTable, Destination, Lakehouse, NewTable, Operation, Scan, StagedFile,
    TableState, WriterSettings,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, folder, rest @ ..] = &arguments[..] else {
        return Err("measure_delta write|upsert FOLDER".into());
    };
    let rows = rest.first().map_or(Ok(1_000_000), |rows| rows.parse())?;
    let lakehouse = Lakehouse::open(folder)?;
    match what.as_str() {
        "write" => write(&lakehouse, rows).await,
        "upsert" => upsert(&lakehouse, rows).await,
        other => Err(format!("`{other}` cannot be measured").into()),
    }
}

fn commit(state: &TableState, operation: Operation, staged: Vec<StagedFile>, deleted: DeletedRows) -> Commit {
    let batch = state.checkpoint("measure").map_or(0, |last| last.batch + 1);
    let checkpoint = Checkpoint {
        offset: Offset::beginning().with("batch", batch),
        deletes_offset: None,
        batch,
        run: "measure".to_owned(),
        at: Utc::now(),
        tombstones: Vec::new(),
    };
    Commit { flow: "measure".to_owned(), operation, checkpoint, staged, deleted }
}

async fn create(lakehouse: &Lakehouse, name: &str, like: &RecordBatch) -> Result<(DeltaTable, TableState)> {
    let table = lakehouse.table(&name.parse::<Destination>()?)?;
    let state = table.create(&NewTable::new(like.schema()).with_statistics(["id".parse()?])).await?;
    Ok((table, state))
}

/// Rows like those of an issue tracker: ids, urls, texts, instants, numbers, in structs of 20 columns.
fn issues(first: i64, rows: i64) -> Result<RecordBatch> {
    let mut columns: Vec<(String, ArrayRef)> =
        vec![("id".to_owned(), Arc::new(Int64Array::from_iter_values(first..first + rows)))];
    for group in 0..6_i64 {
        let mut inner: Vec<(String, ArrayRef)> = Vec::new();
        for column in 0..20_i64 {
            let seed = |row: i64| (first + row).wrapping_mul(2_654_435_761 + 2 * (group * 20 + column)) & 0x7fff_ffff;
            let array: ArrayRef = match column {
                0..8 => Arc::new(StringArray::from_iter((0..rows).map(|row| {
                    let user = seed(row) % 5000;
                    Some(format!("https://api.example.com/users/{user}/{column}"))
                }))),
                8..10 => Arc::new(StringArray::from_iter(
                    (0..rows).map(|row| Some(format!("a text of row {} {}", first + row, seed(row)))),
                )),
                10..13 => Arc::new(StringArray::from_iter(
                    (0..rows).map(|row| Some(["open", "closed", "none"][(seed(row) % 3) as usize])),
                )),
                13..16 => Arc::new(
                    TimestampMicrosecondArray::from_iter_values((0..rows).map(|row| seed(row) * 1_000_000))
                        .with_timezone("UTC"),
                ),
                16..18 => Arc::new(Int64Array::from_iter_values((0..rows).map(|row| seed(row) % 100))),
                _ => Arc::new(StringArray::from_iter((0..rows).map(|_| None::<&str>))),
            };
            inner.push((format!("c{column}"), array));
        }
        columns.push((format!("g{group}"), Arc::new(StructArray::from(RecordBatch::try_from_iter(inner)?))));
    }
    Ok(RecordBatch::try_from_iter(columns)?)
}

async fn write(lakehouse: &Lakehouse, rows: i64) -> Result<()> {
    const BATCH: i64 = 8192;
    let samples: Vec<RecordBatch> = (0..2).map(|n| issues(n * BATCH, BATCH)).collect::<Result<_>>()?;
    let (table, state) = create(lakehouse, "write", &samples[0]).await?;
    println!("memory before {} kB", peak_memory());
    let begin = Instant::now();
    let mut writer = table.writer(&state, WriterSettings::default());
    for n in 0..rows / BATCH {
        writer.write(&samples[(n % 2) as usize]).await?;
    }
    let staged = writer.finish().await?;
    let (files, bytes) = (staged.len(), staged.iter().map(|file| file.size).sum::<u64>());
    let written: u64 = staged.iter().map(|file| file.rows).sum();
    table.commit(&state, commit(&state, Operation::Append, staged, DeletedRows::default())).await?;
    let seconds = begin.elapsed().as_secs_f64();
    println!("{written} rows, {files} files, {bytes} bytes, {seconds:.2} s, {:.0} rows/s", written as f64 / seconds);
    println!("peak memory {} kB", peak_memory());
    Ok(())
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or_default()
        .trim()
        .trim_end_matches(" kB")
        .to_owned()
}

/// Ten columns.
fn facts(ids: Vec<i64>, version: i64) -> Result<RecordBatch> {
    let text = |n: i64| -> ArrayRef {
        Arc::new(StringArray::from_iter(ids.iter().map(|id| Some(format!("value {n} of {id}")))))
    };
    let number = |n: i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(ids.iter().map(|id| id * n % 1000))) };
    let at = Arc::new(TimestampMicrosecondArray::from_value(version, ids.len()).with_timezone("UTC"));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from(ids.clone()))),
        ("updated_at", at),
        ("a", text(1)),
        ("b", text(2)),
        ("c", number(3)),
        ("d", number(5)),
        ("e", number(7)),
        ("f", number(11)),
        ("g", number(13)),
        ("h", number(17)),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}

async fn upsert(lakehouse: &Lakehouse, rows: i64) -> Result<()> {
    let (table, mut state) = create(lakehouse, "upsert", &facts(vec![0], 0)?).await?;
    let mut writer = table.writer(&state, WriterSettings::default());
    for first in (0..rows).step_by(100_000) {
        writer.write(&facts((first..(first + 100_000).min(rows)).collect(), 0)?).await?;
    }
    let commit_all = commit(&state, Operation::Append, writer.finish().await?, DeletedRows::default());
    state = table.commit(&state, commit_all).await?;
    for round in 1..=20_i64 {
        let changed: HashSet<i64> = (0..100_000_i64)
            .map(|n| (n * 7919 + round * 104_729).wrapping_mul(2_654_435_761).rem_euclid(rows))
            .collect();
        let batch = facts(changed.iter().copied().collect(), round)?;
        let begin = Instant::now();
        let deleted = places(&table, &state, &changed).await?;
        let found = begin.elapsed();
        let mut writer = table.writer(&state, WriterSettings::default());
        writer.write(&batch).await?;
        let staged = writer.finish().await?;
        let written = begin.elapsed();
        let (dead, fresh) = (deleted.len(), changed.len());
        state = table.commit(&state, commit(&state, Operation::Upsert, staged, deleted)).await?;
        println!(
            "{round}: {fresh} rows, {dead} dead, found {found:.2?}, written {written:.2?}, all {:.2?}",
            begin.elapsed()
        );
    }
    println!("{:?} rows, peak memory {} kB", state.rows().await?, peak_memory());
    Ok(())
}

async fn places(table: &DeltaTable, state: &TableState, ids: &HashSet<i64>) -> Result<DeletedRows> {
    let mut deleted = DeletedRows::default();
    let mut scan = table.scan(state, Scan::columns(["id".parse()?, "updated_at".parse()?])).await?;
    while let Some(placed) = scan.try_next().await? {
        let found = placed.batch.column(0).as_primitive::<Int64Type>().values();
        let dead = found.iter().enumerate().filter(|(_, id)| ids.contains(id));
        deleted.extend(&placed.file, dead.map(|(row, _)| placed.position(row)));
    }
    Ok(deleted)
}
