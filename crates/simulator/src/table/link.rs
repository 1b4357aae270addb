//! Looking up the fields that templates and endpoints name, and finding fields that depend on themselves.

use std::collections::HashSet;

use lakeflow_interface::{ErrorKind, Result, unknown_name};

use super::compile::{Draft, PendingLink};
use super::expression::Expression;
use super::node::{Entry, Link, Name, Node, NodeId, Part, Piece, Program, Scope};
use crate::definition::{mistake, unknown};

/// What became of a look-up.
pub(crate) enum Found {
    /// The node, and the keys below it that depend on what it chooses.
    Field(NodeId, Vec<String>),
    /// There is no such key; these are there.
    Missing { key: String, valid: Vec<String> },
}

/// Looks up a field below a node.
pub(crate) fn find(entries: &[Entry], start: NodeId, path: &[String]) -> Found {
    let mut node = start;
    for (position, key) in path.iter().enumerate() {
        let (names, next): (Vec<&String>, _) = match &entries[node].node {
            Node::Object { fields, .. } => (
                fields.iter().map(|field| &field.name).collect(),
                fields.iter().find(|field| field.name == *key).map(|field| field.node),
            ),
            Node::Choice { .. } | Node::Optional { .. } | Node::If { .. } | Node::Copy(_) | Node::Row { .. } => {
                return Found::Field(node, path[position..].to_vec());
            }
            _ => (Vec::new(), None),
        };
        match next {
            Some(next) => node = next,
            None => return Found::Missing { key: key.clone(), valid: names.into_iter().cloned().collect() },
        }
    }
    Found::Field(node, Vec::new())
}

/// The drafts of one table: the template, and the template with its changes.
pub(crate) struct Drafts {
    pub(crate) base: Draft,
    pub(crate) changed: Option<Draft>,
    pub(crate) parent: Option<usize>,
    pub(crate) file: String,
}

/// Looks up all names of all templates, and gives the programs of each table.
pub(crate) fn link(
    drafts: Vec<Drafts>,
    tables: &[String],
    constants: &[&str],
) -> Result<Vec<(Program, Option<Program>)>> {
    let mut links = Vec::with_capacity(drafts.len());
    for (table, draft) in drafts.iter().enumerate() {
        let linker = Linker { drafts: &drafts, tables, constants, table };
        let base = linker.all(&draft.base)?;
        let changed = draft.changed.as_ref().map(|changed| linker.all(changed)).transpose()?;
        links.push((base, changed));
    }
    let programs = drafts.into_iter().zip(links).map(|(draft, (base, changed))| {
        (program(draft.base, base), draft.changed.zip(changed).map(|(draft, links)| program(draft, links)))
    });
    Ok(programs.collect())
}

fn program(draft: Draft, links: Vec<Link>) -> Program {
    Program { entries: draft.entries, links, root: draft.root, cursor: None }
}

struct Linker<'a> {
    drafts: &'a [Drafts],
    tables: &'a [String],
    constants: &'a [&'a str],
    table: usize,
}

impl Linker<'_> {
    fn all(&self, draft: &Draft) -> Result<Vec<Link>> {
        draft.pending.iter().map(|pending| self.one(draft, pending)).collect()
    }

    fn one(&self, draft: &Draft, pending: &PendingLink) -> Result<Link> {
        if let (Scope::Element, Some(element)) = (pending.scope, pending.element)
            && let Found::Field(node, rest) = find(&draft.entries, element, &pending.path)
        {
            return self.checked(&draft.entries, Link { scope: Scope::Element, node, rest }, pending);
        }
        let (scope, target) = match pending.scope {
            Scope::Element | Scope::Record => (Scope::Record, draft),
            Scope::Parent(levels) => (pending.scope, &self.drafts[self.ancestor(levels, pending)?].base),
            Scope::Pool(table) => (pending.scope, &self.drafts[table].base),
        };
        match find(&target.entries, target.root, &pending.path) {
            Found::Field(node, rest) => self.checked(&target.entries, Link { scope, node, rest }, pending),
            Found::Missing { key, valid } => {
                let constants: &[&str] = if scope == Scope::Record { self.constants } else { &[] };
                let valid: Vec<&str> = valid.iter().map(String::as_str).chain(constants.iter().copied()).collect();
                let what = match scope {
                    Scope::Pool(table) => format!("field of `{}`", self.tables[table]),
                    Scope::Parent(_) => "field of the parent".to_owned(),
                    Scope::Element | Scope::Record => "field".to_owned(),
                };
                Err(unknown(self.file(), &pending.key, &what, &key, valid))
            }
        }
    }

    fn checked(&self, entries: &[Entry], link: Link, pending: &PendingLink) -> Result<Link> {
        if !pending.composite && link.rest.is_empty() && entries[link.node].node.is_composite() {
            let path = pending.path.join(".");
            return Err(mistake(
                self.file(),
                &pending.key,
                format!("expected a field with a plain value, found `{path}`, which is an object or a list"),
            ));
        }
        Ok(link)
    }

    fn ancestor(&self, levels: usize, pending: &PendingLink) -> Result<usize> {
        (0..levels).try_fold(self.table, |table, _| {
            self.drafts[table].parent.ok_or_else(|| {
                let name = &self.tables[table];
                mistake(self.file(), &pending.key, format!("`parent` is named, but corpus `{name}` has no `parent`"))
            })
        })
    }

    fn file(&self) -> &str {
        &self.drafts[self.table].file
    }
}

