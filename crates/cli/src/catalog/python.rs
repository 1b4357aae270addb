//! Sources that are written in Python: `module:Class`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use lakeflow_conformance::{Input, Subject};
use lakeflow_interface::{Error, ErrorKind, LakeflowConnect, Result, Secret, names_secret};
use lakeflow_python_connector::{ConnectorName, PythonConnector, PythonSettings};

/// The Python that runs connectors where the user names none.
pub(crate) const USUAL_PYTHON: &str = "python3";

/// Which Python runs connectors, and which connector the command line names.
#[derive(Clone, Debug)]
pub(crate) struct PythonSources {
    /// The Python.
    pub(crate) python: PathBuf,
    /// The connector of `--source`: it reads every connection of the command.
    pub(crate) chosen: Option<ConnectorName>,
}

impl Default for PythonSources {
    fn default() -> Self {
        Self { python: USUAL_PYTHON.into(), chosen: None }
    }
}

impl PythonSources {
    /// Takes connectors out of the values of `--source`; the others are folders.
    pub(crate) fn new(python: PathBuf, sources: &mut Vec<PathBuf>) -> Result<Self> {
        let mut chosen = None;
        let mut folders = Vec::new();
        for source in std::mem::take(sources) {
            match source.to_str().and_then(ConnectorName::parse) {
                None => folders.push(source),
                Some(name) if chosen.is_none() => chosen = Some(name),
                Some(name) => {
                    return Err(Error::new(
                        ErrorKind::Configuration,
                        format!("`--source {name}` is a second connector"),
                    )
                    .with_hint("all that a command reads is read by the one Python connector that it names"));
                }
            }
        }
        *sources = folders;
        Ok(Self { python, chosen })
    }

    /// The connector in Python that is meant by a name: that of `--source`, else the name itself.
    pub(crate) fn meant(&self, name: &str) -> Option<ConnectorName> {
        self.chosen.clone().or_else(|| ConnectorName::parse(name))
    }

    /// Says that a connector cannot be recorded.
    pub(crate) fn unrecorded(connector: &ConnectorName) -> Error {
        let message = format!("what `{connector}` asks cannot be recorded: its requests are Python's");
        Error::new(ErrorKind::Unsupported, message)
    }

    /// Starts Python and makes the connector.
    pub(crate) async fn load(
        &self,
        connector: ConnectorName,
        options: BTreeMap<String, Secret>,
    ) -> Result<PythonConnector> {
        PythonConnector::load(PythonSettings { connector, python: self.python.clone(), options }).await
    }
}

/// A Python connector as the generic suite wants it: against its source, since there is no simulator.
pub(crate) async fn python_subject(
    name: &str,
    connector: PythonConnector,
    parameters: BTreeMap<String, Secret>,
    options: &BTreeMap<String, String>,
) -> Result<Subject> {
    let tables = connector.list_tables().await?;
    let secrets: Vec<Input> = parameters.keys().map(|name| input(name, true)).collect();
    let connect = Arc::new(move |parameters: &BTreeMap<String, Secret>, _| {
        Ok(Arc::new(connector.with_options(parameters.clone())) as Arc<dyn LakeflowConnect>)
    });
    let mut subject = Subject::live(name, connect, parameters, &secrets).with_undeclared_options();
    for table in tables {
        let inputs = options.keys().map(|name| input(name, names_secret(name))).collect();
        subject = subject.with_table(&table, inputs, options);
    }
    Ok(subject)
}

fn input(name: &str, secret: bool) -> Input {
    Input { name: name.to_owned(), secret, ..Input::default() }
}
