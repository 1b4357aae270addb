//! `table_configuration`: the keys that we keep for ourselves, and the options that go to the source.

use std::collections::BTreeMap;
use std::time::Duration;

use lakeflow_interface::ColumnPath;
use lakeflow_interface::records::BadValues;

use super::ScdType;
use super::document::{Content, Entry, Node};
use super::parser::{Parser, join};
use super::problem::Problem;

/// The keys of `table_configuration` that never go to the source.
pub(crate) const RESERVED_KEYS: [&str; 6] =
    ["scd_type", "primary_keys", "sequence_by", "cluster_by", "bad_values", "tombstone_retention"];

/// How long deletes are remembered where the spec does not say: as long as AUTO CDC remembers them.
const TOMBSTONE_RETENTION: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// What `table_configuration` says.
pub(super) struct Configuration {
    pub(super) scd_type: Option<ScdType>,
    pub(super) primary_keys: Option<Vec<ColumnPath>>,
    pub(super) sequence_by: Option<Vec<ColumnPath>>,
    pub(super) cluster_by: Vec<ColumnPath>,
    pub(super) bad_values: BadValues,
    pub(super) tombstone_retention: Duration,
    pub(super) options: BTreeMap<String, String>,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            scd_type: None,
            primary_keys: None,
            sequence_by: None,
            cluster_by: Vec::new(),
            bad_values: BadValues::default(),
            tombstone_retention: TOMBSTONE_RETENTION,
            options: BTreeMap::new(),
        }
    }
}

impl Configuration {
    /// Takes one entry; a null is the same as no entry.
    pub(super) fn read(&mut self, parser: &mut Parser, entry: &Entry, path: &str) {
        let node = &entry.value;
        if matches!(node.content, Content::Null) {
            return;
        }
        let path = join(path, &entry.name);
        match entry.name.as_str() {
            "scd_type" => self.scd_type = one_of(parser, node, &path, &ScdType::ALL.map(|kind| (kind.as_str(), kind))),
            "primary_keys" => {
                self.primary_keys = columns(parser, node, &path, false).filter(|columns| !columns.is_empty());
            }
            "sequence_by" => {
                self.sequence_by = columns(parser, node, &path, false).filter(|columns| !columns.is_empty());
            }
            "cluster_by" => self.cluster_by = columns(parser, node, &path, true).unwrap_or_default(),
            "bad_values" => {
                let known = [("rescue", BadValues::Rescue), ("fail", BadValues::Fail)];
                self.bad_values = one_of(parser, node, &path, &known).unwrap_or_default();
            }
            "tombstone_retention" => {
                self.tombstone_retention = duration(parser, node, &path).unwrap_or(TOMBSTONE_RETENTION);
            }
            "" => parser.report(entry.place, &path, "expected the name of an option, found blank text"),
            _ => {
                self.options.insert(entry.name.clone(), option_text(node));
            }
        }
    }
}

/// An option's value as text: text and numbers as written, booleans in lower case, lists and maps as JSON.
fn option_text(node: &Node) -> String {
    match &node.content {
        Content::Text(text) | Content::Number(text) => text.clone(),
        _ => node.to_json().to_string(),
    }
}

/// One of a few words, in any case.
fn one_of<T: Copy>(parser: &mut Parser, node: &Node, path: &str, known: &[(&str, T)]) -> Option<T> {
    if let Content::Text(text) = &node.content
        && let Some((_, value)) = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(text.trim()))
    {
        return Some(*value);
    }
    let names = known.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let problem = Problem::new(node.place, path, format!("expected one of {names}, found {}", node.describe()));
    let near = match &node.content {
        Content::Text(text) => lakeflow_interface::nearest(text, known.iter().map(|(name, _)| *name)),
        _ => None,
    };
    parser.push(match near {
        Some(near) => problem.with_hint(format!("did you mean `{near}`?")),
        None => problem,
    });
    None
}

/// A time with its unit.
fn duration(parser: &mut Parser, node: &Node, path: &str) -> Option<Duration> {
    if let Content::Text(text) = &node.content
        && let Ok(duration) = humantime::parse_duration(text)
    {
        return Some(duration);
    }
    let message = format!("expected a time with its unit like `2d` or `36h`, found {}", node.describe());
    parser.report(node.place, path, message);
    None
}

/// Columns: a list, a JSON list as text, one name, or (where `commas` says so) names separated by commas.
fn columns(parser: &mut Parser, node: &Node, path: &str, commas: bool) -> Option<Vec<ColumnPath>> {
    let names: Vec<String> = match &node.content {
        Content::List(items) => {
            let names =
                items.iter().enumerate().map(|(position, item)| parser.name(item, &format!("{path}[{position}]")));
            names.collect::<Vec<_>>().into_iter().collect::<Option<_>>()?
        }
        Content::Text(text) if text.trim_start().starts_with('[') => match serde_json::from_str(text) {
            Ok(names) => names,
            Err(error) => {
                let message = format!("expected a JSON list of column names, found `{text}`: {error}");
                parser.report(node.place, path, message);
                return None;
            }
        },
        Content::Text(text) if commas => {
            text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
        }
        _ => vec![parser.name(node, path)?],
    };
    let columns: Vec<_> = names.iter().map(|name| column(parser, node, path, name)).collect();
    columns.into_iter().collect()
}

fn column(parser: &mut Parser, node: &Node, path: &str, text: &str) -> Option<ColumnPath> {
    match text.parse() {
        Ok(column) => Some(column),
        Err(error) => {
            parser.push(Problem::from_error(node.place, path, &error));
            None
        }
    }
}
