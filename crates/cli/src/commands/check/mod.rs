//! `check DIR`: every mistake in the folder of a source, with its file, line and column.

mod remark;
mod simulated;
mod unused;

use lakeflow_conformance::Subject;
use lakeflow_interface::{Error, Result};
use lakeflow_manifest::{ConnectSettings, Definition, Problems};
use serde_json::json;

use crate::args::CheckArguments;
use crate::catalog::{MANIFEST, Source, simulated_subject};
use crate::exit::ExitStatus;
use crate::figures::counted;
use crate::session::Session;
use remark::Remark;

/// Files that every source has, besides its definition.
const FILES: [(&str, &str); 3] = [
    ("README.md", "it tells users how to connect, what the tables are, and what the limits are"),
    ("api.md", "it tells maintainers what is known of the API, with references"),
    ("icon.svg", "it stands for the source in lists"),
];

/// Checks the folder and says what is wrong.
pub(crate) async fn run(arguments: &CheckArguments, session: &Session) -> Result<ExitStatus> {
    let source = session.catalog()?.find_or_folder(&arguments.target)?;
    let remarks = remarks(&source, session)?;
    for remark in &remarks {
        session.printer.event(&json!({"event": "problem", "problem": remark}))?;
        session.printer.line(remark)?;
    }
    if remarks.is_empty() {
        let tables = source.definition()?.tables().count() as u64;
        session.printer.event(&json!({"event": "checked", "source": source.name(), "tables": tables}))?;
        session.printer.line(format_args!("{}: {}, nothing to mend", source.name(), counted(tables, "table")))?;
        return Ok(ExitStatus::Success);
    }
    session.printer.status(format_args!("\n{} in {}", counted(remarks.len() as u64, "problem"), source.origin()));
    Ok(ExitStatus::Failure)
}

/// Everything that is wrong. What depends on something that is wrong is not looked at.
fn remarks(source: &Source, session: &Session) -> Result<Vec<Remark>> {
    let mut remarks = missing_files(source)?;
    let (definition, text) = match source.definition() {
        Ok(definition) => (definition, source.text(MANIFEST)?.unwrap_or_default()),
        Err(error) => {
            remarks.extend(of_definition(source, &error));
            return Ok(remarks);
        }
    };
    remarks.extend(unused::remarks(source, &definition, &text));
    match subject(source, session) {
        Ok(subject) => remarks.extend(simulated::remarks(source, &definition, &subject, &text)),
        Err(error) => remarks.push(Remark::of_error(source, &error)),
    }
    remarks.sort();
    Ok(remarks)
}

fn subject(source: &Source, session: &Session) -> Result<Subject> {
    let settings = ConnectSettings { upstream: None, ..session.connect_settings() };
    simulated_subject(source, &settings, &Default::default())
}

fn missing_files(source: &Source) -> Result<Vec<Remark>> {
    let mut remarks = Vec::new();
    for (file, purpose) in FILES {
        if source.text(file)?.is_none() {
            remarks.push(Remark::new(source, file, None, "the file is missing").with_hint(purpose));
        }
    }
    Ok(remarks)
}

/// The problems of a definition, or the error itself where it has none.
fn of_definition(source: &Source, error: &Error) -> Vec<Remark> {
    let problems = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<Problems>());
    let Some(problems) = problems else { return vec![Remark::of_error(source, error)] };
    let remark = |problem: &lakeflow_manifest::Problem| {
        let key = if problem.key.is_empty() { String::new() } else { format!("`{}`: ", problem.key) };
        let remark = Remark::new(source, MANIFEST, Some(problem.place), format!("{key}{}", problem.message));
        match &problem.hint {
            Some(hint) => remark.with_hint(hint.clone()),
            None => remark,
        }
    };
    problems.iter().map(remark).collect()
}

/// The names of the tables of a definition, for those who look at all of them.
fn tables(definition: &Definition) -> Vec<String> {
    definition.tables().map(str::to_owned).collect()
}
