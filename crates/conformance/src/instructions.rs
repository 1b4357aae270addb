//! `conformance.yaml`: what the suite cannot know of a source by itself.

use std::collections::BTreeMap;

use lakeflow_interface::{Error, ErrorKind, Result, unknown_name};
use lakeflow_simulator::SimulatorDefinition;
use serde::Deserialize;

use crate::checks::CHECKS;

/// What the suite cannot know of a source by itself; mostly nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Instructions {
    /// Values of connection parameters; else constants of the simulator, and made-up secrets.
    pub(crate) connection: BTreeMap<String, Text>,
    /// Values of options, for all tables that have them; else constants of the simulator.
    pub(crate) options: BTreeMap<String, Text>,
    /// What holds for single tables.
    pub(crate) tables: BTreeMap<String, TableInstructions>,
}

/// What holds for a single table.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TableInstructions {
    /// Values of its options.
    pub(crate) options: BTreeMap<String, Text>,
    /// The corpus that its rows come from, if it is not the one with the table's name. Their values are then not
    /// compared.
    pub(crate) corpus: Option<String>,
    /// Checks that do not apply, each with the reason.
    pub(crate) skip: BTreeMap<String, String>,
}

/// A text, a number or a boolean, kept as text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub(crate) struct Text(pub(crate) String);

impl TryFrom<serde_json::Value> for Text {
    type Error = String;

    fn try_from(value: serde_json::Value) -> Result<Self, String> {
        match value {
            serde_json::Value::String(text) => Ok(Self(text)),
            serde_json::Value::Number(number) => Ok(Self(number.to_string())),
            serde_json::Value::Bool(value) => Ok(Self(value.to_string())),
            _ => Err("expected a text, a number or a boolean".to_owned()),
        }
    }
}

impl Instructions {
    /// The file's name in the folder of a source.
    pub const FILE: &str = "conformance.yaml";

    /// Reads the file.
    ///
    /// # Errors
    /// [`ErrorKind::Definition`] with the place of the mistake.
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        let parsed: Option<Self> = serde_saphyr::from_str(text).map_err(|error| {
            let message = error.without_snippet().to_string();
            let message = message.split(" at line ").next().unwrap_or_default().to_owned();
            let place = error.location().map_or((1, 1), |at| (at.line(), at.column()));
            Error::new(ErrorKind::Definition, message)
                .with_context("file", origin)
                .with_context("place", format!("{}:{}", place.0, place.1))
                .with_hint("it holds `connection`, `options` and `tables`: see docs/guides/conformance.md")
        })?;
        Ok(parsed.unwrap_or_default())
    }
}

impl TableInstructions {
    /// Whether the checks and the corpus that it names exist.
    pub(crate) fn check(&self, table: &str, simulator: Option<&SimulatorDefinition>) -> Result<()> {
        let in_file =
            |error: Error| error.with_context("file", Instructions::FILE).with_context("table", table.to_owned());
        for (name, reason) in &self.skip {
            let names = CHECKS.iter().map(|check| check.name);
            if !names.clone().any(|known| known == name) {
                return Err(in_file(unknown_name(ErrorKind::Definition, "check", name, names)));
            }
            if reason.trim().is_empty() {
                return Err(in_file(Error::new(ErrorKind::Definition, format!("`skip.{name}` gives no reason"))));
            }
        }
        if let (Some(corpus), Some(simulator)) = (&self.corpus, simulator)
            && !simulator.tables().any(|known| known == corpus)
        {
            let names: Vec<&str> = simulator.tables().collect();
            return Err(in_file(unknown_name(ErrorKind::Definition, "corpus", corpus, names)));
        }
        Ok(())
    }
}
