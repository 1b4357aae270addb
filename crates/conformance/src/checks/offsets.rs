//! Offsets: where a read ends, and what the next one makes of it.

use chrono::{DateTime, DurationRound, Utc};
use lakeflow_interface::{ColumnPath, IngestionType, Offset};
use serde_json::Value as Json;

use super::{FEW, sizes};
use crate::bench::{Bench, Wanted};
use crate::case::Trial;
use crate::check::{Check, Need, Scope};
use crate::comparison::{same, short, value_at};
use crate::finding::{At, Finding, Outcome};
use crate::reading::Reading;

pub(super) const LAST_ITEM_IS_A_CHECKPOINT: Check = Check {
    name: "last_item_is_a_checkpoint",
    demand: "A read ends with a checkpoint, or with an error.",
    advice: "yield a checkpoint after the last record, also of a read that finds nothing",
    scope: Scope::Table,
    needs: &[Need::Simulator],
    run: |trial| Box::pin(last_item_is_a_checkpoint(trial)),
};

async fn last_item_is_a_checkpoint(trial: &Trial<'_>) -> Outcome {
    let bench = trial.bench().await?;
    let first = bench.read().await?;
    let end = first.end()?.clone();
    bench.read_from(&end).await?.end().map(|_| ())
}

pub(super) const RECORDS_MOVE_THE_OFFSET: Check = Check {
    name: "records_move_the_offset",
    demand: "The offset after records of an incremental table differs from the one before them; a snapshot's is empty.",
    advice: "put into the offset whatever tells the records that were handed on from those that were not",
    scope: Scope::Table,
    needs: &[],
    run: |trial| Box::pin(records_move_the_offset(trial)),
};

async fn records_move_the_offset(trial: &Trial<'_>) -> Outcome {
    let is_snapshot = trial.metadata().await?.ingestion_type == IngestionType::Snapshot;
    let bench = Bench::small(trial.subject, trial.table, FEW).await?;
    let reading = bench.read_wanted(Wanted::default().with(&sizes(trial, 5, Some(3)))).await?;
    let (mut before, mut given) = (Offset::beginning(), 0);
    for checkpoint in &reading.checkpoints {
        let offset = &checkpoint.offset;
        let total = checkpoint.rows + checkpoint.deletes;
        let fault = match (is_snapshot, total > given && *offset == before) {
            (true, _) if !offset.is_beginning() => Some(("an empty offset: the table is a snapshot", offset)),
            (false, true) => Some(("an offset that differs from the one before the records", offset)),
            _ => None,
        };
        if let Some((expected, offset)) = fault {
            let found = format!("{offset} after {} records", total - given);
            return Err(Finding::new(expected, found).at(reading.title.clone()).into());
        }
        (before, given) = (offset.clone(), total);
    }
    Ok(())
}

pub(super) const NOTHING_NEW_YIELDS_THE_START: Check = Check {
    name: "nothing_new_yields_the_start",
    demand: "A read from where the last one ended gives nothing, and the same offset again.",
    advice: "name in `primary_keys` and `cursor_field` what tells a version of a row from all others; a connector that is a \
             program hands on only what was not handed on before, though an inclusive bound and a lookback read it again",
    scope: Scope::Table,
    needs: &[Need::Simulator],
    run: |trial| Box::pin(nothing_new_yields_the_start(trial)),
};

async fn nothing_new_yields_the_start(trial: &Trial<'_>) -> Outcome {
    let is_snapshot = trial.metadata().await?.ingestion_type == IngestionType::Snapshot;
    let bench = trial.bench().await?;
    let first = bench.read().await?;
    let second = bench.read_from(first.end()?).await?;
    let place = || format!("{}, where the first one ended", second.title);
    if !is_snapshot && !second.is_empty() {
        let found = format!("{} rows and {} deleted rows", second.rows.len(), second.deletes.len());
        let example = second.rows.first().or(second.deletes.first()).map(short).unwrap_or_default();
        return Err(Finding::new("nothing", format!("{found}, the first is {example}")).at(place()).into());
    }
    if second.end()? != first.end()? {
        let finding = Finding::new(format!("the offset {}", first.end()?), format!("the offset {}", second.end()?));
        return Err(finding.at(place()).into());
    }
    Ok(())
}

pub(super) const OFFSETS_ARE_REPLAYABLE: Check = Check {
    name: "offsets_are_replayable",
    demand: "An offset that was written as JSON and read again means the same, and a read from it can be repeated.",
    advice: "keep all that a read needs to know in the offset, and nothing in the connector",
    scope: Scope::Table,
    needs: &[Need::Simulator],
    run: |trial| Box::pin(offsets_are_replayable(trial)),
};

