//! `Session`: what every command works with: the printer, the common options, the connections.

use std::path::PathBuf;
use std::sync::Arc;

use etcetera::BaseStrategy;
use lakeflow_interface::{Error, ErrorKind, Result};
use url::Url;

use crate::args::CommonArguments;
use crate::connections::Connections;
use crate::printer::Printer;

/// What every command works with.
pub(crate) struct Session {
    /// Where output goes.
    pub(crate) printer: Arc<Printer>,
    /// Folder or URL of the destination tables.
    pub(crate) lakehouse: String,
    /// Replaces the address of every source.
    pub(crate) upstream: Option<Url>,
    /// How many tables are read at once.
    pub(crate) parallel: usize,
    connections: PathBuf,
}

impl Session {
    /// The session that the common options ask for.
    pub(crate) fn new(common: CommonArguments, printer: Arc<Printer>) -> Result<Self> {
        Ok(Self {
            printer,
            lakehouse: common.lakehouse,
            upstream: common.upstream,
            parallel: common.parallel.into(),
            connections: common.connections.map_or_else(default_connections_file, Ok)?,
        })
    }

    /// The user's connections; warns where others can read the file.
    pub(crate) fn connections(&self) -> Result<Connections> {
        let connections = Connections::load(&self.connections)?;
        if let Some(mode) = connections.too_wide_mode() {
            let path = connections.path().display();
            self.printer.warning(
                format_args!("others can read the connections file `{path}`: its mode is {mode:04o}"),
                Some(&format!("`chmod 600 {path}`")),
            );
        }
        Ok(connections)
    }
}

fn default_connections_file() -> Result<PathBuf> {
    let folders = etcetera::choose_base_strategy().map_err(|error| {
        Error::new(ErrorKind::Configuration, "your configuration folder cannot be found")
            .with_hint("name the connections file: `--connections FILE`")
            .with_cause(error)
    })?;
    Ok(folders.config_dir().join("community-connector").join("connections.yaml"))
}
