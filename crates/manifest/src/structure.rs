//! Checks a file against the JSON Schema of the language: unknown keys, missing keys, wrong types, all at once.

use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::path::{Condition, FieldPath, JsonPath};
use crate::problem::{Place, Problem};
use crate::tree::{Entry, Node, NodeValue};

static SCHEMA: LazyLock<Json> = LazyLock::new(|| crate::json_schema().to_value());

/// Everything in which a file does not have the shape of a definition.
pub(crate) fn check(root: &Node) -> Vec<Problem> {
    let mut walk = Walk { problems: Vec::new(), path: Vec::new() };
    walk.node(root, &SCHEMA);
    walk.problems
}

struct Walk {
    problems: Vec<Problem>,
    path: Vec<String>,
}

impl Walk {
    fn node(&mut self, node: &Node, schema: &Json) {
        let mut leaves = Vec::new();
        collect_leaves(schema, &mut leaves);
        if leaves.iter().any(|leaf| accepts_anything(leaf)) {
            return;
        }
        match &node.value {
            NodeValue::Map(entries) => self.map(node, entries, &leaves),
            NodeValue::List(items) => self.list(node, items, &leaves),
            NodeValue::Text(text) => self.text(node, text, &leaves),
            NodeValue::Integer(number) => self.integer(node, *number, &leaves),
            NodeValue::Boolean(_) => self.scalar(node, "boolean", &leaves),
            NodeValue::Float(_) => self.scalar(node, "number", &leaves),
            NodeValue::Null => self.scalar(node, "null", &leaves),
        }
    }

    fn map(&mut self, node: &Node, entries: &[Entry], leaves: &[&Json]) {
        let objects: Vec<&Json> = leaves.iter().copied().filter(|leaf| has_type(leaf, "object")).collect();
        match objects.as_slice() {
            [] => self.expected(node, leaves, "a map"),
            [object] => self.object(node, entries, object),
            variants => match variants.iter().find(|variant| tag(variant).is_some_and(|tag| node.get(tag).is_some())) {
                Some(variant) => self.object(node, entries, variant),
                None => self.no_variant(node, entries, variants),
            },
        }
    }

    fn no_variant(&mut self, node: &Node, entries: &[Entry], variants: &[&Json]) {
        let tags: Vec<&str> = variants.iter().filter_map(|variant| tag(variant)).collect();
        match entries.first() {
            Some(entry) => self.unknown_key(entry, &tags),
            None => {
                let problem = self.problem(node.place, "expected one key, found none").with_valid("", tags);
                self.problems.push(problem);
            }
        }
    }

    fn object(&mut self, node: &Node, entries: &[Entry], schema: &Json) {
        let properties = schema["properties"].as_object();
        let names: Vec<&str> = properties.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let others = schema.get("additionalProperties").filter(|others| **others != Json::Bool(false));
        let name_format = schema["propertyNames"]["format"].as_str();
        for entry in entries {
            match (properties.and_then(|properties| properties.get(&entry.key)), others) {
                (Some(property), _) => self.within(&entry.key, |walk| walk.node(&entry.node, property)),
                (None, Some(others)) => self.within(&entry.key, |walk| {
                    if let Some(message) = name_format.and_then(|format| misfit(format, &entry.key)) {
                        let problem = walk.problem(entry.place, message);
                        walk.problems.push(problem);
                    }
                    walk.node(&entry.node, others);
                }),
                (None, None) => self.unknown_key(entry, &names),
            }
        }
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            if node.get(required).is_none() {
                let problem = self.problem(node.place, format!("the key `{required}` is missing"));
                self.problems.push(
                    match properties.and_then(|properties| properties[required]["description"].as_str()) {
                        Some(description) => problem.with_hint(format!("`{required}`: {}", one_line(description))),
                        None => problem,
                    },
                );
            }
        }
    }

    fn unknown_key(&mut self, entry: &Entry, valid: &[&str]) {
        let problem = self.problem(entry.place, format!("unknown key `{}`", entry.key));
        self.problems.push(problem.with_valid(&entry.key, valid.iter().copied()));
    }

    fn list(&mut self, node: &Node, items: &[Node], leaves: &[&Json]) {
        match leaves.iter().find(|leaf| has_type(leaf, "array")) {
            Some(array) => {
                for (position, item) in items.iter().enumerate() {
                    self.within(&position.to_string(), |walk| walk.node(item, &array["items"]));
                }
            }
            None => self.expected(node, leaves, "a list"),
        }
    }

    fn text(&mut self, node: &Node, text: &str, leaves: &[&Json]) {
        if let Some(leaf) = leaves.iter().find(|leaf| has_type(leaf, "string") && leaf.get("const").is_none()) {
            if let Some(message) = leaf["format"].as_str().and_then(|format| misfit(format, text)) {
                let problem = self.problem(node.place, message);
                self.problems.push(problem);
            }
            return;
        }
        let words = words(leaves);
        if words.is_empty() {
            self.expected(node, leaves, &format!("the text `{text}`"));
        } else if !words.contains(&text) {
            let tags = leaves.iter().filter_map(|leaf| tag(leaf));
            let valid: Vec<&str> = words.iter().copied().chain(tags).collect();
            let problem = self.problem(node.place, format!("unknown value `{text}`")).with_valid(text, valid);
            self.problems.push(problem);
        }
    }

    fn integer(&mut self, node: &Node, number: i64, leaves: &[&Json]) {
        let Some(leaf) = leaves.iter().find(|leaf| has_type(leaf, "integer")) else {
            return self.expected(node, leaves, &format!("the number `{number}`"));
        };
        let (least, greatest) = (leaf["minimum"].as_i64(), leaf["maximum"].as_i64());
        if least.is_some_and(|least| number < least) || greatest.is_some_and(|greatest| number > greatest) {
            let range = match (least, greatest) {
                (Some(least), Some(greatest)) => format!("from {least} to {greatest}"),
                (Some(least), None) => format!("of at least {least}"),
                _ => format!("of at most {}", greatest.unwrap_or_default()),
            };
            let problem = self.problem(node.place, format!("expected a whole number {range}, found `{number}`"));
            self.problems.push(problem);
        }
    }

    fn scalar(&mut self, node: &Node, kind: &str, leaves: &[&Json]) {
        if !leaves.iter().any(|leaf| has_type(leaf, kind)) {
            match &node.value {
                NodeValue::Boolean(value) => self.expected(node, leaves, &format!("the boolean `{value}`")),
                NodeValue::Float(number) => {
                    self.expected(node, leaves, &format!("the number `{number}`; text needs quotes"));
                }
                _ => self.expected(node, leaves, "nothing"),
            }
        }
    }

    fn expected(&mut self, node: &Node, leaves: &[&Json], found: &str) {
        let mut expected: Vec<String> = words(leaves).iter().map(|word| format!("`{word}`")).collect();
        let tags: Vec<String> = leaves.iter().filter_map(|leaf| tag(leaf)).map(|tag| format!("`{tag}`")).collect();
        let kinds = [("string", "text"), ("integer", "a whole number"), ("boolean", "a boolean"), ("array", "a list")];
        for (name, description) in kinds {
            if leaves.iter().any(|leaf| has_type(leaf, name) && leaf.get("const").is_none()) {
                expected.push(description.to_owned());
            }
        }
        if !tags.is_empty() {
            expected.push(format!("a map with one of {}", tags.join(", ")));
        } else if leaves.iter().any(|leaf| has_type(leaf, "object")) {
            expected.push("a map".to_owned());
        }
        let problem = self.problem(node.place, format!("expected {}, found {found}", expected.join(" or ")));
        self.problems.push(problem);
    }

    fn within(&mut self, key: &str, check: impl FnOnce(&mut Self)) {
        self.path.push(key.to_owned());
        check(self);
        self.path.pop();
    }

    fn problem(&self, place: Place, message: impl Into<String>) -> Problem {
        Problem::new(place, self.path.join("."), message)
    }
}

