//! Every source, table by table, against every check of the generic suite.

use std::process::ExitCode;
use std::sync::Arc;

use lakeflow_conformance::{Case, Connect, Input, Instructions, Subject, Verdict, cases};
use lakeflow_interface::{Error, ErrorKind, Result};
use lakeflow_manifest::{ConnectSettings, ParentColumns, Setting};
use lakeflow_simulator::SimulatorDefinition;
use lakeflow_sources::Source;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = lakeflow_sources::all().iter().flat_map(trials).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The cases of a source as tests; a source that cannot be loaded is one test that fails.
fn trials(source: &Source) -> Vec<Trial> {
    let subject = match subject(source) {
        // The tests run until the program ends.
        Ok(subject) => &*Box::leak(Box::new(subject)),
        Err(error) => {
            let failure = format!("{error:?}");
            return vec![Trial::test(format!("{}::is_a_source", source.name()), move || Err(Failed::from(failure)))];
        }
    };
    let cases = cases(subject, None).unwrap_or_default();
    cases.into_iter().map(|case| Trial::test(case.name(), move || outcome(case))).collect()
}

fn outcome(case: Case<'_>) -> Result<(), Failed> {
    match case.run().verdict {
        Verdict::Passed | Verdict::Skipped(_) => Ok(()),
        Verdict::Failed(finding) => Err(Failed::from(format!("{}\n\n{finding}", case.check().demand))),
    }
}

fn subject(source: &Source) -> Result<Subject> {
    let definition = source.definition()?;
    let files = source.files_under("simulator/").map(|(path, bytes)| Ok((path, text(path, bytes)?)));
    let simulator =
        SimulatorDefinition::parse_with_schemas(files.collect::<Result<Vec<_>>>()?, &definition.record_schemas())?;
    let instructions = match source.file(Instructions::FILE) {
        Some(bytes) => Instructions::parse(text(Instructions::FILE, bytes)?, source.name())?,
        None => Instructions::default(),
    };
    let connecting = definition.clone();
    let connect: Connect = Arc::new(move |parameters, upstream| {
        let user_agent = "lakeflow-conformance".to_owned();
        connecting.connect(parameters, ConnectSettings { upstream, user_agent, concurrency: 4, readers: 1 })
    });
    let parameters = inputs(definition.parameters());
    let mut subject = Subject::simulated(source.name(), connect, &parameters, simulator, instructions)?;
    for table in definition.tables() {
        subject = subject.with_table(table, inputs(definition.table_options(table)?), &Default::default());
        if definition.comes_with_parent(table)? {
            subject = subject.with_rows_of_changed_parents(table);
        }
        if let Some(ParentColumns { parent, columns }) = definition.parent_columns(table)? {
            subject = subject.with_parent(table, &parent, &columns);
        }
    }
    subject.check_instructions()?;
    Ok(subject)
}

fn inputs(settings: &[Setting]) -> Vec<Input> {
    let input = |setting: &Setting| Input {
        name: setting.name.clone(),
        required: setting.required,
        secret: setting.secret,
        default: setting.default.clone(),
        values: setting.r#enum.clone(),
        max: setting.max,
        sample: setting.sample_of_type(),
    };
    settings.iter().map(input).collect()
}

fn text<'b>(path: &str, bytes: &'b [u8]) -> Result<&'b str> {
    std::str::from_utf8(bytes)
        .map_err(|error| Error::new(ErrorKind::Definition, format!("the file `{path}` is not UTF-8")).with_cause(error))
}
