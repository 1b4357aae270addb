//! Reads that several workers share.

use lakeflow_interface::records::{BadValues, Typer};
use lakeflow_interface::{
    Error, ErrorKind, Horizon, LakeflowConnect, Offset, Partition, ReadContext, Result, SupportsPartition,
};
use lakeflow_simulator::Advance;
use serde_json::Value as Json;

use crate::bench::Bench;
use crate::case::Trial;
use crate::check::{Check, Need, Scope};
use crate::comparison::{changed, gone, same};
use crate::finding::{At, Finding, Outcome};
use crate::reading::{Limits, Reading};

const ADVICE: &str = "split the range into parts that meet: each begins behind the end of the one before it";

pub(super) const PARTITIONS_ARE_STABLE: Check = Check {
    name: "partitions_are_stable",
    demand: "The same range is split in the same way, into at least one part where there are rows; a part is JSON.",
    advice: ADVICE,
    scope: Scope::Table,
    needs: &[Need::Simulator, Need::Partitions],
    run: |trial| Box::pin(partitions_are_stable(trial)),
};

async fn partitions_are_stable(trial: &Trial<'_>) -> Outcome {
    let bench = trial.bench().await?;
    let range = Range { start: Offset::beginning(), end: latest(&bench, &Offset::beginning()).await? };
    let (first, second) = (split(&bench, &range).await?, split(&bench, &range).await?);
    let place = || format!("`get_partitions` of {range}");
    if first.is_empty() {
        return Err(Finding::new("at least one part", "none").at(place()).into());
    }
    if first != second {
        return Err(Finding::new(format!("{first:?} again"), format!("{second:?}")).at(place()).into());
    }
    Ok(())
}

pub(super) const PARTITIONS_COVER_THE_TABLE_ONCE: Check = Check {
    name: "partitions_cover_the_table_once",
    demand: "The parts of the whole range give every row once, whoever reads them and in whatever order.",
    advice: ADVICE,
    scope: Scope::Table,
    needs: &[Need::Simulator, Need::Partitions],
    run: |trial| Box::pin(partitions_cover_the_table_once(trial)),
};

async fn partitions_cover_the_table_once(trial: &Trial<'_>) -> Outcome {
    let bench = trial.bench().await?;
    let range = Range { start: Offset::beginning(), end: latest(&bench, &Offset::beginning()).await? };
    let found = read_parts(&bench, &range).await?;
    let expected = bench.expected().await?;
    same(&found.rows, &expected, &trial.metadata().await?).map_err(Into::into).at(|| format!("the parts of {range}"))
}

pub(super) const EQUAL_OFFSETS_HAVE_NO_PARTITIONS: Check = Check {
    name: "equal_offsets_have_no_partitions",
    demand: "A source that stands still keeps its latest offset, and a range that begins where it ends has no parts.",
    advice: "take the latest offset from the source's data, not from the clock",
    scope: Scope::Table,
    needs: &[Need::Simulator, Need::Partitions],
    run: |trial| Box::pin(equal_offsets_have_no_partitions(trial)),
};

async fn equal_offsets_have_no_partitions(trial: &Trial<'_>) -> Outcome {
    let bench = trial.bench().await?;
    let end = latest(&bench, &Offset::beginning()).await?;
    let again = latest(&bench, &end).await?;
    if again != end {
        return Err(Finding::new(end.to_string(), again.to_string()).at("`latest_offset`, asked again").into());
    }
    let range = Range { start: end.clone(), end };
    let parts = split(&bench, &range).await?;
    if parts.is_empty() {
        return Ok(());
    }
    Err(Finding::new("no parts", format!("{parts:?}")).at(format!("`get_partitions` of {range}")).into())
}

pub(super) const PARTITIONS_GIVE_WHAT_IS_NEW: Check = Check {
    name: "partitions_give_what_is_new",
    demand: "The parts from one latest offset to the next give exactly what was added, changed and deleted between them.",
    advice: "ranges are without their start and with their end; deleted rows are in the parts too",
    scope: Scope::Table,
    needs: &[Need::Simulator, Need::Partitions, Need::Incremental],
    run: |trial| Box::pin(partitions_give_what_is_new(trial)),
};

async fn partitions_give_what_is_new(trial: &Trial<'_>) -> Outcome {
    let metadata = trial.metadata().await?;
    let bench = trial.bench().await?;
    let start = latest(&bench, &Offset::beginning()).await?;
    let before = bench.expected().await?;
    let has_deletes = metadata.ingestion_type == lakeflow_interface::IngestionType::CdcWithDeletes;
    bench.advance(Advance::new().table(trial.table.corpus(), 4, 0, if has_deletes { 2 } else { 0 }))?;
    let end = latest(&bench, &start).await?;
    let range = Range { start, end };
    let found = read_parts(&bench, &range).await?;
    let after = bench.expected().await?;
    let place = || format!("the parts of {range}");
    same(&found.rows, &changed(&before, &after, &metadata), &metadata).map_err(Into::into).at(place)?;
    if has_deletes && !found.deletes.is_empty() {
        let expected = gone(&before, &after, &metadata).len();
        if found.deletes.len() != expected {
            let finding = Finding::new(format!("{expected} deleted rows"), found.deletes.len().to_string());
            return Err(finding.at(place()).into());
        }
    }
    Ok(())
}

/// From an offset, which is not in it, to another, which is.
struct Range {
    start: Offset,
    end: Offset,
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the range from {} to {}", self.start, self.end)
    }
}

fn partitions(connector: &dyn LakeflowConnect) -> Result<&dyn SupportsPartition> {
    connector.partitions().ok_or_else(|| Error::new(ErrorKind::Unsupported, "the connector has no partitions"))
}

async fn latest(bench: &Bench<'_>, start: &Offset) -> Outcome<Offset> {
    let connector = bench.connector()?;
    let context = ReadContext::new(Horizon::at(bench.clock()));
    let options = bench.options(&[]);
    let latest = partitions(connector.as_ref())?.latest_offset(&bench.table.name, start, &options, &context).await;
    Ok(latest?)
}

async fn split(bench: &Bench<'_>, range: &Range) -> Outcome<Vec<Partition>> {
    let connector = bench.connector()?;
    let options = bench.options(&[]);
    let parts =
        partitions(connector.as_ref())?.get_partitions(&bench.table.name, &range.start, &range.end, &options).await;
    Ok(parts?)
}

/// What the parts of a range give, the last first, each read by a connector of its own.
async fn read_parts(bench: &Bench<'_>, range: &Range) -> Outcome<Reading> {
    let mut typer = Typer::new(&bench.table.name, bench.schema().await?, BadValues::Rescue)?;
    let mut reading = Reading::default();
    for part in split(bench, range).await?.iter().rev() {
        let text = serde_json::to_string(part).map_err(|error| {
            Finding::new("a part that is JSON", error.to_string()).at(format!("`get_partitions` of {range}"))
        })?;
        let part: Partition = serde_json::from_str(&text)
            .map_err(|error| Finding::new("a part that is JSON", error.to_string()).at(text.clone()))?;
        let connector = bench.connector()?;
        let context = ReadContext::new(Horizon::at(bench.clock()));
        let options = bench.options(&[]);
        let stream =
            partitions(connector.as_ref())?.read_partition(&bench.table.name, &part, &options, &context).await?;
        reading.fill(stream, &mut typer, Limits::default(), || 0).await?;
    }
    let identity: fn(&Json) -> String = Json::to_string;
    reading.rows.sort_by_key(identity);
    Ok(reading)
}
