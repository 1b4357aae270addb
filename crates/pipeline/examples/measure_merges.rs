//! Measures whole runs: `measure_merges changes|history|snapshot FOLDER [ROWS] [CHANGED] [ROUNDS]`.
//!
//! `changes`: rows of ten columns are loaded, then runs bring changed rows at random keys, one run a round, what follows a run
//! (files rewritten, the log summed up, the run recorded) counted in; `history`: the same as SCD 2. `snapshot`: each round reads all rows, some of which
//! changed. One line a run, for `bench/merges.py`.
//!
//! `measure_merges read FOLDER` reads all rows of the table that one of these has left, three times: what a look at whole rows
//! cannot do without.
#![expect(clippy::print_stdout, reason = "a program to be read by programs")]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use futures::{StreamExt, stream};
use lakeflow_interface::{
    CursorOrder, Horizon, IngestionType, LakeflowConnect, Offset, ReadContext, ReadItem, ReadStream, Records,
    TableMetadata, TableOptions,
};
use lakeflow_pipeline::delta::{Lakehouse, Scan};
use lakeflow_pipeline::{Pipeline, PipelineSpec, Plan, RunOptions};

type Outcome<T> = std::result::Result<T, Box<dyn Error>>;
type Answer<T> = lakeflow_interface::Result<T>;

const BATCH: i64 = 50_000;

/// The program's allocator: time and memory are to be its own.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, folder, rest @ ..] = &arguments[..] else {
        return Err("measure_merges changes|history|snapshot|read FOLDER [ROWS] [CHANGED] [ROUNDS]".into());
    };
    if what == "read" {
        return read(folder).await;
    }
    let number = |place: usize, usual: i64| rest.get(place).map_or(Ok(usual), |text| text.parse());
    let (rows, changed, rounds) = (number(0, 1_000_000)?, number(1, 10_000)?, number(2, 5)?);
    let kind = if what == "snapshot" { IngestionType::Snapshot } else { IngestionType::Cdc };
    let mut source = Facts { kind, rows, changed, round: 0, prepared: Arc::default() };
    let configuration = if what == "history" { "{scd_type: SCD_TYPE_2}" } else { "{}" };
    let table = format!("{{source_table: facts, table_configuration: {configuration}}}");
    let spec = format!("connection_name: bench\nobjects: [{{table: {table}}}]");
    let spec = PipelineSpec::parse(&spec, "bench")?;
    for round in 0..=rounds {
        source.begin(round)?;
        let connector: Arc<dyn LakeflowConnect> = Arc::new(source.clone());
        let plan = Plan::new(&spec, connector.as_ref()).await?;
        let pipeline = Pipeline::new(plan, connector, Lakehouse::open(folder)?);
        let began = Instant::now();
        let report = pipeline.run(RunOptions::new(Horizon::now()), Arc::new(|_| {})).await?;
        let seconds = began.elapsed().as_secs_f64();
        if let Some((_, error)) = report.failures().next() {
            return Err(error.to_string().into());
        }
        let counts = report.totals().rows;
        println!("{round} {seconds:.3} {} {} {}", counts.inserted, counts.updated, peak_memory());
    }
    Ok(())
}

async fn read(folder: &str) -> Outcome<()> {
    for round in 0..3 {
        let began = Instant::now();
        let table = Lakehouse::open(folder)?.table(&"facts".parse()?)?;
        let state = table.load().await?.ok_or("no table")?;
        let (files, mut rows) = (state.files().await?.len(), 0);
        let mut batches = table.scan(&state, Scan::all()).await?;
        while let Some(placed) = batches.next().await {
            rows += placed?.batch.num_rows();
        }
        println!("{round} {:.3} {rows} {files} {}", began.elapsed().as_secs_f64(), peak_memory());
    }
    Ok(())
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.unwrap_or_default().trim().trim_end_matches(" kB").to_owned()
}

/// A source of one table; what it gives depends on the round.
#[derive(Clone)]
struct Facts {
    kind: IngestionType,
    rows: i64,
    changed: i64,
    round: i64,
    /// The changes of this round, made before its time begins, as the peer's are.
    prepared: Arc<Vec<RecordBatch>>,
}

