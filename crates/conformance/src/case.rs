//! `Case`: one check, tried on one table.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use lakeflow_interface::{IngestionType, Result, TableMetadata};
use serde::Serialize;
use serde_json::Value as Json;
use tokio::sync::OnceCell;

use crate::bench::Bench;
use crate::check::{Check, Need, Scope};
use crate::checks::CHECKS;
use crate::comparison::{same, same_with_siblings};
use crate::finding::{Finding, Outcome, Stop, told};
use crate::subject::{Subject, TableUnderTest};

/// How long a check may take; a connector that does not end does not keep to it.
const PATIENCE: Duration = Duration::from_secs(120);

/// One check, to be tried on one table, or on the source.
#[derive(Clone, Copy)]
pub struct Case<'s> {
    subject: &'s Subject,
    check: &'static Check,
    table: &'s TableUnderTest,
}

/// What became of a case.
#[derive(Clone, Debug, Serialize)]
pub struct CaseReport {
    /// The source.
    pub source: String,
    /// The table; none for a check of the source.
    pub table: Option<String>,
    /// The check.
    pub check: &'static str,
    /// What became of it.
    pub verdict: Verdict,
    /// What the author should know although nothing is wrong.
    pub notes: Vec<String>,
    /// How long it took.
    #[serde(skip)]
    pub duration: Duration,
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The connector keeps to it.
    Passed,
    /// It says nothing about this table, for this reason.
    Skipped(String),
    /// The connector does not keep to it.
    Failed(Finding),
}

/// All checks for all tables of a subject, or for one.
///
/// # Errors
/// The nearest known name, for a table that there is not.
pub fn cases<'s>(subject: &'s Subject, only: Option<&str>) -> Result<Vec<Case<'s>>> {
    let tables = match only {
        Some(name) => std::slice::from_ref(subject.table(name)?),
        None => &subject.tables,
    };
    let mut cases = Vec::new();
    for check in CHECKS {
        let tables = if check.scope == Scope::Source { tables.get(..1).unwrap_or_default() } else { tables };
        cases.extend(tables.iter().map(|table| Case { subject, check, table }));
    }
    Ok(cases)
}

impl Case<'_> {
    /// `SOURCE::TABLE::CHECK`, or `SOURCE::CHECK`.
    pub fn name(&self) -> String {
        match self.table_name() {
            Some(table) => format!("{}::{table}::{}", self.subject.name, self.check.name),
            None => format!("{}::{}", self.subject.name, self.check.name),
        }
    }

    /// The check.
    pub fn check(&self) -> &'static Check {
        self.check
    }

    /// The table; none for a check of the source.
    pub fn table_name(&self) -> Option<&str> {
        (self.check.scope == Scope::Table).then_some(self.table.name.as_str())
    }

    /// Tries the check, on a runtime of its own on this thread, so that a log can be told from those of others.
    pub fn run(&self) -> CaseReport {
        let begun = Instant::now();
        let (subject, table) = (self.subject, self.table);
        let trial = Trial { subject, table, metadata: OnceCell::new(), notes: RefCell::default() };
        let outcome = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                let outcome = runtime.block_on(self.attempt(&trial));
                runtime.shutdown_background();
                outcome
            }
            Err(error) => Err(Finding::new("a runtime for the check", error.to_string()).into()),
        };
        let verdict = match outcome {
            Ok(()) => Verdict::Passed,
            Err(Stop::Skipped(reason)) => Verdict::Skipped(reason),
            Err(Stop::Failed(mut finding)) => {
                if finding.advice.is_empty() {
                    finding.advice = self.check.advice.to_owned();
                }
                Verdict::Failed(finding)
            }
        };
        CaseReport {
            source: self.subject.name.clone(),
            table: self.table_name().map(str::to_owned),
            check: self.check.name,
            verdict,
            notes: trial.notes.into_inner(),
            duration: begun.elapsed(),
        }
    }

    async fn attempt(&self, trial: &Trial<'_>) -> Outcome {
        let attempt = async {
            trial.needs(self.check).await?;
            (self.check.run)(trial).await
        };
        match tokio::time::timeout(PATIENCE, attempt).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Finding::new(format!("an end within {} seconds", PATIENCE.as_secs()), "none").into()),
        }
    }
}

/// A case while it is tried.
pub(crate) struct Trial<'t> {
    pub(crate) subject: &'t Subject,
    pub(crate) table: &'t TableUnderTest,
    metadata: OnceCell<TableMetadata>,
    notes: RefCell<Vec<String>>,
}

