//! The source of `community-connector new`, with some text replaced, and its connectors wrapped.

use std::sync::Arc;

use lakeflow_conformance::{Connect, Input, Instructions, Subject};
use lakeflow_interface::LakeflowConnect;
use lakeflow_manifest::{ConnectSettings, Definition, ParentColumns, Setting};
use lakeflow_simulator::SimulatorDefinition;

use crate::list::Mutation;

const MANIFEST: &str = "connector.yaml";

const FILES: [(&str, &str); 5] = [
    (MANIFEST, include_str!("../../../../templates/source/connector.yaml")),
    ("simulator/endpoints.yaml", include_str!("../../../../templates/source/simulator/endpoints.yaml")),
    ("simulator/corpus/agents.json", include_str!("../../../../templates/source/simulator/corpus/agents.json")),
    ("simulator/corpus/comments.json", include_str!("../../../../templates/source/simulator/corpus/comments.json")),
    ("simulator/corpus/tickets.json", include_str!("../../../../templates/source/simulator/corpus/tickets.json")),
];

/// The subject that a mutation makes.
pub(crate) fn subject(mutation: &Mutation) -> Subject {
    let mut files: Vec<(&str, String)> = FILES.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
    for (file, from, to) in mutation.edits {
        let (_, text) = files.iter_mut().find(|(name, _)| name == file).unwrap();
        assert!(text.contains(from), "{}: `{from}` is not in {file}", mutation.what);
        *text = text.replace(from, to);
    }
    let (_, manifest) = files.iter().find(|(name, _)| *name == MANIFEST).unwrap();
    let definition = Definition::parse(manifest, MANIFEST).unwrap();
    let simulator = files.iter().filter(|(name, _)| *name != MANIFEST).map(|(name, text)| (*name, text.as_str()));
    let simulator = SimulatorDefinition::parse(simulator).unwrap();
    let (connecting, able, broken) = (definition.clone(), mutation.ability, mutation.breakage);
    let connect: Connect = Arc::new(move |parameters, upstream| {
        let settings = ConnectSettings { upstream, user_agent: "mutations".to_owned(), concurrency: 4, readers: 1 };
        let connector: Arc<dyn LakeflowConnect> = connecting.connect(parameters, settings)?;
        let connector = able.map_or_else(|| connector.clone(), |able| able(connector.clone()));
        Ok(broken.map_or_else(|| connector.clone(), |broken| broken(connector.clone(), parameters)))
    });
    let parameters = inputs(definition.parameters());
    let mut subject = Subject::simulated("shop", connect, &parameters, simulator, Instructions::default()).unwrap();
    for table in definition.tables() {
        subject = subject.with_table(table, inputs(definition.table_options(table).unwrap()), &Default::default());
        if definition.comes_with_parent(table).unwrap() {
            subject = subject.with_rows_of_changed_parents(table);
        }
        if let Some(ParentColumns { parent, columns }) = definition.parent_columns(table).unwrap() {
            subject = subject.with_parent(table, &parent, &columns);
        }
    }
    subject
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