impl Facts {
    /// The ids that change in a round, spread over all.
    fn changes(&self, round: i64) -> Vec<i64> {
        let mut ids: Vec<i64> = (0..self.changed)
            .map(|n| (n * 7919 + round * 104_729).wrapping_mul(2_654_435_761).rem_euclid(self.rows))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The round in which each id of a stretch changed last.
    fn versions(&self, first: i64, last: i64, round: i64) -> Vec<i64> {
        let mut versions = vec![0; usize::try_from(last - first).unwrap_or_default()];
        for round in 1..=round {
            for id in self.changes(round) {
                if (first..last).contains(&id) {
                    versions[usize::try_from(id - first).unwrap_or_default()] = round;
                }
            }
        }
        versions
    }

    fn begin(&mut self, round: i64) -> Answer<()> {
        self.round = round;
        let changes = if self.gives_all() { Vec::new() } else { self.changes(round) };
        let batches = changes.chunks(BATCH as usize).map(|ids| facts(ids, &vec![round; ids.len()]));
        self.prepared = Arc::new(batches.collect::<Answer<_>>()?);
        Ok(())
    }

    fn gives_all(&self) -> bool {
        self.round == 0 || self.kind == IngestionType::Snapshot
    }

    fn batches(self) -> impl Iterator<Item = Answer<RecordBatch>> + Send {
        let prepared: Vec<_> = self.prepared.iter().cloned().map(Ok).collect();
        let all = if self.gives_all() { self.rows } else { 0 };
        let made = (0..all).step_by(BATCH as usize).map(move |first| {
            let last = (first + BATCH).min(self.rows);
            facts(&(first..last).collect::<Vec<_>>(), &self.versions(first, last, self.round))
        });
        prepared.into_iter().chain(made)
    }
}

/// Ten columns.
fn facts(ids: &[i64], versions: &[i64]) -> Answer<RecordBatch> {
    let text = |n: i64| -> ArrayRef {
        let texts = ids.iter().zip(versions).map(|(id, version)| Some(format!("value {n} of {id} in {version}")));
        Arc::new(StringArray::from_iter(texts))
    };
    let number = |n: i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(ids.iter().map(|id| id * n % 1000))) };
    let at = TimestampMicrosecondArray::from_iter_values(versions.iter().copied()).with_timezone("UTC");
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from(ids.to_vec()))),
        ("updated_at", Arc::new(at)),
        ("a", text(1)),
        ("b", text(2)),
        ("c", number(3)),
        ("d", number(5)),
        ("e", number(7)),
        ("f", number(11)),
        ("g", number(13)),
        ("h", number(17)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).map_err(
        |cause| lakeflow_interface::Error::new(lakeflow_interface::ErrorKind::Internal, "no batch").with_cause(cause),
    )
}

#[async_trait]
impl LakeflowConnect for Facts {
    async fn list_tables(&self) -> Answer<Vec<String>> {
        Ok(vec!["facts".to_owned()])
    }

    async fn get_table_schema(&self, _table: &str, _options: &TableOptions) -> Answer<SchemaRef> {
        Ok(facts(&[0], &[0])?.schema())
    }

    async fn read_table_metadata(&self, _table: &str, _options: &TableOptions) -> Answer<TableMetadata> {
        Ok(TableMetadata {
            primary_keys: vec!["id".parse()?],
            cursor_field: Some("updated_at".parse()?),
            ingestion_type: self.kind,
            order: CursorOrder::default(),
        })
    }

    async fn read_table(
        &self,
        _table: &str,
        _start: &Offset,
        _options: &TableOptions,
        _context: &ReadContext,
    ) -> Answer<ReadStream> {
        let end = match self.kind {
            IngestionType::Snapshot => Offset::beginning(),
            _ => Offset::beginning().with("round", self.round),
        };
        let rows = self.clone().batches().map(|batch| batch.map(|batch| ReadItem::Records(Records::Arrow(batch))));
        let items = rows.chain([Ok(ReadItem::Checkpoint(end))]);
        Ok(stream::iter(items).boxed())
    }
}
