//! A source that fails while it is read.

use std::collections::BTreeMap;

use futures::future::join_all;
use lakeflow_interface::{IngestionType, TableMetadata};
use lakeflow_simulator::{Fault, FaultKind, Trigger};
use serde_json::Value as Json;

use super::{FEW, sizes};
use crate::bench::{Bench, Wanted};
use crate::case::Trial;
use crate::check::{Check, Need, Scope};
use crate::comparison::same;
use crate::finding::{At, Finding, Outcome};

/// Requests of a read that fail, at most, where all of them do.
const ALL: u64 = 200;

pub(super) const PASSING_FAULTS_LOSE_NOTHING: Check = Check {
    name: "passing_faults_lose_nothing",
    demand: "A rate limit, a server error, a connection that is reset and a body that is cut, each in the middle of a read, \
             lose no row and give none twice.",
    advice: "leave retries to `crates/http`, and hand on a page only when all of it has arrived",
    scope: Scope::Table,
    needs: &[Need::Simulator],
    run: |trial| Box::pin(passing_faults_lose_nothing(trial)),
};

async fn passing_faults_lose_nothing(trial: &Trial<'_>) -> Outcome {
    let metadata = trial.metadata().await?;
    let still = Bench::small(trial.subject, trial.table, FEW).await?;
    let expected = still.expected().await?;
    let options = sizes(trial, 5, None);
    let requests = still.read_wanted(Wanted::default().with(&options)).await?.requests;
    let kinds = [
        FaultKind::RetryAfter { code: 429, seconds: 1 },
        status(500),
        status(503),
        FaultKind::ResetMidBody,
        FaultKind::TruncatedBody,
    ];
    let mut numbers = vec![1, requests.div_ceil(2), requests];
    numbers.dedup();
    let faults = kinds.iter().flat_map(|kind| numbers.iter().map(move |number| (kind.clone(), *number)));
    let attempts = faults.map(|(kind, number)| survives(trial, kind, number, &options, &expected, &metadata));
    join_all(attempts).await.into_iter().collect()
}

async fn survives(
    trial: &Trial<'_>,
    kind: FaultKind,
    number: u64,
    options: &[(&str, String)],
    expected: &[Json],
    metadata: &TableMetadata,
) -> Outcome {
    let place = format!("`{}` instead of answer {number}", told(&kind));
    let fault = Fault::new(kind).when(Trigger::Nth(number));
    let bench = Bench::small_with(trial.subject, trial.table, FEW, |settings| settings.faults = vec![fault]).await?;
    let reading = bench.read_wanted(Wanted::default().with(options)).await.at(|| place.clone())?;
    same(&reading.rows, expected, metadata).map_err(Into::into).at(|| place)
}

fn status(code: u16) -> FaultKind {
    FaultKind::Status { code, headers: BTreeMap::new(), body: None }
}

fn told(kind: &FaultKind) -> String {
    match kind {
        FaultKind::Status { code, .. } | FaultKind::RetryAfter { code, .. } => format!("status {code}"),
        other => other.name().to_owned(),
    }
}

pub(super) const FAILED_PAGE_FAILS_THE_READ: Check = Check {
    name: "failed_page_fails_the_read",
    demand: "A page that cannot be read fails the read; no part of the table is left out silently, and a snapshot that is \
             not whole has no checkpoint.",
    advice: "let every error end the read; only a status that surely means `there is nothing here` may be skipped",
    scope: Scope::Table,
    needs: &[Need::Simulator],
    run: |trial| Box::pin(failed_page_fails_the_read(trial)),
};

async fn failed_page_fails_the_read(trial: &Trial<'_>) -> Outcome {
    let is_snapshot = trial.metadata().await?.ingestion_type == IngestionType::Snapshot;
    let options = sizes(trial, 5, None);
    let still = Bench::small(trial.subject, trial.table, FEW).await?;
    let requests = still.read_wanted(Wanted::default().with(&options)).await?.requests;
    for kind in [status(400), FaultKind::WrongContentType, FaultKind::Garbage] {
        for first in [1, requests.min(2), requests] {
            let place = format!("`{}` instead of every answer from number {first} on", told(&kind));
            let faults = (first..ALL).map(|number| Fault::new(kind.clone()).when(Trigger::Nth(number))).collect();
            let bench = Bench::small_with(trial.subject, trial.table, FEW, |settings| settings.faults = faults).await?;
            let (reading, error) = bench.attempt(Wanted::default().with(&options)).await?;
            let found = match error {
                None => format!("a read that ends well, with {} rows", reading.rows.len()),
                Some(_) if is_snapshot && !reading.checkpoints.is_empty() => {
                    "a checkpoint before the error: a part of the table is taken for the whole".to_owned()
                }
                Some(_) => continue,
            };
            return Err(Finding::new("an error", found).at(place).into());
        }
    }
    Ok(())
}
