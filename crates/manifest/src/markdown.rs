//! The tables of a source's README, derived from its definition.

use std::fmt::Write;

use crate::loaded::Definition;
use crate::setting::Setting;

impl Definition {
    /// The connection's parameters as a Markdown table.
    pub fn parameters_markdown(&self) -> String {
        let mut text = String::from("| parameter | type | default | meaning |\n|---|---|---|---|\n");
        for setting in self.parameters() {
            let _ = writeln!(text, "| `{}` | {} |", setting.name, cells(setting));
        }
        text
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

    /// All options of all tables as a Markdown table, with the tables that have them.
    pub fn options_markdown(&self) -> String {
        let mut options: Vec<(Setting, Vec<&str>)> = Vec::new();
        for plan in self.shared.tables.values() {
            for setting in &plan.settings {
                match options.iter_mut().find(|(other, _)| other == setting) {
                    Some((_, tables)) => tables.push(&plan.name),
                    None => options.push((setting.clone(), vec![&plan.name])),
                }
            }
        }
        options.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        let mut text = String::from("| option | tables | type | default | meaning |\n|---|---|---|---|---|\n");
        for (setting, tables) in &options {
            let is_everywhere = tables.len() == self.shared.tables.len();
            let tables: Vec<String> = tables.iter().map(|table| format!("`{table}`")).collect();
            let tables = if is_everywhere { "all".to_owned() } else { tables.join(", ") };
            let _ = writeln!(text, "| `{}` | {tables} | {} |", setting.name, cells(setting));
        }
        text
    }
}

/// Type, default and meaning of a setting, as cells.
fn cells(setting: &Setting) -> String {
    let values: Vec<String> = setting.r#enum.iter().map(|value| format!("`{value}`")).collect();
    let kind = if values.is_empty() { setting.r#type.as_str().to_owned() } else { values.join(", ") };
    let kind = if setting.secret { format!("{kind}, secret") } else { kind };
    let default = match (&setting.default, setting.required) {
        (Some(default), _) => format!("`{default}`"),
        (None, true) => "required".to_owned(),
        (None, false) => String::new(),
    };
    format!("{kind} | {default} | {}", cell(setting.description.as_deref().unwrap_or_default()))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}
