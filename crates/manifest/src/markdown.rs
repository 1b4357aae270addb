//! The tables of a source's README, derived from its definition.

use std::fmt::Write;

use crate::loaded::Definition;
use crate::setting::Setting;

impl Definition {
    /// The connection's parameters as a Markdown table.
    pub fn parameters_markdown(&self) -> String {
        settings("parameter", self.parameters())
    }

    /// The tables as a Markdown table: what they are, how they are ingested, their keys, cursor and options.
    pub fn tables_markdown(&self) -> String {
        let mut text = String::from(
            "| table | ingestion type | primary keys | cursor | options | rows |\n|---|---|---|---|---|---|\n",
        );
        for plan in self.shared.tables.values() {
            let metadata = &plan.metadata;
            let keys: Vec<String> = metadata.primary_keys.iter().map(|key| format!("`{key}`")).collect();
            let cursor = metadata.cursor_field.as_ref().map(|cursor| format!("`{cursor}`")).unwrap_or_default();
            let options: Vec<String> = plan.settings.iter().map(|setting| format!("`{}`", setting.name)).collect();
            let description = cell(plan.table.description.as_deref().unwrap_or_default());
            let (name, kind) = (&plan.name, metadata.ingestion_type);
            // Writing to a `String` cannot fail.
            let _ = writeln!(
                text,
                "| `{name}` | {kind} | {} | {cursor} | {} | {description} |",
                keys.join(", "),
                options.join(", ")
            );
        }
        text
    }

    /// All options of all tables as a Markdown table, each once; an option that differs between tables says so.
    pub fn options_markdown(&self) -> String {
        let mut options: Vec<Setting> = Vec::new();
        for setting in self.shared.tables.values().flat_map(|plan| &plan.settings) {
            if !options.contains(setting) {
                options.push(setting.clone());
            }
        }
        options.sort_by(|a, b| a.name.cmp(&b.name));
        settings("option", &options)
    }
}

fn settings(what: &str, settings: &[Setting]) -> String {
    let mut text = format!("| {what} | type | default | meaning |\n|---|---|---|---|\n");
    for setting in settings {
        let values: Vec<String> = setting.r#enum.iter().map(|value| format!("`{value}`")).collect();
        let kind = if values.is_empty() { setting.r#type.as_str().to_owned() } else { values.join(", ") };
        let kind = if setting.secret { format!("{kind}, secret") } else { kind };
        let default = match (&setting.default, setting.required) {
            (Some(default), _) => format!("`{default}`"),
            (None, true) => "required".to_owned(),
            (None, false) => String::new(),
        };
        let description = cell(setting.description.as_deref().unwrap_or_default());
        let _ = writeln!(text, "| `{}` | {kind} | {default} | {description} |", setting.name);
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}