async fn offsets_are_replayable(trial: &Trial<'_>) -> Outcome {
    let bench = Bench::small(trial.subject, trial.table, FEW).await?;
    let options = sizes(trial, 5, Some(3));
    let first = bench.read_wanted(Wanted::default().with(&options)).await?;
    let Some(middle) = first.checkpoints.get(first.checkpoints.len() / 2) else {
        return first.end().map(|_| ());
    };
    let text = middle.offset.to_string();
    let parsed: Offset = serde_json::from_str(&text)
        .map_err(|error| Finding::new("an offset that is JSON", format!("{text}: {error}")))?;
    if parsed != middle.offset {
        return Err(Finding::new(text, parsed.to_string()).at("the offset, written as JSON and read again").into());
    }
    let from = Wanted::from(&parsed).with(&options);
    let (once, twice) = (bench.read_wanted(from.clone()).await?, bench.read_wanted(from).await?);
    let is_same = once.rows == twice.rows && once.deletes == twice.deletes && once.end()? == twice.end()?;
    if is_same {
        return Ok(());
    }
    let told = |reading: &Reading| {
        let end = reading.end().map(Offset::to_string).unwrap_or_default();
        format!("{} rows, {} deleted rows and the offset {end}", reading.rows.len(), reading.deletes.len())
    };
    let finding = Finding::new(format!("{} again", told(&once)), told(&twice));
    Err(finding.at(format!("{}, repeated", twice.title)).into())
}

pub(super) const OFFSET_IS_THE_GREATEST_CURSOR: Check = Check {
    name: "offset_is_the_greatest_cursor",
    demand: "Where the offset has a `cursor`, it is the greatest cursor of the rows that were read.",
    advice: "look at `cursor_field`: it must be the field by which the API selects and orders what has changed",
    scope: Scope::Table,
    needs: &[Need::Simulator, Need::Incremental],
    run: |trial| Box::pin(offset_is_the_greatest_cursor(trial)),
};

async fn offset_is_the_greatest_cursor(trial: &Trial<'_>) -> Outcome {
    let metadata = trial.metadata().await?;
    let reading = trial.bench().await?.read().await?;
    let (Some(field), Some(cursor)) = (&metadata.cursor_field, reading.end()?.get("cursor")) else {
        return Err(crate::finding::Stop::Skipped("the offset has no `cursor`: it is the source's own".to_owned()));
    };
    let greatest = reading.rows.iter().map(|row| value_at(row, field)).max_by(|a, b| order(a).total_cmp(&order(b)));
    let Some(greatest) = greatest else { return Ok(()) };
    if (order(greatest) - order(cursor)).abs() < f64::EPSILON {
        return Ok(());
    }
    let finding = Finding::new(format!("the offset's cursor to be {greatest}"), cursor.to_string());
    Err(finding.at(format!("the end of {}", reading.title)).into())
}

/// A cursor as a number: an instant in seconds, or the number that it is.
pub(super) fn order(cursor: &Json) -> f64 {
    match (instant(cursor), cursor) {
        (Some(instant), _) => instant.timestamp_micros() as f64 / 1e6,
        (None, Json::String(text)) => text.parse().unwrap_or(f64::NEG_INFINITY),
        (None, other) => other.as_f64().unwrap_or(f64::NEG_INFINITY),
    }
}

/// A cursor as an instant, where it is written as one.
pub(super) fn instant(cursor: &Json) -> Option<DateTime<Utc>> {
    let text = cursor.as_str()?;
    let written = DateTime::parse_from_rfc3339(text).map(|instant| instant.to_utc());
    written.or_else(|_| text.parse::<chrono::NaiveDateTime>().map(|instant| instant.and_utc())).ok()
}

/// An instant that has rows before and behind it.
pub(super) fn middle(rows: &[Json], field: &ColumnPath) -> Option<DateTime<Utc>> {
    let mut instants: Vec<DateTime<Utc>> = rows.iter().filter_map(|row| instant(value_at(row, field))).collect();
    instants.sort_unstable();
    let middle = *instants.get(instants.len() / 2)?;
    (instants.first()? < &middle).then_some(middle)
}

pub(super) const START_DATE_GIVES_THE_LATER_ROWS: Check = Check {
    name: "start_date_gives_the_later_rows",
    demand: "A first read with a `start_date` gives exactly the rows from then on.",
    advice: "look at `incremental.from`: whether the parameter selects by `cursor_field`, and whether it is inclusive",
    scope: Scope::Table,
    needs: &[Need::Simulator, Need::Incremental, Need::Option("start_date")],
    run: |trial| Box::pin(start_date_gives_the_later_rows(trial)),
};

async fn start_date_gives_the_later_rows(trial: &Trial<'_>) -> Outcome {
    let metadata = trial.metadata().await?;
    let bench = trial.bench().await?;
    let all = bench.read().await?.rows;
    let found = metadata.cursor_field.as_ref().and_then(|field| Some((field, middle(&all, field)?)));
    let Some((field, middle)) = found else {
        return Err(crate::finding::Stop::Skipped("the cursor is no instant".to_owned()));
    };
    // A range that is read when it is over is read whole.
    let middle = trial.table.range().map_or(middle, |range| middle.duration_trunc(range).unwrap_or(middle));
    let expected: Vec<Json> =
        all.iter().filter(|row| instant(value_at(row, field)).is_some_and(|own| own >= middle)).cloned().collect();
    let start = middle.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    let reading = bench.read_wanted(Wanted::default().with(&[("start_date", start)])).await?;
    same(&reading.rows, &expected, &metadata).map_err(Into::into).at(|| reading.title.clone())
}
