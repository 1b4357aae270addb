//! Pages, batches and resumption: however a read is cut, nothing is lost and nothing comes twice.

use std::time::Duration;

use lakeflow_interface::{IngestionType, Offset, TableMetadata};
use lakeflow_simulator::Advance;
use serde_json::Value as Json;

use super::{FEW, sizes};
use crate::bench::{Bench, Wanted, with_options};
use crate::case::Trial;
use crate::check::{Check, Need, Scope};
use crate::comparison::{changed, same};
use crate::finding::{At, Finding, Outcome};
use crate::reading::Limits;

/// Reads in which a table that is capped must come to its end.
const MOST_READS: usize = 400;

/// Checkpoints of one read that reads are resumed from.
const RESUMED: usize = 10;

pub(super) const EMPTY_TABLE_IS_READ: Check = Check {
    name: "empty_table_is_read",
    demand: "A read of a table without rows gives none and a checkpoint; rows that come later arrive.",
    advice: "look at what the API answers where there is nothing: an empty list, no list, or a status of its own; and, with \
             `to`, at whether the source includes that instant (`inclusive`)",
    scope: Scope::Table,
    needs: &[Need::Simulator],
    run: |trial| Box::pin(empty_table_is_read(trial)),
};

async fn empty_table_is_read(trial: &Trial<'_>) -> Outcome {
    let corpus = trial.table.corpus();
    let bench = Bench::small(trial.subject, trial.table, 4).await?;
    let rows = bench.simulator()?.counts().get(corpus).copied().unwrap_or_default();
    bench.advance(Advance::new().table(corpus, 0, 0, rows))?;
    let reading = bench.read().await?;
    let end = reading.end()?.clone();
    if !reading.rows.is_empty() {
        return Err(Finding::new("no rows", format!("{}", reading.rows.len())).at(reading.title).into());
    }
    bench.advance(Advance::new().table(corpus, 2, 0, 0))?;
    let (later, expected) = (bench.read_from(&end).await?, bench.expected().await?);
    same(&later.rows, &expected, &trial.metadata().await?)
        .map_err(Into::into)
        .at(|| format!("{}, after the first rows were added to an empty table", later.title))
}

pub(super) const PAGE_SIZE_CHANGES_NOTHING: Check = Check {
    name: "page_size_changes_nothing",
    demand: "A read gives the same rows with pages of one record, of all records, and of every size between.",
    advice: "look at `pagination`: how the list goes on, and how its last page is told from the others",
    scope: Scope::Table,
    needs: &[Need::Simulator, Need::Option("per_page")],
    run: |trial| Box::pin(page_size_changes_nothing(trial)),
};

async fn page_size_changes_nothing(trial: &Trial<'_>) -> Outcome {
    let metadata = trial.metadata().await?;
    let bench = Bench::small(trial.subject, trial.table, FEW).await?;
    let expected = bench.expected().await?;
    let most = trial.table.input("per_page").and_then(|input| input.max).and_then(|max| u64::try_from(max).ok());
    let sizes_to_try =
        (1..=expected.len() as u64 + 1).filter(|size| *size <= FEW + 1 && most.is_none_or(|most| *size <= most));
    for size in sizes_to_try {
        let wanted = Wanted::default().with(&sizes(trial, size, None));
        let reading = bench.read_wanted(wanted).await?;
        same(&reading.rows, &expected, &metadata).map_err(Into::into).at(|| reading.title.clone())?;
    }
    Ok(())
}

pub(super) const BATCH_CAP_LOSES_NOTHING: Check = Check {
    name: "batch_cap_loses_nothing",
    demand: "Reads that are left off at their first checkpoint, each by a new connector, get to the end: no row is lost, \
             none comes twice, none stands still.",
    advice: "compare `cursor_field` and `incremental.order` with the field by which the request sorts; a connector that is a \
             program lets each checkpoint tell what was handed on, so that the next read goes on behind it",
    scope: Scope::Table,
    needs: &[Need::Simulator, Need::Incremental, Need::Option("max_records_per_batch")],
    run: |trial| Box::pin(batch_cap_loses_nothing(trial)),
};

async fn batch_cap_loses_nothing(trial: &Trial<'_>) -> Outcome {
    let metadata = trial.metadata().await?;
    let bench = Bench::small(trial.subject, trial.table, FEW).await?;
    let expected = bench.expected().await?;
    for (page, cap) in [(4, 1), (5, 3), (2, 5)] {
        let mut options = sizes(trial, page, Some(cap));
        // Ranges that a lookback covers are read again as a whole, by design.
        let is_read_by_range = !trial.table.settling().is_zero();
        if trial.table.input("lookback_seconds").is_some() && !is_read_by_range {
            // Longer than the table reaches back, so that every read begins at the first row again.
            options.push(("lookback_seconds", "31536000".to_owned()));
        }
        let rows = read_in_batches(&bench, &options).await?;
        let place = || format!("reads with max_records_per_batch={cap}, per_page={page} and a lookback of a year");
        same(&rows, &expected, &metadata).map_err(Into::into).at(place)?;
    }
    Ok(())
}

