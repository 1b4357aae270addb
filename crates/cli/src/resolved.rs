//! `ResolvedConnection`: a connection of the user's, with all that it takes to connect from here or from elsewhere.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lakeflow_interface::{Error, Result, Secret};
use lakeflow_manifest::Definition;
use lakeflow_python_connector::ConnectorName;

use crate::catalog::{MANIFEST, Source};
use crate::environment;
use crate::session::Session;

/// Where connections and sources are looked for; by default where the program looks for them.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    /// The connections file, instead of the one that the environment or the configuration folder has.
    pub connections: Option<PathBuf>,
    /// Folders of sources that are used instead of built-in ones of their names.
    pub source_folders: Vec<PathBuf>,
}

/// A connection of the user's: its source and its parameters, references resolved.
#[derive(Clone, Debug)]
pub struct ResolvedConnection {
    /// The source that it leads to.
    pub source: String,
    /// The source's definition as it is written; nothing where it is built in.
    pub definition: Option<String>,
    /// The parameters of the connection.
    pub parameters: BTreeMap<String, Secret>,
}

impl Lookup {
    /// A connection by name.
    ///
    /// # Errors
    /// `Configuration` where there is no such connection, or a reference of it leads nowhere.
    pub async fn connection(&self, name: &str) -> Result<ResolvedConnection> {
        let in_connection = |error: Error| error.with_context("connection", name);
        let session = self.session();
        let connections = session.connections()?;
        let connection = connections.get(name)?;
        let parameters = connection.resolve(connections.folder()).await.map_err(in_connection)?;
        let resolved = self.source(&connection.source).map_err(in_connection)?;
        Ok(ResolvedConnection { parameters, ..resolved })
    }

    /// A source by name, as a connection without parameters; a connector written in Python is named as `module:Class`.
    ///
    /// # Errors
    /// `Configuration` with the nearest known name.
    pub fn source(&self, name: &str) -> Result<ResolvedConnection> {
        if ConnectorName::parse(name).is_some() {
            return Ok(ResolvedConnection { source: name.to_owned(), definition: None, parameters: BTreeMap::new() });
        }
        let catalog = self.session().catalog()?;
        let source = catalog.find(name)?;
        let definition = match source.path() {
            Some(_) => source.text(MANIFEST)?.map(std::borrow::Cow::into_owned),
            None => None,
        };
        Ok(ResolvedConnection { source: source.name().to_owned(), definition, parameters: BTreeMap::new() })
    }

    /// The names of all sources, sorted.
    ///
    /// # Errors
    /// `Configuration` and `Definition` where a configured place cannot be read.
    pub fn sources(&self) -> Result<Vec<String>> {
        Ok(self.session().catalog()?.iter().map(|source| source.name().to_owned()).collect())
    }

    fn session(&self) -> Session {
        let from_environment = || std::env::var_os(environment::CONNECTIONS).filter(|path| !path.is_empty());
        let connections = self.connections.clone().or_else(|| from_environment().map(PathBuf::from));
        Session::looking_in(connections, self.source_folders.clone())
    }
}

impl ResolvedConnection {
    /// The connector written in Python that the source is, if it is one.
    pub fn python(&self) -> Option<ConnectorName> {
        ConnectorName::parse(&self.source)
    }

    /// The source's definition, loaded and checked.
    ///
    /// # Errors
    /// `Definition` with everything that is wrong.
    pub fn load(&self) -> Result<Definition> {
        match &self.definition {
            Some(text) => Definition::parse(text, &format!("{}/{MANIFEST}", self.source)),
            None => Source::built_in(lakeflow_sources::find(&self.source)?).definition(),
        }
    }
}