/// A program of a linked set, by its table; whether it is the one with changes.
type ProgramId = (usize, bool);

/// All programs of all tables, linked.
pub(crate) struct Linked<'a> {
    pub(crate) programs: &'a [(Program, Option<Program>)],
    pub(crate) parents: &'a [Option<usize>],
}

impl Linked<'_> {
    /// The first field that depends on itself, if there is one: its table, and the node.
    pub(crate) fn find_cycle(&self) -> Option<(usize, NodeId)> {
        let mut done = HashSet::new();
        for table in 0..self.programs.len() {
            for changed in [false, true] {
                let count = self.program((table, changed)).map_or(0, |program| program.entries.len());
                for node in 0..count {
                    if !self.visit(((table, changed), node), &mut Vec::new(), &mut done) {
                        return Some((table, node));
                    }
                }
            }
        }
        None
    }

    fn program(&self, (table, changed): ProgramId) -> Option<&Program> {
        let (base, with_changes) = self.programs.get(table)?;
        if changed { with_changes.as_ref() } else { Some(base) }
    }

    fn visit(
        &self,
        at: (ProgramId, NodeId),
        path: &mut Vec<(ProgramId, NodeId)>,
        done: &mut HashSet<(ProgramId, NodeId)>,
    ) -> bool {
        if done.contains(&at) {
            return true;
        }
        if path.contains(&at) {
            return false;
        }
        path.push(at);
        let acyclic = self.needs(at).into_iter().all(|need| self.visit(need, path, done));
        path.pop();
        done.insert(at);
        acyclic
    }

    /// The nodes that the value of a node depends on.
    fn needs(&self, (id, node): (ProgramId, NodeId)) -> Vec<(ProgramId, NodeId)> {
        let Some(program) = self.program(id) else { return Vec::new() };
        let mut nodes = Vec::new();
        let mut links = Vec::new();
        match &program.entries[node].node {
            Node::Object { fields, .. } => nodes.extend(fields.iter().map(|field| field.node)),
            Node::List(items) => nodes.extend(items),
            Node::Choice { options, .. } => nodes.extend(options),
            Node::Optional { value, .. } => nodes.push(*value),
            Node::Repeat { element, .. } => nodes.push(*element),
            Node::If { conditions, then, otherwise } => {
                nodes.extend([*then, *otherwise]);
                links.extend(conditions.iter().map(|condition| condition.field));
            }
            Node::Copy(link) | Node::Shifted { base: link, .. } => links.push(*link),
            Node::Number(expression) => collect(expression, &mut links),
            Node::Text(pieces) => {
                for piece in pieces {
                    match piece {
                        Piece::Name(Name::Field(link)) => links.push(*link),
                        Piece::Number { value, .. } => collect(value, &mut links),
                        _ => {}
                    }
                }
            }
            Node::Row { table, at, part, .. } => {
                if let Some(at) = at {
                    collect(at, &mut links);
                }
                match part {
                    Part::Whole => return self.with_pool_root(id, *table, &links, program),
                    Part::Field(link) => links.push(*link),
                    Part::Fields(fields) => links.extend(fields.iter().map(|(_, _, link)| *link)),
                }
            }
            _ => {}
        }
        let linked = links.into_iter().filter_map(|link| self.target(id, &program.links[link]));
        nodes.into_iter().map(|node| (id, node)).chain(linked).collect()
    }

    fn with_pool_root(
        &self,
        id: ProgramId,
        table: usize,
        links: &[usize],
        program: &Program,
    ) -> Vec<(ProgramId, NodeId)> {
        let linked = links.iter().filter_map(|link| self.target(id, &program.links[*link]));
        linked.chain([((table, false), self.programs[table].0.root)]).collect()
    }

    fn target(&self, (table, changed): ProgramId, link: &Link) -> Option<(ProgramId, NodeId)> {
        let program = match link.scope {
            Scope::Element | Scope::Record => (table, changed),
            Scope::Parent(levels) => {
                ((0..levels).try_fold(table, |table, _| self.parents.get(table).copied().flatten())?, false)
            }
            Scope::Pool(table) => (table, false),
        };
        Some((program, link.node))
    }
}

fn collect(expression: &Expression<Name>, links: &mut Vec<usize>) {
    match expression {
        Expression::Constant(_) => {}
        Expression::Name(Name::Field(link)) => links.push(*link),
        Expression::Name(_) => {}
        Expression::Binary(left, _, right) => {
            collect(left, links);
            collect(right, links);
        }
    }
}

/// The error for a path of a field that does not exist.
pub(crate) fn missing_field(table: &str, key: &str, valid: &[String]) -> lakeflow_interface::Error {
    unknown_name(ErrorKind::Definition, &format!("field of `{table}`"), key, valid.iter().map(String::as_str))
}
