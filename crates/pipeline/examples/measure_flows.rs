//! Measures what changes cost by kind of flow: `measure_flows LAKEHOUSE [ROWS] [ROUNDS]`.
//!
//! Tables of ten columns are filled with ROWS rows, and then 100,000 changes with keys spread at random come ROUNDS times, each
//! in a run of its own: into a table of SCD type 1, and into one of SCD type 2.
#![expect(clippy::print_stdout, reason = "a program to be read by people")]

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use futures::{StreamExt, stream};
use lakeflow_interface::{
    CursorOrder, Horizon, IngestionType, LakeflowConnect, Offset, ReadContext, ReadItem, ReadStream, Records,
    TableMetadata, TableOptions,
};
use lakeflow_pipeline::delta::Lakehouse;
use lakeflow_pipeline::{Pipeline, PipelineSpec, Plan, RunOptions};

type Result<T> = std::result::Result<T, Box<dyn StdError + Send + Sync>>;

const CHANGES: i64 = 100_000;
const BATCH: i64 = 10_000;
const SPEC: &str = "
connection_name: measure
objects:
  - table: {source_table: facts, destination_table: latest}
  - table: {source_table: facts, destination_table: history, table_configuration: {scd_type: SCD_TYPE_2}}
";

/// Rows, and rounds of changes to them; the offset is the number of rounds that were read.
struct Facts {
    rows: i64,
    rounds: i64,
}

/// Ten columns.
fn facts(ids: &[i64], version: i64) -> std::result::Result<RecordBatch, arrow::error::ArrowError> {
    let text = |n: i64| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(ids.iter().map(|id| format!("value {n} of {id} in {version}"))))
    };
    let number =
        |n: i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(ids.iter().map(|id| (id + version) * n % 1000))) };
    RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(ids.to_vec())) as ArrayRef),
        ("updated_at", Arc::new(Int64Array::from_value(version, ids.len()))),
        ("a", text(1)),
        ("b", text(2)),
        ("c", number(3)),
        ("d", number(5)),
        ("e", number(7)),
        ("f", number(11)),
        ("g", number(13)),
        ("h", number(17)),
    ])
}

/// The ids of a round, in batches.
fn ids(rows: i64, round: i64) -> Vec<Vec<i64>> {
    let all: Vec<i64> = match round {
        0 => (0..rows).collect(),
        _ => (0..CHANGES).map(|n| (n * 7919 + round * 104_729).wrapping_mul(2_654_435_761).rem_euclid(rows)).collect(),
    };
    all.chunks(BATCH as usize).map(<[i64]>::to_vec).collect()
}

#[async_trait]
impl LakeflowConnect for Facts {
    async fn list_tables(&self) -> lakeflow_interface::Result<Vec<String>> {
        Ok(vec!["facts".to_owned()])
    }

    async fn get_table_schema(&self, _table: &str, _options: &TableOptions) -> lakeflow_interface::Result<SchemaRef> {
        facts(&[], 0).map(|batch| batch.schema()).map_err(unexpected)
    }

    async fn read_table_metadata(
        &self,
        _table: &str,
        _options: &TableOptions,
    ) -> lakeflow_interface::Result<TableMetadata> {
        Ok(TableMetadata {
            primary_keys: vec!["id".parse()?],
            cursor_field: Some("updated_at".parse()?),
            ingestion_type: IngestionType::Cdc,
            order: CursorOrder::None,
        })
    }

    async fn read_table(
        &self,
        _table: &str,
        start: &Offset,
        _options: &TableOptions,
        _context: &ReadContext,
    ) -> lakeflow_interface::Result<ReadStream> {
        let from = start.get("rounds").and_then(serde_json::Value::as_i64).unwrap_or(0);
        let rows = self.rows;
        let rounds = stream::iter(from..self.rounds).flat_map(move |round| {
            let records = ids(rows, round).into_iter().map(move |ids| {
                facts(&ids, round).map(|batch| ReadItem::Records(Records::Arrow(batch))).map_err(unexpected)
            });
            let end = ReadItem::Checkpoint(Offset::beginning().with("rounds", round + 1));
            stream::iter(records.chain([Ok(end)]))
        });
        Ok(rounds.boxed())
    }
}

fn unexpected(cause: arrow::error::ArrowError) -> lakeflow_interface::Error {
    lakeflow_interface::Error::new(lakeflow_interface::ErrorKind::Internal, "the rows cannot be made").with_cause(cause)
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let lakehouse = arguments.next().ok_or("expected the lakehouse")?;
    let rows = arguments.next().map_or(Ok(10_000_000), |rows| rows.parse())?;
    let rounds: i64 = arguments.next().map_or(Ok(5), |rounds| rounds.parse())?;
    let lakehouse = Lakehouse::open(&lakehouse)?;
    let spec = PipelineSpec::parse(SPEC, "measure.yaml")?;
    for round in 0..=rounds {
        let connector: Arc<dyn LakeflowConnect> = Arc::new(Facts { rows, rounds: round + 1 });
        for table in ["latest", "history"] {
            let plan = Plan::new(&spec, connector.as_ref()).await?.select(&[table.to_owned()])?;
            let begin = Instant::now();
            let pipeline = Pipeline::new(plan, Arc::clone(&connector), lakehouse.clone());
            let report = pipeline.run(RunOptions::new(Horizon::now()), Arc::new(drop)).await?;
            if let Some((_, error)) = report.failures().next() {
                return Err(error.to_string().into());
            }
            let counts = report.totals().rows;
            println!("{round} {table}: {:.2?}, {counts:?}, peak memory {} kB", begin.elapsed(), peak_memory());
        }
    }
    Ok(())
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").to_owned()
}
