//! Children: the parent that a row says it has.

use std::collections::BTreeSet;

use lakeflow_interface::ColumnPath;
use serde_json::Value as Json;

use crate::bench::Bench;
use crate::case::Trial;
use crate::check::{Check, Need, Scope};
use crate::comparison::{Identity, value_at};
use crate::finding::{At, Finding, Outcome, Stop};

pub(super) const CHILDREN_NAME_THEIR_PARENTS: Check = Check {
    name: "children_name_their_parents",
    demand: "Where a table is read once per row of a parent, the columns that hold the parent's key name a row that the \
             parent table has.",
    advice: "give the key of the row that was asked for: compare `parent.as` and `add_columns` with the parent's \
             `primary_keys`",
    scope: Scope::Table,
    needs: &[Need::Simulator],
    run: |trial| Box::pin(children_name_their_parents(trial)),
};

async fn children_name_their_parents(trial: &Trial<'_>) -> Outcome {
    let Some(of) = &trial.table.parent else { return Err(Stop::Skipped("the table has no parent".to_owned())) };
    let parents = Bench::start(trial.subject, trial.subject.table(&of.table)?, |_| {}).await?;
    let metadata = parents.connector()?.read_table_metadata(&of.table, &parents.options(&[])).await?;
    let keys: Vec<_> = of.columns.iter().filter(|(_, key)| metadata.primary_keys.contains(key)).collect();
    if keys.is_empty() {
        return Err(Stop::Skipped(format!("no column of it holds a key of `{}`", of.table)));
    }
    let known: BTreeSet<Vec<String>> = parents.read().await?.rows.iter().map(|row| texts(row, &keys, false)).collect();
    let identity = Identity::keys(&trial.metadata().await?);
    let reading = trial.bench().await?.read().await?;
    let orphan = reading.rows.iter().find(|row| !known.contains(&texts(row, &keys, true)));
    let Some(row) = orphan else { return Ok(()) };
    let named: Vec<String> =
        keys.iter().zip(texts(row, &keys, true)).map(|((name, _), text)| format!("`{name}` = {text}")).collect();
    let finding = Finding::new(
        format!("the key of a row of the parent table `{}`", of.table),
        format!("row {}: {}", identity.of(row), named.join(", ")),
    );
    Err(finding.into()).at(|| reading.title.clone())
}

/// A parent's key as its own row has it, or a child's; as text, since both tables need not have the same types.
fn texts(row: &Json, keys: &[&(String, ColumnPath)], is_child: bool) -> Vec<String> {
    let value = |(name, path): &(String, ColumnPath)| match is_child {
        true => row.get(name).unwrap_or(&Json::Null),
        false => value_at(row, path),
    };
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    keys.iter().map(|key| text(value(key))).collect()
}