/// What reads give that are each left off at their first checkpoint.
async fn read_in_batches(bench: &Bench<'_>, options: &[(&str, String)]) -> Outcome<Vec<Json>> {
    let first_checkpoint = Limits { checkpoints: 1, ..Limits::default() };
    let mut offset = Offset::beginning();
    let mut rows = Vec::new();
    for _ in 0..MOST_READS {
        let wanted = Wanted::from(&offset).with(options).limited(first_checkpoint);
        let reading = bench.read_wanted(wanted).await?;
        let end = reading.end()?.clone();
        if reading.is_empty() && end == offset {
            return Ok(rows);
        }
        if end == offset {
            let found = format!("{} rows, and the same offset", reading.rows.len());
            return Err(Finding::new("an offset that moves with the rows", found).at(reading.title).into());
        }
        offset = end;
        rows.extend(reading.rows);
    }
    let expected = format!("the end of the table after at most {MOST_READS} reads");
    Err(Finding::new(expected, format!("{} rows so far, at the offset {offset}", rows.len())).into())
}

pub(super) const RESUME_EQUALS_ONE_READ: Check = Check {
    name: "resume_equals_one_read",
    demand: "What came before a checkpoint and what a new connector reads from it are together one uninterrupted read.",
    advice: "compare `cursor_field` and `incremental.order` with the field by which the request sorts; a connector that is a \
             program puts all that a resumption needs into its checkpoints",
    scope: Scope::Table,
    needs: &[Need::Simulator, Need::Incremental],
    run: |trial| Box::pin(resume_equals_one_read(trial)),
};

async fn resume_equals_one_read(trial: &Trial<'_>) -> Outcome {
    let metadata = trial.metadata().await?;
    let bench = Bench::small(trial.subject, trial.table, FEW).await?;
    let expected = bench.expected().await?;
    let options = sizes(trial, 3, Some(2));
    let whole = bench.read_wanted(Wanted::default().with(&options)).await?;
    whole.end()?;
    let step = whole.checkpoints.len().div_ceil(RESUMED).max(1);
    for checkpoint in whole.checkpoints.iter().step_by(step) {
        let rest = bench.read_wanted(Wanted::from(&checkpoint.offset).with(&options)).await?;
        let both: Vec<Json> = whole.rows[..checkpoint.rows].iter().chain(&rest.rows).cloned().collect();
        let place = || format!("the first {} rows, and then {}", checkpoint.rows, rest.title);
        same(&both, &expected, &metadata).map_err(Into::into).at(place)?;
    }
    Ok(())
}

pub(super) const EQUAL_CURSORS_ARE_NOT_LOST: Check = Check {
    name: "equal_cursors_are_not_lost",
    demand: "Rows with the same cursor all arrive, once each: across the edge of a page, of a batch, and when more of them \
             turn up after the read that ended there.",
    advice: "read from the stored cursor on, itself included, and leave out what was delivered; say `inclusive: false` of a \
             bound, `from` or `to`, that the source leaves out itself",
    scope: Scope::Table,
    needs: &[Need::Simulator, Need::Incremental],
    run: |trial| Box::pin(equal_cursors_are_not_lost(trial)),
};

async fn equal_cursors_are_not_lost(trial: &Trial<'_>) -> Outcome {
    let metadata = trial.metadata().await?;
    for (page, batch) in [(1, None), (2, Some(1)), (3, Some(2)), (4, Some(3))] {
        let bench = Bench::small(trial.subject, trial.table, 6).await?;
        at_one_instant(trial, &bench, &metadata, 4)?;
        let options = sizes(trial, page, batch);
        let mut rows = read_in_batches(&bench, &options).await?;
        let expected = bench.expected().await?;
        let sized = || with_options(&options);
        same(&rows, &expected, &metadata).map_err(Into::into).at(|| format!("rows of one instant{}", sized()))?;
        let whole = bench.read_wanted(Wanted::default().with(&options)).await?;
        bench.advance_by(Advance::new().table(trial.table.corpus(), 3, 0, 0), Duration::ZERO)?;
        let later = bench.read_wanted(Wanted::from(whole.end()?).with(&options)).await?.rows;
        let place = || format!("three more rows of the same instant after the read that ended there{}", sized());
        let now = bench.expected().await?;
        if trial.table.comes_with_parent {
            trial.same_changes(&later, &changed(&expected, &now, &metadata), &now, &metadata).at(place)?;
            continue;
        }
        rows.extend(later);
        same(&rows, &now, &metadata).map_err(Into::into).at(place)?;
    }
    Ok(())
}

/// Adds and, where rows can change, changes some rows, all at the simulator's present instant.
fn at_one_instant(trial: &Trial<'_>, bench: &Bench<'_>, metadata: &TableMetadata, rows: u64) -> Outcome {
    let changed = if metadata.ingestion_type == IngestionType::Append { 0 } else { rows / 2 };
    bench.advance(Advance::new())?;
    let advance = |changed| Advance::new().table(trial.table.corpus(), rows, changed, 0);
    if bench.advance_by(advance(changed), Duration::ZERO).is_err() {
        bench.advance_by(advance(0), Duration::ZERO)?;
    }
    Ok(())
}
