//! The reference of the language, from its types.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value as Json;

/// The reference of the language as Markdown: every word, what it takes and what it means.
pub fn reference_markdown() -> String {
    let schema = crate::json_schema().to_value();
    let mut reference = Reference { schema: &schema, text: String::new(), known: BTreeSet::new(), waiting: Vec::new() };
    reference.text.push_str(
        "# The connector language: reference\n\nEvery word of `connector.yaml`, made from the types in \
         `crates/manifest/src/definition`. [The guide](connector-language.md) explains them.\n",
    );
    reference.section("connector.yaml", &schema);
    let mut next = 0;
    while let Some(name) = reference.waiting.get(next).cloned() {
        next += 1;
        let section = &schema["$defs"][&name];
        reference.section(&name, section);
    }
    reference.text
}

struct Reference<'s> {
    schema: &'s Json,
    text: String,
    known: BTreeSet<String>,
    /// Types whose section comes, in their order.
    waiting: Vec<String>,
}

impl Reference<'_> {
    fn section(&mut self, name: &str, schema: &Json) {
        // Writing to a `String` cannot fail.
        let _ = write!(self.text, "\n## {name}\n\n{}\n", described(schema));
        let variants = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array());
        match variants {
            Some(variants) => self.variants(variants),
            None => self.properties(schema),
        }
    }

    fn variants(&mut self, variants: &[Json]) {
        self.text.push_str("\nOne of:\n\n");
        for variant in variants {
            let kind = self.kind(variant);
            let description = described(self.resolved(variant));
            let _ = writeln!(
                self.text,
                "- {kind}{}",
                if description.is_empty() { String::new() } else { format!(": {description}") }
            );
        }
    }

    fn properties(&mut self, schema: &Json) {
        let Some(properties) = schema["properties"].as_object() else { return };
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        self.text.push_str("\n| key | takes | meaning |\n|---|---|---|\n");
        for (key, property) in properties {
            let kind = self.kind(property);
            let needed = if required.contains(&key.as_str()) { ", required" } else { "" };
            let description = described(property);
            let description = if description.is_empty() { described(self.resolved(property)) } else { description };
            let _ = writeln!(self.text, "| `{key}` | {kind}{needed} | {description} |");
        }
    }

    fn resolved<'v>(&'v self, schema: &'v Json) -> &'v Json {
        match schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/")) {
            Some(name) => &self.schema["$defs"][name],
            None => schema,
        }
    }

    /// What a key takes, in words and links.
    fn kind(&mut self, schema: &Json) -> String {
        if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/")) {
            return self.named(name);
        }
        if let Some(variants) = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
            let kinds: Vec<String> =
                variants.iter().filter(|kind| kind["type"] != "null").map(|kind| self.kind(kind)).collect();
            return kinds.join(" or ");
        }
        if let Some(word) = schema["const"].as_str() {
            return format!("`{word}`");
        }
        if let Some(words) = schema["enum"].as_array() {
            return words
                .iter()
                .filter_map(Json::as_str)
                .map(|word| format!("`{word}`"))
                .collect::<Vec<_>>()
                .join(", ");
        }
        let types: Vec<&str> = match &schema["type"] {
            Json::Array(types) => types.iter().filter_map(Json::as_str).filter(|name| *name != "null").collect(),
            Json::String(name) => vec![name],
            _ => Vec::new(),
        };
        let words: Vec<String> = types.into_iter().map(|name| self.type_in_words(name, schema)).collect();
        if words.is_empty() { "anything".to_owned() } else { words.join(", ") }
    }

    fn type_in_words(&mut self, name: &str, schema: &Json) -> String {
        match name {
            "string" => "text".to_owned(),
            "integer" => "number".to_owned(),
            "array" => format!("list of {}", self.kind(&schema["items"])),
            "object" => match schema["properties"].as_object() {
                Some(properties) => {
                    let entries: Vec<String> =
                        properties.iter().map(|(key, value)| format!("`{key}:` {}", self.kind(value))).collect();
                    format!("{{{}}}", entries.join(", "))
                }
                None => format!("map of {}", self.kind(&schema["additionalProperties"])),
            },
            other => other.to_owned(),
        }
    }

    /// A type that has a section, or none where a word says all.
    fn named(&mut self, name: &str) -> String {
        let schema = &self.schema["$defs"][name];
        let is_plain = schema["type"].as_str().is_some_and(|kind| kind != "object") || schema["type"].is_array();
        if is_plain && schema["enum"].is_null() {
            return match name {
                "JsonPath" => "path",
                "FieldPath" => "field",
                "Template" => "template",
                "Span" => "length of time",
                "ColumnText" => "column",
                "CursorFormat" => "format",
                "Condition" => "condition",
                "Scalar" => "text, number or boolean",
                other => other,
            }
            .to_owned();
        }
        if self.known.insert(name.to_owned()) {
            self.waiting.push(name.to_owned());
        }
        format!("[{name}](#{})", name.to_lowercase())
    }
}

fn described(schema: &Json) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