/// The alternatives of a schema, references resolved.
fn collect_leaves<'s>(schema: &'s Json, leaves: &mut Vec<&'s Json>) {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/")) {
        return collect_leaves(&SCHEMA["$defs"][name], leaves);
    }
    match schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Json::as_array) {
        Some(alternatives) => alternatives.iter().for_each(|alternative| collect_leaves(alternative, leaves)),
        None => leaves.push(schema),
    }
}

fn accepts_anything(leaf: &Json) -> bool {
    ["type", "const", "enum"].iter().all(|word| leaf.get(word).is_none())
}

fn has_type(leaf: &Json, name: &str) -> bool {
    match &leaf["type"] {
        Json::Array(names) => names.iter().any(|found| found == name),
        found => found == name,
    }
}

/// The words that may stand instead of a map.
fn words<'s>(leaves: &[&'s Json]) -> Vec<&'s str> {
    let listed = |leaf: &&'s Json| leaf["enum"].as_array().map(Vec::as_slice).unwrap_or_default().iter();
    let constants = leaves.iter().filter_map(|leaf| leaf["const"].as_str());
    constants.chain(leaves.iter().flat_map(listed).filter_map(Json::as_str)).collect()
}

/// The one key that tells a variant from the others.
fn tag(leaf: &Json) -> Option<&str> {
    let required = leaf["required"].as_array()?;
    let properties = leaf["properties"].as_object()?;
    match required.as_slice() {
        [Json::String(only)] if properties.len() == 1 => Some(only),
        _ => None,
    }
}

/// What is wrong with a text of some format.
fn misfit(format: &str, text: &str) -> Option<String> {
    use crate::definition::{CursorFormat, OnStatus, Span};
    match format {
        "span" => Span::try_from(text.to_owned()).err(),
        "json-path" => text.parse::<JsonPath>().err(),
        "condition" => text.parse::<Condition>().err(),
        "field-path" => text.parse::<FieldPath>().err(),
        "cursor-format" => CursorFormat::try_from(text.to_owned()).err(),
        "http-status" => OnStatus::try_from(text.to_owned()).err(),
        "column-path" => text
            .parse::<lakeflow_interface::ColumnPath>()
            .err()
            .map(|_| format!("expected a column as `name` or `outer.inner`, found `{text}`")),
        "name" => (!is_name(text)).then(|| format!("expected a name of letters, digits and `_`, found `{text}`")),
        "type-name" => (!is_name(text) || text.contains(|letter: char| letter.is_ascii_uppercase()))
            .then(|| format!("expected a name of lower-case letters, digits and `_`, found `{text}`")),
        _ => None,
    }
}

fn is_name(text: &str) -> bool {
    let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.chars().all(word) && !text.is_empty() && !text.starts_with(|letter: char| letter.is_ascii_digit())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
