//! `Subject`: a connector, with all that is needed to try it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use lakeflow_interface::{ColumnPath, Error, ErrorKind, LakeflowConnect, Result, Secret, TableOptions, unknown_name};
use lakeflow_simulator::SimulatorDefinition;
use url::Url;

use crate::instructions::{Instructions, TableInstructions};

/// Makes a connector of connection parameters; every request goes to the address, where one is given.
pub type Connect =
    Arc<dyn Fn(&BTreeMap<String, Secret>, Option<Url>) -> Result<Arc<dyn LakeflowConnect>> + Send + Sync>;

/// Something that a user gives: a connection parameter or a table option.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Whether it must be given.
    pub required: bool,
    /// Whether nobody may see it.
    pub secret: bool,
    /// Its value where it is not given.
    pub default: Option<String>,
    /// The values that it may have; none means any.
    pub values: Vec<String>,
    /// The greatest number that it may be.
    pub max: Option<i64>,
    /// A value of its type, where not any text is one.
    pub sample: Option<String>,
}

/// A connector, with all that is needed to try it.
#[derive(Clone)]
pub struct Subject {
    pub(crate) name: String,
    pub(crate) connect: Connect,
    pub(crate) simulator: Option<SimulatorDefinition>,
    pub(crate) parameters: BTreeMap<String, Secret>,
    /// The names of the parameters that nobody may see.
    pub(crate) secrets: Vec<String>,
    pub(crate) tables: Vec<TableUnderTest>,
    /// Whether test rows may be written to the source itself.
    pub(crate) may_write: bool,
    /// Whether the options of tables are declared, so that others can be refused.
    pub(crate) declares_options: bool,
    instructions: Instructions,
}

/// A table, with the options that it is read with.
#[derive(Clone, Debug)]
pub(crate) struct TableUnderTest {
    pub(crate) name: String,
    pub(crate) inputs: Vec<Input>,
    pub(crate) options: TableOptions,
    pub(crate) instructions: TableInstructions,
    /// Whether its rows have no change of their own: when their parent changes, all of its rows come again.
    pub(crate) comes_with_parent: bool,
    /// The table whose every row it is read once for.
    pub(crate) parent: Option<ParentColumns>,
}

/// A parent table, and the columns of its child that hold fields of the parent's row.
#[derive(Clone, Debug)]
pub(crate) struct ParentColumns {
    pub(crate) table: String,
    /// The child's column and the parent's.
    pub(crate) columns: Vec<(String, ColumnPath)>,
}

impl Subject {
    /// A connector against the simulator of its source. Constants of the simulator are the values of the parameters
    /// and options of the same names; secrets are made up.
    pub fn simulated(
        name: impl Into<String>,
        connect: Connect,
        parameters: &[Input],
        simulator: SimulatorDefinition,
        instructions: Instructions,
    ) -> Result<Self> {
        let constants: BTreeMap<&str, &str> = simulator.constants().collect();
        let mut values = BTreeMap::new();
        for parameter in parameters {
            let given = instructions.connection.get(&parameter.name).map(|value| value.0.as_str());
            let given = given.or_else(|| constants.get(parameter.name.as_str()).copied());
            if let Some(value) = given.map(str::to_owned).or_else(|| made_up(parameter)) {
                values.insert(parameter.name.clone(), Secret::new(value));
            }
        }
        let known = || parameters.iter().map(|parameter| parameter.name.as_str());
        if let Some(name) = instructions.connection.keys().find(|name| !known().any(|known| known == name.as_str())) {
            let error = unknown_name(ErrorKind::Definition, "connection parameter", name, known().collect::<Vec<_>>());
            return Err(error.with_context("file", Instructions::FILE));
        }
        let mut subject = Self::live(name, connect, values, parameters);
        subject.simulator = Some(simulator);
        subject.instructions = instructions;
        Ok(subject)
    }

    /// A connector against the source itself.
    pub fn live(
        name: impl Into<String>,
        connect: Connect,
        parameters: BTreeMap<String, Secret>,
        inputs: &[Input],
    ) -> Self {
        let secrets = inputs.iter().filter(|input| input.secret && parameters.contains_key(&input.name));
        Self {
            name: name.into(),
            connect,
            simulator: None,
            secrets: secrets.map(|input| input.name.clone()).collect(),
            parameters,
            tables: Vec::new(),
            may_write: false,
            declares_options: true,
            instructions: Instructions::default(),
        }
    }

    /// Allows test rows to be written to the source itself; they are removed again where its API can.
    #[must_use]
    pub fn with_writes(mut self) -> Self {
        self.may_write = true;
        self
    }

    /// Says that the connector takes any options and says nothing about them.
    #[must_use]
    pub fn with_undeclared_options(mut self) -> Self {
        self.declares_options = false;
        self
    }

    /// Whether the source itself is asked.
    pub fn is_live(&self) -> bool {
        self.simulator.is_none()
    }

