//! `Description`: all that it takes to open a connection in another process, and the connections that are open in this one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use community_connector::{REQUESTS, ResolvedConnection, USER_AGENT};
use lakeflow_interface::{LakeflowConnect, Result, Secret};
use lakeflow_manifest::{ConnectSettings, Definition};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::errors::misuse;

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
}

/// A connection at work.
pub(crate) struct Opened {
    pub(crate) definition: Definition,
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
        })
    }

    /// The connection at work: the one that is open already, or a new one.
    pub(crate) fn open(&self) -> Result<Arc<Opened>> {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let process = std::process::id();
        if let Some((.., opened)) = open.iter().find(|(owner, known, _)| *owner == process && known == self) {
            return Ok(opened.clone());
        }
        let opened = Arc::new(self.connect()?);
        if open.len() == MOST_OPEN {
            open.remove(0);
        }
        open.push((process, self.clone(), opened.clone()));
        Ok(opened)
    }

    fn connect(&self) -> Result<Opened> {
        let parameters: BTreeMap<String, Secret> =
            self.parameters.iter().map(|(name, value)| (name.clone(), Secret::new(value))).collect();
        let (source, definition) = (self.source.clone(), self.definition.clone());
        let definition = ResolvedConnection { source, definition, parameters: BTreeMap::new() }.load()?;
        let settings = ConnectSettings {
            upstream: self.upstream.clone(),
            user_agent: USER_AGENT.to_owned(),
            concurrency: REQUESTS,
        };
        let connector = definition.connect(&parameters, settings)?;
        Ok(Opened { definition, connector })
    }
}
