//! Names, schemas, metadata and options.

use std::collections::BTreeSet;

use arrow::datatypes::{DataType, Schema};
use lakeflow_interface::records::{BadValues, Typer};
use lakeflow_interface::{
    ColumnPath, Error, ErrorKind, Horizon, IngestionType, LakeflowConnect, Offset, ReadContext, Result, TableOptions,
};

use crate::case::Trial;
use crate::check::{Check, Need, Scope};
use crate::comparison::named;
use crate::finding::{At, Finding, Outcome, told};

pub(super) const TABLE_NAMES_ARE_UNIQUE: Check = Check {
    name: "table_names_are_unique",
    demand: "`list_tables` gives at least one name, and no name twice.",
    advice: "look at what the connector lists: `community-connector tables SOURCE`",
    scope: Scope::Source,
    needs: &[],
    run: |trial| Box::pin(table_names_are_unique(trial)),
};

async fn table_names_are_unique(trial: &Trial<'_>) -> Outcome {
    let names = trial.bench().await?.connector()?.list_tables().await?;
    let mut seen = BTreeSet::new();
    let repeated: Vec<&String> = names.iter().filter(|name| !seen.insert(name.to_lowercase())).collect();
    if names.is_empty() {
        return Err(Finding::new("at least one table", "none").at("`list_tables`").into());
    }
    if !repeated.is_empty() || names.iter().any(String::is_empty) {
        let found =
            if repeated.is_empty() { "an empty name".to_owned() } else { format!("twice: {}", named(&repeated)) };
        return Err(Finding::new("each name once, in whatever case", found).at("`list_tables`").into());
    }
    Ok(())
}

pub(super) const UNKNOWN_TABLE_IS_AN_ERROR: Check = Check {
    name: "unknown_table_is_an_error",
    demand: "A table that does not exist is an error of schema, metadata and read; it names the nearest known table.",
    advice: "answer with `lakeflow_interface::unknown_name`",
    scope: Scope::Source,
    needs: &[],
    run: |trial| Box::pin(unknown_table_is_an_error(trial)),
};

async fn unknown_table_is_an_error(trial: &Trial<'_>) -> Outcome {
    let bench = trial.bench().await?;
    let connector = bench.connector()?;
    let known = &trial.table.name;
    let name = misspelt(known);
    let options = bench.options(&[]);
    let answers = [
        ("get_table_schema", connector.get_table_schema(&name, &options).await.err()),
        ("read_table_metadata", connector.read_table_metadata(&name, &options).await.err()),
        ("read_table", first_error(connector.as_ref(), &name, &options, bench.clock()).await.err()),
    ];
    for (method, answer) in answers {
        names_the_nearest("table", known, &name, answer).at(|| format!("`{method}` of table `{name}`"))?;
    }
    Ok(())
}

/// Whether an error tells which name was probably meant.
fn names_the_nearest(what: &str, known: &str, name: &str, answer: Option<Error>) -> Outcome {
    let expected = format!("an error that names the {what} `{known}`, which is near `{name}`");
    match answer {
        None => Err(Finding::new(expected, "no error").into()),
        Some(error) if told(&error).contains(&format!("`{known}`")) => Ok(()),
        Some(error) => Err(Finding::new(expected, told(&error)).into()),
    }
}

/// Begins a read and takes its first item.
async fn first_error(
    connector: &dyn LakeflowConnect,
    table: &str,
    options: &TableOptions,
    clock: chrono::DateTime<chrono::Utc>,
) -> Result<()> {
    let context = ReadContext::new(Horizon::at(clock));
    let mut items = connector.read_table(table, &Offset::beginning(), options, &context).await?;
    futures::TryStreamExt::try_next(&mut items).await.map(|_| ())
}

/// A name as fingers that slip write it.
fn misspelt(name: &str) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    if letters.len() > 3 {
        let end = letters.len() - 1;
        letters.swap(end, end - 1);
        if letters.iter().collect::<String>() == name {
            letters.pop();
        }
    } else {
        letters.extend(letters.clone().last());
    }
    letters.into_iter().collect()
}

pub(super) const SCHEMA_IS_STABLE: Check = Check {
    name: "schema_is_stable",
    demand: "The schema has columns of types that Spark SQL has, no name twice, and is the same whenever it is asked for.",
    advice: "look at `schema` of the table in `connector.yaml`",
    scope: Scope::Table,
    needs: &[],
    run: |trial| Box::pin(schema_is_stable(trial)),
};

async fn schema_is_stable(trial: &Trial<'_>) -> Outcome {
    let bench = trial.bench().await?;
    let (first, second) = (bench.schema().await?, bench.schema().await?);
    if first != second {
        let found = "another one from the next connector";
        return Err(Finding::new("the same schema each time", found).at("`get_table_schema`").into());
    }
    if first.fields().is_empty() {
        return Err(Finding::new("at least one column", "none").at("`get_table_schema`").into());
    }
    let mut seen = BTreeSet::new();
    let repeated: Vec<&String> =
        first.fields().iter().map(|field| field.name()).filter(|name| !seen.insert(name.to_lowercase())).collect();
    if !repeated.is_empty() {
        let expected = "each column once, in whatever case: Spark does not tell cases apart";
        return Err(Finding::new(expected, named(&repeated)).at("`get_table_schema`").into());
    }
    Typer::new(&trial.table.name, first, BadValues::Rescue)
        .map(|_| ())
        .map_err(|error| Finding::new("types that Spark SQL has", told(&error)).at("`get_table_schema`").into())
}

