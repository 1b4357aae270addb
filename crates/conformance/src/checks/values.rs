//! The values of rows against the schema and against the source.

use std::collections::BTreeSet;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{concat, filter, is_not_null};
use arrow::datatypes::DataType;
use lakeflow_interface::records::RESCUED_DATA;
use lakeflow_interface::{Error, ErrorKind, Result};
use serde_json::Value as Json;

use crate::case::Trial;
use crate::check::{Check, Need, Scope};
use crate::comparison::{Identity, named, same, short, value_at};
use crate::finding::{At, Finding, Outcome};

pub(super) const ROWS_FIT_THE_SCHEMA: Check = Check {
    name: "rows_fit_the_schema",
    demand: "Every value of every row can be typed as its column says.",
    advice: "correct the column's type in `schema`, or the value in the corpus, after the API's documentation",
    scope: Scope::Table,
    needs: &[],
    run: |trial| Box::pin(rows_fit_the_schema(trial)),
};

async fn rows_fit_the_schema(trial: &Trial<'_>) -> Outcome {
    let misfits = rescued(trial, |value| !value.is_null()).await?;
    match misfits.first() {
        None => Ok(()),
        Some(first) => Err(Finding::new("values of the types that the schema has", first.clone())
            .at(format!("{} values in all, in {}", misfits.len(), RESCUED_DATA))
            .into()),
    }
}

/// Values that could not be typed, as `row KEY: PATH is VALUE`.
async fn rescued(trial: &Trial<'_>, wanted: impl Fn(&Json) -> bool) -> Outcome<Vec<String>> {
    let identity = Identity::keys(&trial.metadata().await?);
    let mut found = Vec::new();
    for row in &trial.bench().await?.read().await?.rows {
        let text = row.get(RESCUED_DATA).and_then(Json::as_str).unwrap_or("{}");
        let values: serde_json::Map<String, Json> = serde_json::from_str(text).map_err(|error| {
            Finding::new(format!("JSON in `{RESCUED_DATA}`"), error.to_string()).at(identity.of(row))
        })?;
        let values = values.iter().filter(|(_, value)| wanted(value));
        found.extend(values.map(|(path, value)| format!("row {}: `{path}` is {}", identity.of(row), short(value))));
    }
    Ok(found)
}

pub(super) const NOT_NULL_HOLDS: Check = Check {
    name: "not_null_holds",
    demand: "A column or field that is NOT NULL is never null, and never left out.",
    advice: "take NOT NULL from `schema` where the API leaves the field out, or mend the corpus where it never does",
    scope: Scope::Table,
    needs: &[],
    run: |trial| Box::pin(not_null_holds(trial)),
};

async fn not_null_holds(trial: &Trial<'_>) -> Outcome {
    let nulls = rescued(trial, Json::is_null).await?;
    match nulls.first() {
        None => Ok(()),
        Some(first) => Err(Finding::new("values where the schema says NOT NULL", first.clone())
            .at(format!("{} nulls in all", nulls.len()))
            .into()),
    }
}

pub(super) const KEYS_ARE_NOT_NULL: Check = Check {
    name: "keys_are_not_null",
    demand: "Every row has a value for each primary key, and, if it is incremental, for the cursor field.",
    advice: "name columns in `primary_keys` and `cursor_field` that every record has",
    scope: Scope::Table,
    needs: &[],
    run: |trial| Box::pin(keys_are_not_null(trial)),
};

async fn keys_are_not_null(trial: &Trial<'_>) -> Outcome {
    let metadata = trial.metadata().await?;
    let reading = trial.bench().await?.read().await?;
    for (number, row) in reading.rows.iter().chain(&reading.deletes).enumerate() {
        let is_row = number < reading.rows.len();
        let paths = metadata.primary_keys.iter().chain(metadata.cursor_field.iter().filter(|_| is_row));
        for path in paths {
            if value_at(row, path).is_null() {
                let finding = Finding::new(format!("a value in `{path}`"), format!("null in {}", short(row)));
                return Err(finding.at(reading.title.clone()).into());
            }
        }
    }
    Ok(())
}

pub(super) const EVERY_COLUMN_APPEARS: Check = Check {
    name: "every_column_appears",
    demand: "Every column, and every field of one, has a value in some row of the simulator's.",
    advice: "give the field a value in the corpus, or take it out of `schema` if the API has no such field",
    scope: Scope::Table,
    needs: &[Need::Simulator],
    run: |trial| Box::pin(every_column_appears(trial)),
};

async fn every_column_appears(trial: &Trial<'_>) -> Outcome {
    let reading = trial.bench().await?.read().await?;
    if reading.rows.is_empty() {
        return Err(Finding::new("rows", "none").at(reading.title).advise("give the table's corpus a `count`").into());
    }
    let empty = empty_columns(&reading.batches)?;
    if empty.is_empty() {
        return Ok(());
    }
    let found = format!("nothing in {} of them: {}", empty.len(), empty.join(", "));
    Err(Finding::new("a value in every column of some row", found).at(reading.title).into())
}

