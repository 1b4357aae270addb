//! From a document to a pipeline spec, with everything that is wrong at once.

use std::collections::{BTreeMap, HashMap};

use lakeflow_interface::{ErrorKind, Result, nearest};

use super::configuration::{Configuration, RESERVED_KEYS};
use super::document::{Content, Entry, Node};
use super::problem::{Place, Problem, Problems};
use super::{PipelineSpec, Places, TableSpec};
use crate::delta::Destination;

const SPEC_KEYS: [&str; 2] = ["connection_name", "objects"];
const OBJECT_KEYS: [&str; 1] = ["table"];
const TABLE_KEYS: [&str; 5] =
    ["source_table", "destination_catalog", "destination_schema", "destination_table", "table_configuration"];

const ALL_KEYS: [&[&str]; 3] = [&SPEC_KEYS, &OBJECT_KEYS, &TABLE_KEYS];

pub(super) fn parse(text: &str, origin: &str) -> Result<PipelineSpec> {
    let mut parser = Parser::default();
    let spec = match Node::parse(text) {
        Ok(root) => parser.spec(&root, origin),
        Err(problem) => {
            parser.problems.push(problem);
            None
        }
    };
    match spec {
        Some(spec) if parser.problems.is_empty() => Ok(spec),
        _ => Err(Problems::new(origin, parser.problems).into_error(ErrorKind::Configuration)),
    }
}

/// Reads nodes, and collects what is wrong with them.
#[derive(Default)]
pub(super) struct Parser {
    problems: Vec<Problem>,
}

impl Parser {
    fn spec(&mut self, root: &Node, origin: &str) -> Option<PipelineSpec> {
        let fields = self.fields(root, "", &SPEC_KEYS)?;
        let connection_name = self.required_name(&fields, "connection_name", "", root.place);
        let objects = self.required(&fields, "objects", "", root.place).and_then(|entry| {
            let items = self.list(&entry.value, "objects")?;
            if items.is_empty() {
                self.report(entry.value.place, "objects", "expected at least one table, found an empty list");
            }
            Some(items)
        });
        let tables: Vec<TableSpec> =
            objects?.iter().enumerate().filter_map(|(position, object)| self.object(object, position)).collect();
        self.refuse_shared_destinations(&tables);
        Some(PipelineSpec { connection_name: connection_name?, tables, origin: origin.to_owned() })
    }

    fn object(&mut self, node: &Node, position: usize) -> Option<TableSpec> {
        let path = format!("objects[{position}]");
        let fields = self.fields(node, &path, &OBJECT_KEYS)?;
        let entry = self.required(&fields, "table", &path, node.place)?;
        self.table(&entry.value, entry.place, format!("{path}.table"))
    }

    fn table(&mut self, node: &Node, place: Place, path: String) -> Option<TableSpec> {
        let fields = self.fields(node, &path, &TABLE_KEYS)?;
        let source_table = self.required_name(&fields, "source_table", &path, place);
        let destination_catalog = self.optional_name(&fields, "destination_catalog", &path);
        let destination_schema = self.optional_name(&fields, "destination_schema", &path);
        let destination_table = self.optional_name(&fields, "destination_table", &path);
        let mut keys: BTreeMap<String, Place> =
            fields.values().map(|entry| (entry.name.clone(), entry.place)).collect();
        let configuration = match fields.get("table_configuration") {
            Some(entry) => self.configuration(&entry.value, &format!("{path}.table_configuration"), &mut keys),
            None => Configuration::default(),
        };
        let source_table = source_table?;
        let destination = Destination::new(
            destination_catalog.as_deref(),
            destination_schema.as_deref(),
            destination_table.as_deref().unwrap_or(&source_table),
        );
        let destination = match destination {
            Ok(destination) => destination,
            Err(error) => {
                self.problems.push(Problem::from_error(place, path, &error));
                return None;
            }
        };
        Some(TableSpec {
            source_table,
            destination,
            scd_type: configuration.scd_type,
            primary_keys: configuration.primary_keys,
            sequence_by: configuration.sequence_by,
            cluster_by: configuration.cluster_by,
            bad_values: configuration.bad_values,
            tombstone_retention: configuration.tombstone_retention,
            options: configuration.options.into_iter().collect(),
            places: Places { path, table: place, keys },
        })
    }

    fn configuration(&mut self, node: &Node, path: &str, places: &mut BTreeMap<String, Place>) -> Configuration {
        if matches!(node.content, Content::Null) {
            return Configuration::default();
        }
        let Some(entries) = self.entries(node, path) else { return Configuration::default() };
        let mut configuration = Configuration::default();
        for entry in entries {
            places.insert(format!("table_configuration.{}", entry.name), entry.place);
            configuration.read(self, entry, path);
        }
        configuration
    }

