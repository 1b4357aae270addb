//! Runs one after another: what a later read gives when the source has moved on.

use std::collections::BTreeSet;

use lakeflow_interface::IngestionType;
use lakeflow_simulator::Advance;

use crate::bench::Bench;
use crate::case::Trial;
use crate::check::{Check, Need, Scope};
use crate::comparison::{Identity, changed, gone, named};
use crate::finding::{At, Finding, Outcome, Stop};

pub(super) const CHANGES_ARRIVE_EXACTLY: Check = Check {
    name: "changes_arrive_exactly",
    demand: "A read from where the last one ended gives exactly the rows that were added or changed since; a snapshot, \
             all rows that there are now.",
    advice: "look at `cursor_field` and `incremental`: by which field the API tells changes, in which order, from which \
             bound on, inclusive or not",
    scope: Scope::Table,
    needs: &[Need::Simulator],
    run: |trial| Box::pin(changes_arrive_exactly(trial)),
};

async fn changes_arrive_exactly(trial: &Trial<'_>) -> Outcome {
    let metadata = trial.metadata().await?;
    let kind = metadata.ingestion_type;
    let bench = trial.bench().await?;
    let mut offset = bench.read().await?.end()?.clone();
    for round in 1..=3 {
        let before = bench.expected().await?;
        move_on(trial, &bench, kind, before.len() as u64)?;
        let after = bench.expected().await?;
        let is_snapshot = kind == IngestionType::Snapshot;
        let expected = if is_snapshot { after.clone() } else { changed(&before, &after, &metadata) };
        let reading = bench.read_from(&offset).await?;
        let place = || format!("{}, after change {round} of the source", reading.title);
        trial.same_changes(&reading.rows, &expected, &after, &metadata).at(place)?;
        offset = reading.end()?.clone();
    }
    Ok(())
}

/// Adds some rows and, where rows of the table can change, changes some.
fn move_on(trial: &Trial<'_>, bench: &Bench<'_>, kind: IngestionType, rows: u64) -> Outcome {
    let corpus = trial.table.corpus();
    let deleted = if kind == IngestionType::Snapshot { 1.min(rows) } else { 0 };
    let changed = if kind == IngestionType::Append { 0 } else { (rows / 2).min(5) };
    if changed > 0 && bench.advance(Advance::new().table(corpus, 4, changed, deleted)).is_ok() {
        return Ok(());
    }
    bench.advance(Advance::new().table(corpus, 4, 0, deleted))?;
    Ok(())
}

pub(super) const DELETES_ARRIVE: Check = Check {
    name: "deletes_arrive",
    demand: "Every row that was deleted since the last read is told as deleted, by the same read or by \
             `read_table_deletes`; no other is.",
    advice: "look at `deletes` of the table in `connector.yaml`",
    scope: Scope::Table,
    needs: &[Need::Simulator, Need::Deletes],
    run: |trial| Box::pin(deletes_arrive(trial)),
};

async fn deletes_arrive(trial: &Trial<'_>) -> Outcome {
    let metadata = trial.metadata().await?;
    let bench = trial.bench().await?;
    let start = bench.read().await?.end()?.clone();
    let first = bench.read_deletes(&lakeflow_interface::Offset::beginning()).await?;
    let mut deletes_start = match &first {
        Some(reading) => Some(reading.end()?.clone()),
        None => None,
    };
    let mut start = start;
    for round in 1..=2 {
        let before = bench.expected().await?;
        let advance = |changed| bench.advance(Advance::new().table(trial.table.corpus(), 1, changed, 3));
        advance(1).or_else(|_| advance(0))?;
        let expected = gone(&before, &bench.expected().await?, &metadata);
        let reading = bench.read_from(&start).await?;
        start = reading.end()?.clone();
        let mut found = reading.deletes.clone();
        if let Some(from) = &deletes_start {
            let Some(deleted) = bench.read_deletes(from).await? else {
                return Err(Stop::Failed(Finding::new("a read of deleted rows, as before", "none")));
            };
            found.extend(deleted.deletes.iter().chain(&deleted.rows).cloned());
            deletes_start = Some(deleted.end()?.clone());
        }
        let identity = Identity::new(&metadata, &expected);
        let keys = |rows: &[serde_json::Value]| rows.iter().map(|row| identity.of(row)).collect::<BTreeSet<String>>();
        let (expected, found) = (keys(&expected), keys(&found));
        let missing: Vec<&String> = expected.difference(&found).collect();
        let surplus: Vec<&String> = found.difference(&expected).collect();
        if !missing.is_empty() || !surplus.is_empty() {
            let told = format!("{} deleted rows", found.len());
            let missing = if missing.is_empty() { String::new() } else { format!("\nmissing: {}", named(&missing)) };
            let surplus =
                if surplus.is_empty() { String::new() } else { format!("\nnot deleted: {}", named(&surplus)) };
            let finding = Finding::new(format!("{} deleted rows", expected.len()), format!("{told}{missing}{surplus}"));
            return Err(finding.at(format!("{}, after change {round} of the source", reading.title)).into());
        }
    }
    Ok(())
}
