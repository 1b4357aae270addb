//! A source that keeps changing while it is read.

use chrono::Duration;
use lakeflow_interface::{Horizon, IngestionType, Offset, TableMetadata};
use lakeflow_simulator::{Advance, AdvanceAfter};
use serde_json::Value as Json;

use super::offsets::{instant, middle, order};
use super::{FEW, sizes};
use crate::bench::{Bench, Wanted};
use crate::case::Trial;
use crate::check::{Check, Need, Scope};
use crate::comparison::{changed, same, same_in_the_end, short, value_at};
use crate::finding::{At, Finding, Outcome, Stop};
use crate::reading::{Limits, Reading};

/// Requests after which the source moves on, in the middle of a read.
const MOVES: u64 = 150;

/// Reads in which everything that moved must have arrived.
const MOST_READS: usize = 400;

pub(super) const READS_END: Check = Check {
    name: "reads_end",
    demand: "A source that changes with every request does not keep a read going; the reads after it bring what it left.",
    advice: "stop at the horizon, and leave what was changed after it for the next run; what moves to the end of a list \
             while it is paged must not push another row past the edge of a page",
    scope: Scope::Table,
    needs: &[Need::Simulator],
    run: |trial| Box::pin(reads_end(trial)),
};

async fn reads_end(trial: &Trial<'_>) -> Outcome {
    let metadata = trial.metadata().await?;
    let kind = metadata.ingestion_type;
    let options = sizes(trial, 3, None);
    let still = Bench::small(trial.subject, trial.table, FEW).await?;
    let usual = still.read_wanted(Wanted::default().with(&options)).await?.requests;
    let bench = changing(trial, kind).await?;
    // What moved may be looked at again, and so may its children.
    let most = usual * 6 + 20;
    let limits = Limits { requests: most, ..Limits::default() };
    let reading = bench.read_wanted(Wanted::default().with(&options).limited(limits)).await?;
    if reading.requests > most {
        let expected = format!("an end after about {usual} requests, as of the source that stands still");
        let found = format!("no end after {} requests", reading.requests);
        return Err(Finding::new(expected, found).at(reading.title).into());
    }
    let end = reading.end()?.clone();
    if kind == IngestionType::Snapshot {
        return Ok(());
    }
    let mut rows = reading.rows;
    rows.extend(until_it_stands_still(&bench, end, &options).await?);
    let place = || "all reads of a source that added and changed rows after each request".to_owned();
    let now = bench.clock() + Duration::minutes(i64::try_from(MOVES).unwrap_or_default());
    arrived(&rows, &bench.expected_until(now).await?, &metadata).at(place)
}

/// Whether rows arrived: of a table that is only added to each once, of others the latest of each is the right one. Rows
/// that are handed on again because something moved change nothing there.
fn arrived(rows: &[Json], expected: &[Json], metadata: &TableMetadata) -> Outcome {
    match (metadata.ingestion_type, &metadata.cursor_field) {
        (IngestionType::Append, _) => same(rows, expected, metadata)?,
        (_, Some(field)) => {
            let cursor = |row: &Json| order(value_at(row, field));
            let mut rows = rows.to_vec();
            rows.sort_by(|a, b| cursor(a).total_cmp(&cursor(b)));
            same_in_the_end(&rows, expected, metadata)?;
        }
        (_, None) => same_in_the_end(rows, expected, metadata)?,
    }
    Ok(())
}

/// A source that adds and, where its rows can change, changes a row after each of its first requests.
async fn changing<'t>(trial: &Trial<'t>, kind: IngestionType) -> Outcome<Bench<'t>> {
    let corpus = trial.table.corpus().to_owned();
    let bench = |changed: u64| {
        let moves = (1..=MOVES).map(|request| {
            let advance = Advance::new().table(corpus.clone(), 1, changed, 0);
            AdvanceAfter { path: "*".to_owned(), request, advance }
        });
        let moves = moves.collect();
        Bench::small_with(trial.subject, trial.table, FEW, |settings| settings.advances = moves)
    };
    if kind == IngestionType::Append {
        return bench(0).await;
    }
    match bench(1).await {
        Ok(bench) => Ok(bench),
        Err(_) => bench(0).await,
    }
}

/// What further reads give, each up to the instant at which it began.
async fn until_it_stands_still(bench: &Bench<'_>, from: Offset, options: &[(&str, String)]) -> Outcome<Vec<Json>> {
    let mut offset = from;
    let mut rows = Vec::new();
    let mut settled = None;
    for _ in 0..MOST_READS {
        let moves = (bench.simulator()?.requests().len() as u64).min(MOVES);
        let now = bench.clock() + Duration::minutes(i64::try_from(moves).unwrap_or_default());
        let reading = bench.read_wanted(Wanted::from(&offset).with(options).until(now)).await?;
        let end = reading.end()?.clone();
        // A source that is not asked does not move on; what lies in a range that is not over is read when time has passed.
        if reading.is_empty() && end == offset && (moves == MOVES || reading.requests == 0) {
            if settled == Some(moves) {
                return Ok(rows);
            }
            settled = Some(moves);
            bench.settle()?;
        }
        offset = end;
        rows.extend(reading.rows);
    }
    let expected = format!("reads that find nothing new after at most {MOST_READS} of them");
    Err(Finding::new(expected, format!("{} rows so far, at the offset {offset}", rows.len())).into())
}

