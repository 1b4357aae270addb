//! `PythonSettings`: which connector, by which Python, with which options.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lakeflow_interface::{Secret, TableOptions, names_secret};

use crate::mask::Mask;
use crate::name::ConnectorName;

/// The option by which a connector can know the table that it is made for.
const TABLE_NAME: &str = "tableName";

/// Which connector, by which Python, with which options.
#[derive(Clone, Debug)]
pub struct PythonSettings {
    /// The connector.
    pub connector: ConnectorName,
    /// The Python that runs it: a path, or a name to look for.
    pub python: PathBuf,
    /// The options of the connection.
    pub options: BTreeMap<String, Secret>,
}

impl PythonSettings {
    /// What the connector's constructor is given: the options of the connection and of the table together. Those of the
    /// connection win, so that a pipeline spec cannot lead a connection's credentials elsewhere.
    pub(crate) fn options_with(&self, table: Option<(&str, &TableOptions)>) -> BTreeMap<String, String> {
        let mut options = BTreeMap::new();
        if let Some((name, table_options)) = table {
            options.insert(TABLE_NAME.to_owned(), name.to_owned());
            let is_connections = |name: &str| self.options.keys().any(|own| own.eq_ignore_ascii_case(name));
            let own = table_options.iter().filter(|(name, _)| !is_connections(name));
            options.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        options.extend(self.options.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())));
        options
    }

    /// Hides the values of the connection, and those of the table's options that are secrets by their names.
    pub(crate) fn hide(&self, table: Option<(&str, &TableOptions)>, mask: &Mask) {
        mask.learn(self.options.values().map(Secret::expose));
        let options = table.into_iter().flat_map(|(_, options)| options.iter());
        mask.learn(options.filter(|(name, _)| names_secret(name)).map(|(_, value)| value));
    }
}
