//! `Session`: what every command works with: the printer, the common options, the connections.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use etcetera::BaseStrategy;
use lakeflow_interface::{Error, ErrorKind, LakeflowConnect, Result, Secret, unknown_name};
use lakeflow_manifest::{ConnectSettings, Definition};
use lakeflow_simulator::{Recorder, RecorderSettings};
use url::Url;

use crate::args::{CommonArguments, OutputFormat};
use crate::catalog::{Catalog, PythonSources, Source, SourceList};
use crate::connections::{Connection, Connections};
use crate::printer::Printer;
use crate::{REQUESTS, USER_AGENT};

/// What a name given to `tables` or `describe` means.
pub(crate) struct Target {
    /// The source's definition; a connector written in Python has none.
    pub(crate) definition: Option<Definition>,
    /// What reads the source, where the name is a connection's or a Python connector's.
    pub(crate) connector: Option<Arc<dyn LakeflowConnect>>,
}

/// What every command works with.
#[derive(Clone)]
pub(crate) struct Session {
    /// Where output goes.
    pub(crate) printer: Arc<Printer>,
    /// Folder or URL of the destination tables.
    pub(crate) lakehouse: String,
    /// Replaces the address of every source.
    pub(crate) upstream: Option<Url>,
    /// How many tables are read at once.
    pub(crate) parallel: usize,
    /// Whether the user wants to know more.
    pub(crate) verbose: bool,
    /// How connectors written in Python are run.
    pub(crate) python: PythonSources,
    connections: Option<PathBuf>,
    source_folders: Vec<PathBuf>,
}

impl Session {
    /// The session that the common options ask for.
    pub(crate) fn new(mut common: CommonArguments, printer: Arc<Printer>) -> Result<Self> {
        Ok(Self {
            python: PythonSources::new(common.python, &mut common.source_folders)?,
            printer,
            lakehouse: common.lakehouse,
            upstream: common.upstream,
            parallel: common.parallel.into(),
            verbose: common.verbose > 0,
            connections: common.connections,
            source_folders: common.source_folders,
        })
    }

    /// A session that only looks up connections and sources.
    pub(crate) fn looking_in(connections: Option<PathBuf>, source_folders: Vec<PathBuf>) -> Self {
        let printer = Arc::new(Printer::new(OutputFormat::Text));
        let (lakehouse, upstream, python) = (String::new(), None, PythonSources::default());
        Self { printer, lakehouse, upstream, parallel: 1, verbose: false, python, connections, source_folders }
    }

    /// The user's connections; warns where others can read the file.
    pub(crate) fn connections(&self) -> Result<Connections> {
        let connections = match &self.connections {
            Some(path) => Connections::load(path)?,
            None => Connections::load(&configuration_folder()?.join("connections.yaml"))?,
        };
        if let Some(mode) = connections.too_wide_mode() {
            let path = connections.path().display();
            self.printer.warning(
                format_args!("others can read the connections file `{path}`: its mode is {mode:04o}"),
                Some(&format!("`chmod 600 {path}`")),
            );
        }
        Ok(connections)
    }

    /// The folders and Git repositories with sources of the user's own: beside the connections.
    pub(crate) fn places(&self) -> Result<SourceList> {
        let folder = match &self.connections {
            Some(path) => path.parent().map(Path::to_owned).unwrap_or_default(),
            None => configuration_folder()?,
        };
        SourceList::load(&folder.join("sources.yaml"))
    }

    /// The folder for copies of Git repositories: beside the list of them.
    pub(crate) fn copies(&self) -> Result<PathBuf> {
        let list = self.places()?;
        let folder = list.path().parent().unwrap_or(Path::new("")).join("sources");
        std::path::absolute(&folder).map_err(|error| {
            Error::new(ErrorKind::Configuration, format!("the folder `{}` cannot be used", folder.display()))
                .with_cause(error)
        })
    }

    /// The folders of sources that the command names.
    pub(crate) fn source_folders(&self) -> &[PathBuf] {
        &self.source_folders
    }

    /// The sources that this session knows.
    pub(crate) fn catalog(&self) -> Result<Catalog> {
        Catalog::open(&self.places()?, &self.source_folders)
    }

    /// A connector for a connection of the user's; makes no request yet.
    pub(crate) async fn connect(&self, name: &str) -> Result<Arc<dyn LakeflowConnect>> {
        let connections = self.connections()?;
        if let Some(connector) = self.python_connector(name, &connections).await? {
            return Ok(connector);
        }
        self.open(name, connections.get(name)?, &connections).await.map(|(_, connector)| connector)
    }

