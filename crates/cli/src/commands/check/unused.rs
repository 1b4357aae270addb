//! What a definition declares and nothing refers to.

use lakeflow_manifest::definition::OptionsEntry;
use lakeflow_manifest::{Definition, place_of_key};

use super::remark::Remark;
use crate::catalog::{MANIFEST, Source};

/// Parameters, options, groups of options and types that nothing refers to.
pub(super) fn remarks(source: &Source, definition: &Definition, text: &str) -> Vec<Remark> {
    let manifest = definition.manifest();
    let mut remarks = Vec::new();
    let mut remark = |path: &[&str], message: String, hint: &str| {
        remarks.push(Remark::new(source, MANIFEST, place_of_key(text, path), message).with_hint(hint));
    };
    for name in manifest.connection.parameters.keys().filter(|name| !mentions(text, &format!("connection.{name}"))) {
        let path = ["connection", "parameters", name];
        let message = format!("the connection parameter `{name}` is never used");
        remark(&path, message, &format!("refer to it as `{{{{ connection.{name} }}}}`, or take it out"));
    }
    for (group, options) in &manifest.options {
        let names = |entry: &OptionsEntry| matches!(entry, OptionsEntry::Group(name) if name == group);
        if !manifest.tables.values().any(|table| table.options.iter().any(names)) {
            remark(&["options", group], format!("no table has the group of options `{group}`"), "take it out");
        }
        for name in options.keys().filter(|name| !is_option_used(text, name)) {
            remark(&["options", group, name], unused_option(name), &option_hint(name));
        }
    }
    for (table, declared) in &manifest.tables {
        for (position, entry) in declared.options.iter().enumerate() {
            let OptionsEntry::Own(options) = entry else { continue };
            for name in options.keys().filter(|name| !is_option_used(text, name)) {
                let position = position.to_string();
                remark(&["tables", table, "options", &position, name], unused_option(name), &option_hint(name));
            }
        }
    }
    for name in manifest.types.keys().filter(|name| !is_type_used(definition, name)) {
        remark(&["types", name], format!("the type `{name}` is never used"), "name it in a `schema`, or take it out");
    }
    remarks
}

fn unused_option(name: &str) -> String {
    format!("the option `{name}` is never used")
}

fn option_hint(name: &str) -> String {
    format!("refer to it as `{{{{ options.{name} }}}}`, or take it out")
}

fn is_option_used(text: &str, name: &str) -> bool {
    mentions(text, &format!("options.{name}"))
}

fn is_type_used(definition: &Definition, name: &str) -> bool {
    let manifest = definition.manifest();
    let schemas = manifest.tables.values().map(|table| table.schema.as_str());
    let others = manifest.types.iter().filter(|(other, _)| *other != name).map(|(_, text)| text.as_str());
    schemas.chain(others).any(|text| mentions(text, name))
}

/// Whether a text has a name that does not go on before or behind.
fn mentions(text: &str, name: &str) -> bool {
    let goes_on = |character: Option<char>| character.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(name)
        .any(|(at, _)| !goes_on(text[..at].chars().next_back()) && !goes_on(text[at + name.len()..].chars().next()))
}