pub(super) const KEYS_ARE_COLUMNS: Check = Check {
    name: "keys_are_columns",
    demand: "Every primary key and the cursor field name a column; a table that is not `append` has keys, one that is \
             not a snapshot has a cursor; the metadata is the same whenever it is asked for.",
    advice: "look at `primary_keys`, `cursor_field` and `schema` of the table in `connector.yaml`",
    scope: Scope::Table,
    needs: &[],
    run: |trial| Box::pin(keys_are_columns(trial)),
};

async fn keys_are_columns(trial: &Trial<'_>) -> Outcome {
    let (metadata, again) = (trial.metadata().await?, trial.ask_for_metadata().await?);
    let schema = trial.bench().await?.schema().await?;
    let fault = |expected: String, found: String| Err(Finding::new(expected, found).at("`read_table_metadata`").into());
    if metadata != again {
        return fault("the same metadata each time".to_owned(), format!("{metadata:?}, then {again:?}"));
    }
    let kind = metadata.ingestion_type;
    if kind != IngestionType::Append && metadata.primary_keys.is_empty() {
        return fault(format!("primary keys: the table is `{kind}`"), "none".to_owned());
    }
    if matches!(kind, IngestionType::Cdc | IngestionType::CdcWithDeletes) && metadata.cursor_field.is_none() {
        return fault(format!("a cursor field: the table is `{kind}`"), "none".to_owned());
    }
    for path in metadata.primary_keys.iter().chain(&metadata.cursor_field) {
        if !is_column(&schema, path) {
            let names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
            return fault(format!("a column `{path}`"), format!("the columns {}", named(&names)));
        }
    }
    Ok(())
}

fn is_column(schema: &Schema, path: &ColumnPath) -> bool {
    let mut fields = schema.fields();
    let (last, outer) = match path.parts().split_last() {
        Some(parts) => parts,
        None => return false,
    };
    for part in outer {
        match fields.find(part).map(|(_, field)| field.data_type()) {
            Some(DataType::Struct(inner)) => fields = inner,
            _ => return false,
        }
    }
    fields.find(last).is_some()
}

pub(super) const UNKNOWN_OPTION_IS_AN_ERROR: Check = Check {
    name: "unknown_option_is_an_error",
    demand: "An option that the table does not have is an error of metadata and read; it names the nearest known option.",
    advice: "refuse what is not declared, with `lakeflow_interface::unknown_name`",
    scope: Scope::Table,
    needs: &[Need::DeclaredOptions],
    run: |trial| Box::pin(unknown_option_is_an_error(trial)),
};

async fn unknown_option_is_an_error(trial: &Trial<'_>) -> Outcome {
    let bench = trial.bench().await?;
    let connector = bench.connector()?;
    let known = trial.table.inputs.first().map(|input| input.name.clone());
    let name = known.as_deref().map_or_else(|| "surely_not_an_option".to_owned(), misspelt);
    let options = bench.options(&[(name.as_str(), "1".to_owned())]);
    let table = trial.table.name.as_str();
    let answers = [
        ("read_table_metadata", connector.read_table_metadata(table, &options).await.err()),
        ("read_table", first_error(connector.as_ref(), table, &options, bench.clock()).await.err()),
    ];
    for (method, answer) in answers {
        let place = || format!("`{method}` with the option `{name}`");
        match &known {
            Some(known) => names_the_nearest("option", known, &name, answer).at(place)?,
            None if answer.is_some() => {}
            None => return Err(Finding::new("an error: there is no such option", "none").at(place()).into()),
        }
    }
    Ok(())
}

pub(super) const MISSING_OPTION_IS_AN_ERROR: Check = Check {
    name: "missing_option_is_an_error",
    demand: "A required option that is not given is an error that names it, before anything is asked of the source.",
    advice: "say `required: true` where the option is declared",
    scope: Scope::Table,
    needs: &[Need::DeclaredOptions],
    run: |trial| Box::pin(missing_option_is_an_error(trial)),
};

async fn missing_option_is_an_error(trial: &Trial<'_>) -> Outcome {
    let bench = trial.bench().await?;
    let connector = bench.connector()?;
    let required = trial.table.inputs.iter().filter(|input| input.required && input.default.is_none());
    for name in required.map(|input| &input.name) {
        let options = bench.options(&[]);
        let options = options.iter().filter(|(other, _)| other != name).collect();
        let answer = first_error(connector.as_ref(), &trial.table.name, &options, bench.clock()).await;
        let expected = format!("an error of the kind `configuration` that names the option `{name}`");
        let fault = match answer {
            Err(error) if error.kind() == ErrorKind::Configuration && told(&error).contains(name.as_str()) => None,
            Err(error) => Some(told(&error)),
            Ok(()) => Some("no error".to_owned()),
        };
        if let Some(found) = fault {
            return Err(Finding::new(expected, found).at(format!("`read_table` without `{name}`")).into());
        }
    }
    Ok(())
}
