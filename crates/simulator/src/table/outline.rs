//! What is known of a table once its templates are linked: identity, cursor, and which fields grow with the row's number.

use lakeflow_interface::Result;

use super::link::{self, Found, Linked};
use super::node::{Link, Name, Node, NodeId, Program, Scope};
use super::{FieldPath, Parent, Table};
use crate::definition::{CorpusFile, mistake};
use crate::random::mix_text;

/// What is known of a table once its programs are linked.
pub(crate) struct Outline {
    identity: FieldPath,
    cursor: Option<FieldPath>,
    changeable: bool,
}

impl Outline {
    /// The table with its programs.
    pub(crate) fn into_table(
        self,
        mut programs: Vec<Program>,
        (name, _, file): &(String, String, CorpusFile),
        parent: Option<Parent>,
    ) -> Table {
        if let Some(cursor) = &self.cursor {
            for (program, link) in programs.iter_mut().zip(&cursor.links) {
                program.cursor = Some(link.node);
            }
        }
        Table {
            name: name.clone(),
            count: file.count.unwrap_or_default(),
            scaled: file.scaled,
            parent,
            identity: self.identity,
            cursor: self.cursor,
            changeable: self.changeable,
            feed: None,
            reset_by_deletion: Vec::new(),
            told_by: Vec::new(),
            programs,
            variants: [[0; 2]; 2],
            seed: mix_text(2, name),
        }
    }
}

/// What is known of each table.
pub(crate) fn outlines(files: &[(String, String, CorpusFile)], linked: &Linked<'_>) -> Result<Vec<Outline>> {
    let mut outlines = Vec::with_capacity(files.len());
    for ((name, path, file), programs) in files.iter().zip(linked.programs) {
        let place = |error: lakeflow_interface::Error, key| error.with_context("file", path).with_context("key", key);
        let identity = field_of(programs, name, &file.identity).map_err(|error| place(error, "identity"))?;
        let cursor = match &file.cursor {
            None => None,
            Some(cursor) => Some(field_of(programs, name, cursor).map_err(|error| place(error, "cursor"))?),
        };
        let node = |field: &FieldPath| &programs[0].entries[field.links[0].node].node;
        let is_instant = |field: &FieldPath| node(field).instant_format().is_some();
        if let Some(field) = cursor.as_ref().filter(|field| {
            !field.links[0].rest.is_empty() || !(is_instant(field) || matches!(node(field), Node::Number(_)))
        }) {
            let shape = if field.links[0].rest.is_empty() { "another value" } else { "a field of another record" };
            return Err(mistake(
                path,
                "cursor",
                format!("expected a field that is `$timestamp`, `$after`, `$before` or `$number`, found {shape}"),
            ));
        }
        let changeable = file.changes.is_some() || cursor.as_ref().is_some_and(is_instant);
        if let (Some(_), Some(cursor)) = (&file.changes, &cursor)
            && !is_instant(cursor)
        {
            return Err(mistake(path, "changes", "rows can only change where `cursor` is a timestamp, or left out"));
        }
        outlines.push(Outline { identity, cursor, changeable });
    }
    Ok(outlines)
}

/// A field of a table's programs by its dotted path.
pub(crate) fn field_of(programs: &[Program], table: &str, path: &str) -> Result<FieldPath> {
    let keys: Vec<String> = path.split('.').map(str::to_owned).collect();
    let resolve = |program: &Program| match link::find(&program.entries, program.root, &keys) {
        Found::Field(node, rest) => Ok(Link { scope: Scope::Record, node, rest }),
        Found::Missing { key, valid } => Err(link::missing_field(table, &key, &valid)),
    };
    let links = programs.iter().map(resolve).collect::<Result<Vec<_>>>()?;
    let rises = links[0].rest.is_empty() && rises(&programs[0], links[0].node, 0);
    Ok(FieldPath { path: keys, links, rises, changeable: false, is_cursor: false })
}

/// Whether the value of a node never falls as the row's number grows.
fn rises(program: &Program, node: NodeId, depth: u32) -> bool {
    let linked = |link: usize| {
        let link = &program.links[link];
        link.scope == Scope::Record && link.rest.is_empty() && depth < 16 && rises(program, link.node, depth + 1)
    };
    match &program.entries[node].node {
        Node::Timestamp { .. } => true,
        Node::Shifted { base, shift, .. } => shift.exact && linked(*base),
        Node::Copy(link) => linked(*link),
        Node::Number(expression) => expression.rises(&|name| match name {
            Name::N => true,
            Name::Field(link) => linked(*link),
            Name::K | Name::I => false,
        }),
        _ => false,
    }
}
