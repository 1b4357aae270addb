//! `Drift`: what a live source answers that its simulator or its schemas do not know, and the other way round.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::{DataType, Fields};
use lakeflow_interface::Result;
use serde::Serialize;

use super::{Cassette, Exchange, RecordedBody};
use crate::api::{Endpoint, Target};
use crate::definition::{Json, Schemas};
use crate::{Simulator, SimulatorDefinition, SimulatorSettings};

/// The rows of a simulated table that are looked at.
const ROWS: usize = 200;

/// What differs between a recording and a source's simulator and schemas.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Drift {
    /// Everything that differs, in the order of the endpoints.
    pub findings: Vec<Finding>,
    /// How many answers were compared.
    pub compared: u64,
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The endpoint, as `GET /repos/{owner}/{repo}/issues`; the path where no endpoint has it.
    pub endpoint: String,
    /// The place within the answer or the request, as `user.login`.
    pub place: String,
    /// What is different, in words.
    pub difference: String,
}

/// The kinds of values that occur at each path of some records.
type Shape = BTreeMap<String, BTreeSet<&'static str>>;

impl Drift {
    /// Compares a recording with the simulator of its source, and with the schemas of the tables of the same names.
    pub async fn of(cassette: &Cassette, definition: &SimulatorDefinition, schemas: &Schemas) -> Result<Self> {
        let simulator = Simulator::start(definition, SimulatorSettings::default()).await?;
        let mut comparison = Comparison { definition, live: BTreeMap::new(), findings: BTreeSet::new(), compared: 0 };
        cassette.exchanges.iter().for_each(|exchange| comparison.add(exchange));
        let Comparison { live, mut findings, compared, .. } = comparison;
        for ((endpoint, table), shape) in live {
            let mut simulated = Shape::new();
            for row in simulator.rows(&table)?.take(ROWS) {
                note("", &Json::from(&row), &mut simulated);
            }
            compare(&endpoint, &shape, &simulated, &mut findings);
            if let Some(schema) = schemas.get(&table) {
                let mut declared = BTreeSet::new();
                declare("", schema.fields(), &mut declared);
                for place in shape.keys().filter(|place| !declared.iter().any(|known| covers(known, place))) {
                    findings.insert(finding(&endpoint, place, format!("the schema of `{table}` does not have it")));
                }
            }
        }
        simulator.stop().await;
        Ok(Self { findings: findings.into_iter().collect(), compared })
    }
}

struct Comparison<'a> {
    definition: &'a SimulatorDefinition,
    /// What the records of each endpoint look like that serves a table.
    live: BTreeMap<(String, String), Shape>,
    findings: BTreeSet<Finding>,
    compared: u64,
}

impl Comparison<'_> {
    fn add(&mut self, exchange: &Exchange) {
        let (request, response) = (&exchange.request, &exchange.response);
        if response.status >= 400 {
            return;
        }
        self.compared += 1;
        let method: http::Method = request.method.parse().unwrap_or_default();
        let Ok((endpoint, _)) = self.definition.api.find(&method, &request.path) else {
            let name = format!("{} {}", request.method, request.path);
            self.findings.insert(finding(&name, "", "the simulator has no such endpoint".to_owned()));
            return;
        };
        for (name, _) in &request.query {
            if !endpoint.parameters.contains_key(name) {
                let message = format!("the simulator does not know the parameter `{name}`");
                self.findings.insert(finding(&endpoint.name, "", message));
            }
        }
        if response.status != endpoint.response.status {
            let message = format!("status `{}`, in the simulator `{}`", response.status, endpoint.response.status);
            self.findings.insert(finding(&endpoint.name, "", message));
        }
        if let Target::Rows(table) = endpoint.target {
            let table = self.definition.tables.get(table).name.clone();
            let shape = self.live.entry((endpoint.name.clone(), table)).or_default();
            let found = records(endpoint, &response.body);
            match found {
                Some(records) => records.into_iter().for_each(|record| note("", record, shape)),
                None => {
                    let place = endpoint.response.records_key.clone().unwrap_or_default();
                    let message = "the simulator has the records here, the answer does not".to_owned();
                    self.findings.insert(finding(&endpoint.name, &place, message));
                }
            }
        }
    }
}

/// The records of an answer, where the simulator's endpoint has them.
fn records<'b>(endpoint: &Endpoint, body: &'b RecordedBody) -> Option<Vec<&'b Json>> {
    let json = match body {
        RecordedBody::Json(json) => json,
        RecordedBody::JsonLines(lines) => return Some(lines.iter().collect()),
        _ => return None,
    };
    let key = endpoint.response.records_key.as_deref();
    let found = key.map_or(Some(json), |key| json.get(key.split('.')))?;
    match found {
        Json::List(items) if !endpoint.response.single_entity => Some(items.iter().collect()),
        Json::Object(_) if endpoint.response.single_entity => Some(vec![found]),
        _ => None,
    }
}

/// Notes the kinds of values below a path.
fn note(path: &str, json: &Json, shape: &mut Shape) {
    match json {
        Json::Object(fields) => {
            for (key, value) in fields {
                note(&if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, value, shape);
            }
        }
        Json::List(items) => items.iter().for_each(|item| note(&format!("{path}[]"), item, shape)),
        Json::Null => {
            shape.entry(path.to_owned()).or_default();
        }
        scalar => {
            let kind = if matches!(scalar, Json::Integer(_) | Json::Float(_)) { "a number" } else { scalar.kind() };
            shape.entry(path.to_owned()).or_default().insert(kind);
        }
    }
}

fn compare(endpoint: &str, live: &Shape, simulated: &Shape, findings: &mut BTreeSet<Finding>) {
    for (place, kinds) in live {
        match simulated.get(place) {
            None if !simulated.keys().any(|known| covers(place, known)) => {
                findings.insert(finding(endpoint, place, "the simulator does not have it".to_owned()));
            }
            Some(known) if !known.is_empty() && !kinds.is_subset(known) => {
                let list = |kinds: &BTreeSet<&str>| kinds.iter().copied().collect::<Vec<_>>().join(" or ");
                findings.insert(finding(endpoint, place, format!("{}, in the simulator {}", list(kinds), list(known))));
            }
            _ => {}
        }
    }
    for place in simulated.keys().filter(|place| !live.contains_key(*place)) {
        // What lies below something that was null or empty in the recording could not be seen.
        if !live.keys().any(|seen| covers(seen, place)) && !live.is_empty() && !place.contains("[]") {
            findings.insert(finding(endpoint, place, "only the simulator has it".to_owned()));
        }
    }
}

/// Whether a place lies at or below another one.
fn covers(above: &str, place: &str) -> bool {
    place.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The paths that a schema declares; maps and documents without a form hold whatever is below them.
fn declare(path: &str, fields: &Fields, declared: &mut BTreeSet<String>) {
    for field in fields {
        let below = if path.is_empty() { field.name().clone() } else { format!("{path}.{}", field.name()) };
        declare_type(below, field.data_type(), declared);
    }
}

fn declare_type(path: String, data_type: &DataType, declared: &mut BTreeSet<String>) {
    match data_type {
        DataType::Struct(fields) if !fields.is_empty() && fields.iter().all(|field| field.name() != "metadata") => {
            declare(&path, fields, declared);
        }
        DataType::List(element) => declare_type(format!("{path}[]"), element.data_type(), declared),
        _ => {
            declared.insert(path);
        }
    }
}

fn finding(endpoint: &str, place: &str, difference: String) -> Finding {
    Finding { endpoint: endpoint.to_owned(), place: place.to_owned(), difference }
}