    /// Two tables may have the same source, never the same destination; names differ by more than case.
    fn refuse_shared_destinations(&mut self, tables: &[TableSpec]) {
        let mut taken: HashMap<String, &TableSpec> = HashMap::new();
        for table in tables {
            let name = table.destination.to_string();
            if let Some(first) = taken.get(&name.to_lowercase()) {
                let message = format!("the destination `{name}` is already written by {}", first.places.path);
                let hint = "give one of them another `destination_table`";
                let key = if table.places.keys.contains_key("destination_table") {
                    "destination_table"
                } else {
                    "source_table"
                };
                self.problems.push(table.problem(key, message).with_hint(hint));
            } else {
                taken.insert(name.to_lowercase(), table);
            }
        }
    }

    /// The entries of a map by name, where every name is one of `known`.
    fn fields<'n>(&mut self, node: &'n Node, path: &str, known: &[&str]) -> Option<BTreeMap<&'n str, &'n Entry>> {
        let entries = self.entries(node, path)?;
        for entry in entries {
            if !known.contains(&entry.name.as_str()) {
                self.unknown_key(entry, path, known);
            }
        }
        Some(entries.iter().map(|entry| (entry.name.as_str(), entry)).collect())
    }

    fn entries<'n>(&mut self, node: &'n Node, path: &str) -> Option<&'n [Entry]> {
        let Content::Map(entries) = &node.content else {
            self.report(node.place, path, format!("expected a map, found {}", node.describe()));
            return None;
        };
        for (position, entry) in entries.iter().enumerate() {
            if let Some(first) = entries[..position].iter().find(|earlier| earlier.name == entry.name) {
                let message = format!("the key is already set on line {}", first.place.line);
                self.report(entry.place, &join(path, &entry.name), message);
            }
        }
        Some(entries)
    }

    fn unknown_key(&mut self, entry: &Entry, path: &str, known: &[&str]) {
        let valid = known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
        let reserved = nearest(&entry.name, RESERVED_KEYS).filter(|_| known == TABLE_KEYS);
        let hint = match (nearest(&entry.name, known.iter().copied()), reserved) {
            (Some(near), _) => format!("did you mean `{near}`? valid: {valid}"),
            (None, Some(reserved)) => {
                format!("did you mean `{reserved}` in `table_configuration`? valid here: {valid}")
            }
            _ if known == TABLE_KEYS => {
                format!("valid: {valid}; options of the source go into `table_configuration`")
            }
            _ => format!("valid: {valid}"),
        };
        let problem = Problem::new(entry.place, join(path, &entry.name), format!("unknown key `{}`", entry.name));
        self.problems.push(problem.with_hint(hint));
    }

    fn required<'n>(
        &mut self,
        fields: &BTreeMap<&str, &'n Entry>,
        key: &str,
        path: &str,
        place: Place,
    ) -> Option<&'n Entry> {
        let found = fields.get(key).copied();
        // A misspelt key is told already.
        let is_misspelt =
            || fields.keys().any(|name| !ALL_KEYS.concat().contains(name) && nearest(name, [key]).is_some());
        if found.is_none() && !is_misspelt() {
            self.report(place, path, format!("the required key `{key}` is missing"));
        }
        found
    }

    fn required_name(
        &mut self,
        fields: &BTreeMap<&str, &Entry>,
        key: &str,
        path: &str,
        place: Place,
    ) -> Option<String> {
        let entry = self.required(fields, key, path, place)?;
        self.name(&entry.value, &join(path, key))
    }

    fn optional_name(&mut self, fields: &BTreeMap<&str, &Entry>, key: &str, path: &str) -> Option<String> {
        let entry = fields.get(key)?;
        if matches!(entry.value.content, Content::Null) {
            return None;
        }
        self.name(&entry.value, &join(path, key))
    }

    /// A name: text that is not blank.
    pub(super) fn name(&mut self, node: &Node, path: &str) -> Option<String> {
        match &node.content {
            Content::Text(text) if !text.trim().is_empty() => return Some(text.clone()),
            Content::Text(_) => self.report(node.place, path, "expected a name, found blank text"),
            Content::Number(_) | Content::Bool(_) => {
                let message = format!("expected a name, found {}", node.describe());
                self.push(Problem::new(node.place, path, message).with_hint("put it in quotes"));
            }
            _ => self.report(node.place, path, format!("expected a name, found {}", node.describe())),
        }
        None
    }

    pub(super) fn list<'n>(&mut self, node: &'n Node, path: &str) -> Option<&'n [Node]> {
        if let Content::List(items) = &node.content {
            return Some(items);
        }
        self.report(node.place, path, format!("expected a list, found {}", node.describe()));
        None
    }

    pub(super) fn report(&mut self, place: Place, path: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(place, path, message));
    }

    pub(super) fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }
}

/// A path with one more key.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