    /// Adds a table with what a user can set for it, and the options that the user gave.
    #[must_use]
    pub fn with_table(mut self, name: &str, inputs: Vec<Input>, given: &BTreeMap<String, String>) -> Self {
        let instructions = self.instructions.tables.get(name).cloned().unwrap_or_default();
        let constants: BTreeMap<&str, &str> = self.simulator.iter().flat_map(SimulatorDefinition::constants).collect();
        let value = |input: &Input| {
            let own = instructions.options.get(&input.name).or_else(|| self.instructions.options.get(&input.name));
            let constant = || constants.get(input.name.as_str()).filter(|_| input.default.is_none());
            let value = given.get(&input.name).map(String::as_str);
            value.or(own.map(|value| value.0.as_str())).or_else(|| constant().copied()).map(str::to_owned)
        };
        let options = inputs.iter().filter_map(|input| Some((input.name.clone(), value(input)?))).collect();
        let name = name.to_owned();
        self.tables.push(TableUnderTest {
            name,
            inputs,
            options,
            instructions,
            comes_with_parent: false,
            parent: None,
        });
        self
    }

    /// Says of a table that its rows have no change of their own: when a row of the parent changes, all rows that belong to
    /// it come again, with the parent's cursor.
    #[must_use]
    pub fn with_rows_of_changed_parents(mut self, name: &str) -> Self {
        self.tables.iter_mut().filter(|table| table.name == name).for_each(|table| table.comes_with_parent = true);
        self
    }

    /// Says of a table that it is read once for every row of another, and which of its columns hold which columns of
    /// that row.
    #[must_use]
    pub fn with_parent(mut self, name: &str, parent: &str, columns: &[(String, ColumnPath)]) -> Self {
        let parent = ParentColumns { table: parent.to_owned(), columns: columns.to_vec() };
        self.tables.iter_mut().filter(|table| table.name == name).for_each(|table| table.parent = Some(parent.clone()));
        self
    }

    /// Whether what was said about tables is about tables that there are.
    ///
    /// # Errors
    /// [`ErrorKind::Definition`] with the nearest known name.
    pub fn check_instructions(&self) -> Result<()> {
        let known = || self.tables.iter().map(|table| table.name.as_str());
        for (name, table) in &self.instructions.tables {
            if !known().any(|known| known == name) {
                let error = unknown_name(ErrorKind::Definition, "table", name, known().collect::<Vec<_>>());
                return Err(error.with_context("file", Instructions::FILE));
            }
            table.check(name, self.simulator.as_ref())?;
        }
        Ok(())
    }

    /// The name of the source.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The names of the tables.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(|table| table.name.as_str())
    }

    /// The same subject with connectors that another function makes of its connectors.
    #[must_use]
    pub fn wrapped(
        mut self,
        wrap: impl Fn(Arc<dyn LakeflowConnect>) -> Arc<dyn LakeflowConnect> + Send + Sync + 'static,
    ) -> Self {
        let connect = self.connect;
        self.connect = Arc::new(move |parameters, upstream| connect(parameters, upstream).map(&wrap));
        self
    }

    pub(crate) fn table(&self, name: &str) -> Result<&TableUnderTest> {
        let found = self.tables.iter().find(|table| table.name == name);
        found.ok_or_else(|| unknown_name(ErrorKind::Configuration, "table", name, self.tables().collect::<Vec<_>>()))
    }

    pub(crate) fn simulator(&self) -> Result<&SimulatorDefinition> {
        let missing = || Error::new(ErrorKind::Internal, "this check needs the source's simulator");
        self.simulator.as_ref().ok_or_else(missing)
    }
}

impl TableUnderTest {
    /// The corpus that the table's rows come from.
    pub(crate) fn corpus(&self) -> &str {
        self.instructions.corpus.as_deref().unwrap_or(&self.name)
    }

    pub(crate) fn input(&self, name: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| input.name == name)
    }

    /// How long what has happened is not read yet, where the table waits for complete windows.
    pub(crate) fn settling(&self) -> Duration {
        let delay = self.seconds("delay_seconds");
        delay.map_or(Duration::ZERO, |delay| delay + self.seconds("window_seconds").unwrap_or_default())
    }

    /// The length of the ranges that are read when they are complete, where the table waits for that.
    pub(crate) fn range(&self) -> Option<TimeDelta> {
        self.seconds("delay_seconds")?;
        TimeDelta::from_std(self.seconds("window_seconds")?).ok()
    }

    fn seconds(&self, name: &str) -> Option<Duration> {
        let input = self.input(name)?;
        let value = self.options.get(name).or(input.default.as_deref())?;
        value.parse().ok().map(Duration::from_secs)
    }
}

/// A value for a parameter that nobody said anything about.
fn made_up(parameter: &Input) -> Option<String> {
    let sample = || parameter.values.first().or(parameter.sample.as_ref()).cloned();
    match (parameter.secret, parameter.required && parameter.default.is_none()) {
        (true, _) => {
            Some(sample().unwrap_or_else(|| format!("simulated-{}-5d1c7e90", parameter.name.replace('_', "-"))))
        }
        (false, true) => Some(sample().unwrap_or_else(|| "simulated".to_owned())),
        (false, false) => None,
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject({}, {} tables)", self.name, self.tables.len())
    }
}