    /// The connection of this name, else the source of this name.
    pub(crate) async fn target(&self, name: &str) -> Result<Target> {
        let connections = self.connections()?;
        if let Some(connector) = self.python_connector(name, &connections).await? {
            return Ok(Target { definition: None, connector: Some(connector) });
        }
        if connections.contains(name) {
            let (definition, connector) = self.open(name, connections.get(name)?, &connections).await?;
            return Ok(Target { definition: Some(definition), connector: Some(connector) });
        }
        let catalog = self.catalog()?;
        match catalog.iter().find(|source| source.name() == name) {
            Some(source) => Ok(Target { definition: Some(source.definition()?), connector: None }),
            None => {
                let sources = catalog.iter().map(Source::name);
                let names: BTreeSet<&str> = connections.iter().map(|(name, _)| name).chain(sources).collect();
                Err(unknown_name(ErrorKind::Configuration, "connection or source", name, names))
            }
        }
    }

    /// A session that sends the requests of a connection through a recorder, and the recorder.
    pub(crate) async fn recording(&self, connection: &str, keep: usize) -> Result<(Self, Recorder)> {
        let in_connection = |error: Error| error.with_context("connection", connection);
        let connections = self.connections()?;
        let known = connections.get(connection)?;
        if let Some(connector) = self.python.meant(&known.source) {
            return Err(in_connection(PythonSources::unrecorded(&connector)));
        }
        let definition = self.catalog()?.find(&known.source).map_err(in_connection)?.definition()?;
        let parameters = known.resolve(connections.folder()).await.map_err(in_connection)?;
        self.recording_of(&definition, parameters, keep).await
    }

    /// The same for parameters that are known already.
    pub(crate) async fn recording_of(
        &self,
        definition: &Definition,
        parameters: BTreeMap<String, Secret>,
        keep: usize,
    ) -> Result<(Self, Recorder)> {
        let is_secret =
            |name: &str| definition.parameters().iter().any(|setting| setting.secret && setting.name == name);
        let secrets = parameters.into_iter().filter(|(name, _)| is_secret(name)).map(|(_, secret)| secret).collect();
        let settings = RecorderSettings { target: self.upstream.clone(), secrets, keep, ..RecorderSettings::default() };
        let recorder = Recorder::start(settings).await?;
        let session = Self { upstream: Some(recorder.url().clone()), ..self.clone() };
        Ok((session, recorder))
    }

    /// How connectors of this session reach their sources.
    pub(crate) fn connect_settings(&self) -> ConnectSettings {
        ConnectSettings {
            upstream: self.upstream.clone(),
            user_agent: USER_AGENT.to_owned(),
            concurrency: REQUESTS.max(self.parallel),
            readers: 1,
        }
    }

    /// The Python connector that reads a connection, or that the name is; nothing where another kind reads it.
    async fn python_connector(
        &self,
        name: &str,
        connections: &Connections,
    ) -> Result<Option<Arc<dyn LakeflowConnect>>> {
        let known = connections.contains(name).then(|| connections.get(name)).transpose()?;
        let Some(connector) = self.python.meant(known.map_or(name, |connection| &connection.source)) else {
            return Ok(None);
        };
        let Some(connection) = known else {
            return Ok(Some(Arc::new(self.python.load(connector, BTreeMap::new()).await?)));
        };
        let in_connection = |error: Error| error.with_context("connection", name);
        let options = connection.resolve(connections.folder()).await.map_err(in_connection)?;
        let connector = self.python.load(connector, options).await.map_err(in_connection)?;
        Ok(Some(Arc::new(connector)))
    }

    async fn open(
        &self,
        name: &str,
        connection: &Connection,
        connections: &Connections,
    ) -> Result<(Definition, Arc<dyn LakeflowConnect>)> {
        let in_connection = |error: Error| error.with_context("connection", name);
        let definition = self.catalog()?.find(&connection.source).map_err(in_connection)?.definition()?;
        let parameters = connection.resolve(connections.folder()).await.map_err(in_connection)?;
        let connector = definition.connect(&parameters, self.connect_settings()).map_err(in_connection)?;
        Ok((definition, connector))
    }
}

fn configuration_folder() -> Result<PathBuf> {
    let folders = etcetera::choose_base_strategy().map_err(|error| {
        Error::new(ErrorKind::Configuration, "your configuration folder cannot be found")
            .with_hint("name the connections file: `--connections FILE`")
            .with_cause(error)
    })?;
    Ok(folders.config_dir().join("community-connector"))
}