impl<'t> Trial<'t> {
    /// Says something that the author should know although nothing is wrong.
    pub(crate) fn note(&self, note: impl Into<String>) {
        self.notes.borrow_mut().push(note.into());
    }

    /// A place to try things: the simulator as its corpus has it, or the source itself.
    pub(crate) async fn bench(&self) -> Outcome<Bench<'t>> {
        Bench::start(self.subject, self.table, |_| {}).await
    }

    /// Whether a later read gave the rows that it should; `now` are all rows that the source has.
    pub(crate) fn same_changes(
        &self,
        found: &[Json],
        expected: &[Json],
        now: &[Json],
        metadata: &TableMetadata,
    ) -> Outcome {
        if self.table.comes_with_parent {
            return Ok(same_with_siblings(found, expected, now, metadata)?);
        }
        Ok(same(found, expected, metadata)?)
    }

    /// Whether the source itself is asked.
    pub(crate) fn is_live(&self) -> bool {
        self.subject.simulator.is_none()
    }

    /// Ends the case where the table does not have what its check needs.
    async fn needs(&self, check: &Check) -> Outcome {
        let skip = |reason: String| Err(Stop::Skipped(reason));
        if let Some(reason) = self.table.instructions.skip.get(check.name) {
            return skip(reason.clone());
        }
        for need in check.needs {
            match need {
                Need::Simulator if self.is_live() => return skip("it needs the source's simulator".to_owned()),
                Need::WriteBack if self.is_live() && !self.subject.may_write => {
                    return skip("it writes rows to the account, which was not allowed: `--write`".to_owned());
                }
                Need::Corpus if !self.has_corpus() => {
                    return skip(format!("the simulator has no corpus `{}` to compare with", self.table.name));
                }
                Need::DeclaredOptions if !self.subject.declares_options => {
                    return skip("the connector does not declare its options".to_owned());
                }
                Need::Option(name) if self.table.input(name).is_none() => {
                    return skip(format!("the table has no option `{name}`"));
                }
                Need::Secret if self.subject.secrets.is_empty() => {
                    return skip("the connection has no secret".to_owned());
                }
                Need::Incremental | Need::Snapshot | Need::Deletes => {
                    let kind = self.metadata().await?.ingestion_type;
                    if !fits(*need, kind) {
                        return skip(format!("the table is `{kind}`"));
                    }
                }
                Need::Partitions | Need::WriteBack => self.needs_ability(*need).await?,
                Need::Simulator | Need::Corpus | Need::DeclaredOptions | Need::Option(_) | Need::Secret => {}
            }
        }
        Ok(())
    }

    async fn needs_ability(&self, need: Need) -> Outcome {
        let bench = self.bench().await?;
        let connector = bench.connector()?;
        let options = bench.options(&[]);
        let table = &self.table.name;
        let is_writable = || {
            let writer = connector.write_back();
            writer.is_some_and(|writer| writer.writable_tables().iter().any(|able| able.table == *table))
        };
        let is_split = || connector.partitions().is_some_and(|split| split.is_partitioned(table, &options));
        match need {
            Need::WriteBack if !is_writable() => {
                Err(Stop::Skipped("the definition does not say how to write a row".to_owned()))
            }
            Need::Partitions if !is_split() => Err(Stop::Skipped("the table's read cannot be split".to_owned())),
            _ => Ok(()),
        }
    }

    fn has_corpus(&self) -> bool {
        let corpus = self.table.corpus();
        corpus == self.table.name
            && self.subject.simulator.as_ref().is_some_and(|simulator| simulator.tables().any(|name| name == corpus))
    }

    /// The table's metadata.
    pub(crate) async fn metadata(&self) -> Outcome<TableMetadata> {
        self.metadata.get_or_try_init(|| self.ask_for_metadata()).await.cloned()
    }

    /// The table's metadata as the connector gives it now.
    pub(crate) async fn ask_for_metadata(&self) -> Outcome<TableMetadata> {
        let bench = self.bench().await?;
        let read = bench.connector()?.read_table_metadata(&self.table.name, &bench.options(&[])).await;
        read.map_err(|error| Finding::new("the table's metadata", told(&error)).into())
    }
}

fn fits(need: Need, kind: IngestionType) -> bool {
    match need {
        Need::Incremental => kind != IngestionType::Snapshot,
        Need::Snapshot => kind == IngestionType::Snapshot,
        Need::Deletes => kind == IngestionType::CdcWithDeletes,
        _ => true,
    }
}
