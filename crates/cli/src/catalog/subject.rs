//! A source as the generic suite wants it.

use std::collections::BTreeMap;
use std::sync::Arc;

use lakeflow_conformance::{Connect, Input, Subject};
use lakeflow_interface::{Result, Secret};
use lakeflow_manifest::{ConnectSettings, Definition, ParentColumns, Setting};

use super::Source;

type Options = BTreeMap<String, String>;

/// A source against its own simulator.
pub(crate) fn simulated_subject(source: &Source, settings: &ConnectSettings, options: &Options) -> Result<Subject> {
    let definition = source.definition()?;
    let parameters = inputs(definition.parameters());
    let connect = connect(&definition, settings);
    let subject = Subject::simulated(source.name(), connect, &parameters, source.simulator()?, source.instructions()?)?;
    let subject = with_tables(subject, &definition, options)?;
    subject.check_instructions()?;
    Ok(subject)
}

/// A source against the account that a connection leads to.
pub(crate) fn live_subject(
    source: &Source,
    settings: &ConnectSettings,
    parameters: BTreeMap<String, Secret>,
    options: &Options,
) -> Result<Subject> {
    let definition = source.definition()?;
    let inputs = inputs(definition.parameters());
    let subject = Subject::live(source.name(), connect(&definition, settings), parameters, &inputs);
    with_tables(subject, &definition, options)
}

fn with_tables(mut subject: Subject, definition: &Definition, options: &Options) -> Result<Subject> {
    for table in definition.tables() {
        let inputs = inputs(definition.table_options(table)?);
        let given = options.iter().filter(|(name, _)| inputs.iter().any(|input| input.name == **name));
        let given = given.map(|(name, value)| (name.clone(), value.clone())).collect();
        subject = subject.with_table(table, inputs, &given);
        if definition.comes_with_parent(table)? {
            subject = subject.with_rows_of_changed_parents(table);
        }
        if let Some(ParentColumns { parent, columns }) = definition.parent_columns(table)? {
            subject = subject.with_parent(table, &parent, &columns);
        }
    }
    Ok(subject)
}

fn connect(definition: &Definition, settings: &ConnectSettings) -> Connect {
    let (definition, settings) = (definition.clone(), settings.clone());
    Arc::new(move |parameters, upstream| {
        let upstream = upstream.or_else(|| settings.upstream.clone());
        definition.connect(parameters, ConnectSettings { upstream, ..settings.clone() })
    })
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
