//! `Description`: all that it takes to open a connection in another process, and the connections that are open in this one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use community_connector::{REQUESTS, ResolvedConnection, USER_AGENT};
use lakeflow_interface::{LakeflowConnect, Result, Secret};
use lakeflow_manifest::{ConnectSettings, Definition};
use lakeflow_python_connector::{PythonConnector, PythonSettings};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::errors::misuse;
use crate::runtime::runtime;

/// Connections that stay open in a process: tasks that follow each other share their limits and their tokens.
const MOST_OPEN: usize = 16;

/// Each with the process that opened it: after a fork its network is gone.
static OPEN: Mutex<Vec<(u32, Description, Arc<Opened>)>> = Mutex::new(Vec::new());

/// A connection as it travels to other processes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Description {
    pub(crate) source: String,
    definition: Option<String>,
    parameters: BTreeMap<String, String>,
    upstream: Option<Url>,
    /// The processes that read with it at a time.
    readers: usize,
}

/// A connection at work.
pub(crate) struct Opened {
    /// What the source's folder says; a connector written in Python has none.
    pub(crate) definition: Option<Definition>,
    pub(crate) connector: Arc<dyn LakeflowConnect>,
}

impl Description {
    pub(crate) fn new(resolved: ResolvedConnection, upstream: Option<&str>) -> Result<Self> {
        let upstream = upstream.map(|text| {
            let misfit =
                |cause| misuse(format!("expected a URL as option `upstream`, found `{text}`")).with_cause(cause);
            Url::parse(text).map_err(misfit)
        });
        let parameters = resolved.parameters.into_iter().map(|(name, value)| (name, value.expose().to_owned()));
        Ok(Self {
            source: resolved.source,
            definition: resolved.definition,
            parameters: parameters.collect(),
            upstream: upstream.transpose()?,
            readers: 1,
        })
    }

    /// The same for one of so many processes that read at a time.
    pub(crate) fn shared_by(&self, readers: usize) -> Self {
        Self { readers, ..self.clone() }
    }

    /// The connection at work: the one that is open already, or a new one. `python` runs connectors written in Python.
    pub(crate) fn open(&self, python: &Path) -> Result<Arc<Opened>> {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let process = std::process::id();
        if let Some((.., opened)) = open.iter().find(|(owner, known, _)| *owner == process && known == self) {
            return Ok(opened.clone());
        }
        let opened = Arc::new(self.connect(python)?);
        if open.len() == MOST_OPEN {
            open.remove(0);
        }
        open.push((process, self.clone(), opened.clone()));
        Ok(opened)
    }

    fn connect(&self, python: &Path) -> Result<Opened> {
        let parameters: BTreeMap<String, Secret> =
            self.parameters.iter().map(|(name, value)| (name.clone(), Secret::new(value))).collect();
        let (source, definition) = (self.source.clone(), self.definition.clone());
        let resolved = ResolvedConnection { source, definition, parameters };
        if let Some(connector) = resolved.python() {
            let settings = PythonSettings { connector, python: python.to_owned(), options: resolved.parameters };
            let connector = Arc::new(runtime()?.block_on(PythonConnector::load(settings))?);
            return Ok(Opened { definition: None, connector });
        }
        let definition = resolved.load()?;
        let settings = ConnectSettings {
            upstream: self.upstream.clone(),
            user_agent: USER_AGENT.to_owned(),
            concurrency: REQUESTS,
            readers: self.readers,
        };
        let connector = definition.connect(&resolved.parameters, settings)?;
        Ok(Opened { definition: Some(definition), connector })
    }
}