pub(super) const ROWS_BEHIND_THE_HORIZON_WAIT: Check = Check {
    name: "rows_behind_the_horizon_wait",
    demand: "Rows that were changed after the run began are left for the next run, which brings exactly those.",
    advice: "look at `cursor_field`: it must be when the row changed; a connector that is a program drops what lies behind the \
             horizon, and does not let it move the offset",
    scope: Scope::Table,
    needs: &[Need::Simulator, Need::Incremental],
    run: |trial| Box::pin(rows_behind_the_horizon_wait(trial)),
};

async fn rows_behind_the_horizon_wait(trial: &Trial<'_>) -> Outcome {
    let metadata = trial.metadata().await?;
    let bench = trial.bench().await?;
    let whole = bench.read().await?;
    if told_by_feed(whole.end()?.entries()) {
        return events_behind_the_horizon_wait(trial, &bench, whole.end()?.clone()).await;
    }
    let is_by_token = moves_by_token(whole.end()?.entries());
    let all = whole.rows;
    let found = metadata.cursor_field.as_ref().and_then(|field| Some((field, middle(&all, field)?)));
    let Some((field, horizon)) = found else { return Err(Stop::Skipped("the cursor is no instant".to_owned())) };
    // Horizons are whole seconds.
    let horizon = Horizon::at(horizon).instant();
    let is_due = |row: &&Json| instant(value_at(row, field)).is_none_or(|own| own <= horizon);
    let due: Vec<Json> = all.iter().filter(is_due).cloned().collect();
    let first = bench.read_wanted(Wanted::default().until(horizon)).await?;
    if is_by_token {
        let second = bench.read_from(first.end()?).await?;
        let both: Vec<Json> = first.rows.iter().chain(&second.rows).cloned().collect();
        let place = || format!("{}, and the one up to the horizon {horizon} before it", second.title);
        return same(&both, &all, &metadata).map_err(Into::into).at(place);
    }
    if !trial.table.settling().is_zero() {
        return ranges_that_are_not_over_wait(&bench, first, (&due, &all), &metadata).await;
    }
    arrived(&first.rows, &due, &metadata).at(|| format!("{} up to the horizon {horizon}", first.title))?;
    let second = bench.read_from(first.end()?).await?;
    let rest: Vec<Json> = all.iter().filter(|row| !is_due(row)).cloned().collect();
    let place = || format!("{}, after one up to the horizon {horizon}", second.title);
    arrived(&second.rows, &rest, &metadata).at(place)
}

/// Whether a feed tells of the table's changes, or of those of its parent.
fn told_by_feed(offset: &serde_json::Map<String, Json>) -> bool {
    offset.contains_key("feed") || offset.get("parent").and_then(Json::as_object).is_some_and(told_by_feed)
}

/// Whether a read goes on by a token of the source. It moves past all rows that came with it, so that none of them may
/// wait.
fn moves_by_token(offset: &serde_json::Map<String, Json>) -> bool {
    let is_token = |(name, value): (&String, &Json)| {
        matches!(name.as_str(), "token" | "resume") || value.as_object().is_some_and(moves_by_token)
    };
    offset.iter().any(is_token)
}

/// A list that is read once tells of its rows as they are; what was changed when is told by the feed that is read from
/// then on.
async fn events_behind_the_horizon_wait(trial: &Trial<'_>, bench: &Bench<'_>, start: Offset) -> Outcome {
    let metadata = trial.metadata().await?;
    let mut offset = start;
    let mut steps = Vec::new();
    for _ in 0..2 {
        let before = bench.expected().await?;
        let advance = |changed| bench.advance(Advance::new().table(trial.table.corpus(), 2, changed, 0));
        advance(2).or_else(|_| advance(0))?;
        steps.push((bench.clock(), changed(&before, &bench.expected().await?, &metadata)));
    }
    for (horizon, expected) in steps {
        let reading = bench.read_wanted(Wanted::from(&offset).until(horizon)).await?;
        let place = || format!("{} up to the horizon {horizon}", reading.title);
        trial.same_changes(&reading.rows, &expected, &bench.expected().await?, &metadata).at(place)?;
        offset = reading.end()?.clone();
    }
    Ok(())
}

/// Of a table that is read range by range, when each is over, rows before the horizon may wait too; none behind it comes.
async fn ranges_that_are_not_over_wait(
    bench: &Bench<'_>,
    first: Reading,
    (due, all): (&[Json], &[Json]),
    metadata: &TableMetadata,
) -> Outcome {
    let waits = |row: &&Json| !due.contains(row);
    if let Some(early) = first.rows.iter().find(waits) {
        let found = format!("a row behind it: {}", short(early));
        return Err(Finding::new("no row behind the horizon", found).at(first.title).into());
    }
    let second = bench.read_from(first.end()?).await?;
    let both: Vec<Json> = first.rows.iter().chain(&second.rows).cloned().collect();
    same(&both, all, metadata).map_err(Into::into).at(|| format!("{}, and the one before it", second.title))
}