/// The paths of leaves that are null, or in no list element, in all rows.
pub(crate) fn empty_columns(batches: &[RecordBatch]) -> Result<Vec<String>> {
    let failed =
        |error| Error::new(ErrorKind::Internal, "the batches of a read do not fit each other").with_cause(error);
    let mut empty = Vec::new();
    let Some(first) = batches.first() else { return Ok(empty) };
    for (position, field) in
        first.schema().fields().iter().enumerate().filter(|(_, field)| field.name() != RESCUED_DATA)
    {
        let parts: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(position).as_ref()).collect();
        let column = concat(&parts).map_err(failed)?;
        find_empty(field.name(), &column, &mut empty).map_err(failed)?;
    }
    Ok(empty)
}

fn find_empty(path: &str, column: &ArrayRef, empty: &mut Vec<String>) -> Result<(), arrow::error::ArrowError> {
    match column.data_type() {
        _ if column.null_count() == column.len() => empty.push(path.to_owned()),
        DataType::Struct(fields) => {
            let present = filter(column, &is_not_null(column)?)?;
            for (field, child) in fields.iter().zip(present.as_struct().columns()) {
                find_empty(&format!("{path}.{}", field.name()), child, empty)?;
            }
        }
        DataType::List(_) => find_empty(&format!("{path}[]"), column.as_list::<i32>().values(), empty)?,
        _ => {}
    }
    Ok(())
}

pub(super) const FIELDS_ARE_DECLARED: Check = Check {
    name: "fields_are_declared",
    demand: "Every field of the simulator's records is a column or a field of one; of a live source, the others are told.",
    advice: "declare the field in `schema`, or take it out of the corpus if the API has no such field",
    scope: Scope::Table,
    needs: &[],
    run: |trial| Box::pin(fields_are_declared(trial)),
};

async fn fields_are_declared(trial: &Trial<'_>) -> Outcome {
    let reading = trial.bench().await?.read().await?;
    let undeclared: Vec<&String> = reading.undeclared.iter().collect();
    if undeclared.is_empty() {
        return Ok(());
    }
    let found = undeclared.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    if trial.is_live() {
        trial.note(format!("the source gives fields that the schema does not have: {found}"));
        return Ok(());
    }
    Err(Finding::new("no field that the schema does not have", found).at(reading.title).into())
}

pub(super) const ROWS_ARE_THOSE_OF_THE_SOURCE: Check = Check {
    name: "rows_are_those_of_the_source",
    demand: "A read from the beginning gives every row of the source, each once, with the values that it has there.",
    advice: "compare the request that lists the table with the API's documentation: the path, parameters that leave rows \
             out, `records`, and how the list goes on (`pagination`)",
    scope: Scope::Table,
    needs: &[Need::Simulator, Need::Corpus],
    run: |trial| Box::pin(rows_are_those_of_the_source(trial)),
};

async fn rows_are_those_of_the_source(trial: &Trial<'_>) -> Outcome {
    let bench = trial.bench().await?;
    let metadata = trial.metadata().await?;
    let reading = bench.read().await?;
    let warnings: Vec<&String> = reading.warnings.keys().collect();
    if !warnings.is_empty() {
        return Err(Finding::new("nothing skipped", named(&warnings)).at(reading.title).into());
    }
    let expected = bench.expected().await?;
    if expected.len() == reading.rows.len() {
        keys_are_unique(&reading.rows, &metadata).map_err(Into::into).at(|| reading.title.clone())?;
    }
    let compared = same(&reading.rows, &expected, &metadata).map_err(|finding| match default_start(trial) {
        Some((table, start)) if reading.rows.len() < expected.len() => finding.advise(format!(
            "`{table}` is read from its `start_date` on, {start}: give its corpus only later rows; and {}",
            ROWS_ARE_THOSE_OF_THE_SOURCE.advice
        )),
        _ => finding,
    });
    compared.map_err(Into::into).at(|| reading.title.clone())
}

/// Where a read of the table, or of its parent, begins by default; and which of them it is.
fn default_start<'t>(trial: &'t Trial<'_>) -> Option<(&'t str, &'t str)> {
    let parent = trial.table.parent.as_ref().and_then(|parent| trial.subject.table(&parent.table).ok());
    let tables = std::iter::once(trial.table).chain(parent);
    tables.flat_map(|table| Some((table.name.as_str(), table.input("start_date")?.default.as_deref()?))).next()
}

fn keys_are_unique(rows: &[Json], metadata: &lakeflow_interface::TableMetadata) -> Result<(), Finding> {
    if metadata.primary_keys.is_empty() {
        return Ok(());
    }
    let identity = Identity::keys(metadata);
    let mut seen = BTreeSet::new();
    match rows.iter().map(|row| identity.of(row)).find(|key| !seen.insert(key.clone())) {
        None => Ok(()),
        Some(key) => Err(Finding::new("primary keys that tell all rows apart", format!("two rows with {key}"))
            .advise("name all columns in `primary_keys` that are needed to tell rows apart")),
    }
}
