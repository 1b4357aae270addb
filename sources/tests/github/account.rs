//! A simulated GitHub account with a connector that reads it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use lakeflow_interface::{Horizon, LakeflowConnect, Offset, Result, Secret, TableOptions};
use lakeflow_manifest::ConnectSettings;
use lakeflow_simulator::{Advance, Simulator, SimulatorDefinition, SimulatorSettings};
use serde_json::{Map, Value};

use crate::reading::{self, Reading};

/// The token that the simulated account expects.
pub(crate) const TOKEN: &str = "ghp_simulated";

/// The tables of the connector.
pub(crate) const TABLES: [&str; 12] = [
    "issues",
    "pull_requests",
    "comments",
    "commits",
    "reviews",
    "repositories",
    "assignees",
    "branches",
    "collaborators",
    "organizations",
    "teams",
    "users",
];

/// A simulated GitHub account with a connector that reads it.
pub(crate) struct Account {
    /// The simulator.
    pub(crate) simulator: Simulator,
    /// The connector.
    pub(crate) connector: Arc<dyn LakeflowConnect>,
    clock: DateTime<Utc>,
}

impl Account {
    /// An account as the corpus describes it.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// An account with other settings of the simulator.
    pub(crate) async fn with(adapt: impl FnOnce(&mut SimulatorSettings)) -> Self {
        let clock = DateTime::parse_from_rfc3339("2026-03-02T08:30:00Z").unwrap().to_utc();
        let token = Some(Secret::new(TOKEN));
        let mut settings = SimulatorSettings { token, now: Some(clock), ..SimulatorSettings::default() };
        adapt(&mut settings);
        let source = lakeflow_sources::find("github").unwrap();
        let files = source.files_under("simulator/").map(|(path, bytes)| (path, std::str::from_utf8(bytes).unwrap()));
        let definition = SimulatorDefinition::parse(files).unwrap();
        let simulator = Simulator::start(&definition, settings).await.unwrap();
        let connector = connect(&simulator, TOKEN);
        Self { simulator, connector, clock }
    }

    /// A connector of its own, as a later run has it.
    pub(crate) fn reconnect(&mut self) {
        self.connector = connect(&self.simulator, TOKEN);
    }

    /// A connector that brings another token.
    pub(crate) fn connector_with_token(&self, token: &str) -> Arc<dyn LakeflowConnect> {
        connect(&self.simulator, token)
    }

    /// The horizon of a run that begins now.
    pub(crate) fn horizon(&self) -> Horizon {
        Horizon::at(self.clock)
    }

    /// Reads a table with its required options from an offset to the end.
    pub(crate) async fn read(&self, table: &str, start: &Offset) -> Reading {
        self.read_with(table, start, &[]).await
    }

    /// The same, with more options.
    pub(crate) async fn read_with(&self, table: &str, start: &Offset, more: &[(&str, &str)]) -> Reading {
        self.try_read(table, start, &options(table, more)).await.unwrap()
    }

    /// Reads a table with exactly these options.
    pub(crate) async fn try_read(&self, table: &str, start: &Offset, options: &TableOptions) -> Result<Reading> {
        reading::read(&self.connector, table, start, options, self.horizon()).await
    }

    /// Moves the account on by an hour.
    pub(crate) fn advance(&mut self, advance: Advance) {
        let hour = Duration::from_secs(3600);
        self.simulator.advance(&advance.by(hour)).unwrap();
        self.clock += hour;
    }

    /// The requests so far whose path has this ending, as path and query.
    pub(crate) fn requests(&self, ending: &str) -> Vec<String> {
        let requests = self.simulator.requests();
        let wanted = requests.iter().filter(|request| request.path.ends_with(ending));
        wanted.map(|request| format!("{}?{}", request.path, request.query)).collect()
    }

    /// The records of a table as the simulator has them now.
    pub(crate) fn records(&self, table: &str) -> Vec<Value> {
        self.simulator.rows(table).unwrap().collect()
    }
}

fn connect(simulator: &Simulator, token: &str) -> Arc<dyn LakeflowConnect> {
    let definition = lakeflow_sources::find("github").unwrap().definition().unwrap();
    let parameters = BTreeMap::from([("token".to_owned(), Secret::new(token))]);
    let settings = ConnectSettings {
        upstream: Some(simulator.url().clone()),
        user_agent: "lakeflow-tests".to_owned(),
        concurrency: 4,
        readers: 1,
    };
    definition.connect(&parameters, settings).unwrap()
}

/// The options that a table needs, and more.
pub(crate) fn options(table: &str, more: &[(&str, &str)]) -> TableOptions {
    let required: &[(&str, &str)] = match table {
        "organizations" => &[],
        "teams" | "users" | "repositories" => &[("org", "acme")],
        _ => &[("owner", "acme"), ("repo", "rocket")],
    };
    required.iter().chain(more).copied().collect()
}

/// The columns that the connector adds to a record.
pub(crate) fn added_columns(table: &str, record: &Value) -> Map<String, Value> {
    let mut added = Map::new();
    match table {
        "organizations" | "repositories" => {}
        "teams" | "users" => {
            added.insert("organization_login".to_owned(), "acme".into());
        }
        _ => {
            added.insert("repository_owner".to_owned(), "acme".into());
            added.insert("repository_name".to_owned(), "rocket".into());
        }
    }
    if table == "reviews" {
        let number = record["pull_request_url"].as_str().and_then(|url| url.rsplit('/').next()).unwrap();
        added.insert("pull_number".to_owned(), number.parse::<i64>().unwrap().into());
    }
    added
}

/// The field that identifies a record.
pub(crate) fn identity(table: &str) -> &'static str {
    match table {
        "commits" => "sha",
        "branches" => "name",
        _ => "id",
    }
}
