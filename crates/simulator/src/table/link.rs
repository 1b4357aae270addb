//! Looking up the fields that templates and endpoints name, and finding fields that depend on themselves.

use std::collections::HashSet;

use lakeflow_interface::{ErrorKind, Result, unknown_name};

use super::compile::{Draft, PendingLink};
use super::expression::Expression;
use super::feed::Feed;
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

/// The drafts of one table: the template, and those of changed and deleted rows.
pub(crate) struct Drafts {
    pub(crate) templates: Vec<Draft>,
    pub(crate) variants: [[usize; 2]; 2],
    pub(crate) parent: Option<usize>,
    /// The tables that it tells of, where it is a feed.
    pub(crate) sources: Vec<usize>,
    pub(crate) file: String,
}

/// Looks up all names of all templates, and gives the programs of each table.
pub(crate) fn link(drafts: Vec<Drafts>, tables: &[String], constants: &[&str]) -> Result<Vec<Vec<Program>>> {
    let mut links = Vec::with_capacity(drafts.len());
    for (table, draft) in drafts.iter().enumerate() {
        let linker = Linker { drafts: &drafts, tables, constants, table };
        links.push(draft.templates.iter().map(|template| linker.all(template)).collect::<Result<Vec<_>>>()?);
    }
    let programs = drafts.into_iter().zip(links).map(|(draft, links)| {
        let programs = draft.templates.into_iter().zip(links);
        programs
            .map(|(draft, links)| Program { entries: draft.entries, links, root: draft.root, cursor: None })
            .collect()
    });
    Ok(programs.collect())
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
        if pending.scope == Scope::Subject {
            return self.of_subject(pending);
        }
        let (scope, target) = match pending.scope {
            Scope::Element | Scope::Record | Scope::Subject => (Scope::Record, draft),
            Scope::Parent(levels) => (pending.scope, &self.drafts[self.ancestor(levels, pending)?].templates[0]),
            Scope::Pool(table) => (pending.scope, &self.drafts[table].templates[0]),
        };
        match find(&target.entries, target.root, &pending.path) {
            Found::Field(node, rest) => self.checked(&target.entries, Link { scope, node, rest }, pending),
            Found::Missing { key, valid } => {
                let constants: &[&str] = if scope == Scope::Record { self.constants } else { &[] };
                let valid: Vec<&str> = valid.iter().map(String::as_str).chain(constants.iter().copied()).collect();
                let what = match scope {
                    Scope::Pool(table) => format!("field of `{}`", self.tables[table]),
                    Scope::Parent(_) => "field of the parent".to_owned(),
                    Scope::Element | Scope::Record | Scope::Subject => "field".to_owned(),
                };
                Err(unknown(self.file(), &pending.key, &what, &key, valid))
            }
        }
    }

    /// A field of the rows that a feed tells of: one of their corpora must have it.
    fn of_subject(&self, pending: &PendingLink) -> Result<Link> {
        let mut missing = None;
        for source in &self.drafts[self.table].sources {
            let draft = &self.drafts[*source].templates[0];
            match find(&draft.entries, draft.root, &pending.path) {
                Found::Field(..) => return Ok(Link { scope: Scope::Subject, node: 0, rest: pending.path.clone() }),
                Found::Missing { key, valid } => missing = Some((key, valid)),
            }
        }
        let (key, valid) = missing.unwrap_or_default();
        Err(unknown(self.file(), &pending.key, "field of the subject", &key, valid.iter().map(String::as_str)))
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

/// A program of a linked set, by its table and its number there.
type ProgramId = (usize, usize);

/// All programs of all tables, linked.
pub(crate) struct Linked<'a> {
    pub(crate) programs: &'a [Vec<Program>],
    pub(crate) parents: &'a [Option<usize>],
    pub(crate) feeds: &'a [Option<Feed>],
}

impl Linked<'_> {
    /// The first field that depends on itself, if there is one: its table, and its path.
    pub(crate) fn find_cycle(&self) -> Option<(usize, String)> {
        let mut done = HashSet::new();
        for (table, programs) in self.programs.iter().enumerate() {
            for (number, program) in programs.iter().enumerate() {
                for node in 0..program.entries.len() {
                    if let Some((id, node)) = self.visit(((table, number), node), &mut Vec::new(), &mut done) {
                        return Some((id.0, self.path_of(id, node)));
                    }
                }
            }
        }
        None
    }

    /// The path of the field that a node is the value of, or a part of.
    fn path_of(&self, id: ProgramId, node: NodeId) -> String {
        let holder = |program: &Program| {
            program.entries.iter().enumerate().find_map(|(holder, entry)| match &entry.node {
                Node::Object { fields, .. } => {
                    let field = fields.iter().find(|field| field.node == node)?;
                    Some((holder, format!(".{}", field.name)))
                }
                Node::Repeat { element, .. } => (*element == node).then(|| (holder, "[]".to_owned())),
                Node::Optional { value, .. } | Node::Encoded(value) => {
                    (*value == node).then(|| (holder, String::new()))
                }
                _ => None,
            })
        };
        match self.program(id).and_then(holder) {
            Some((holder, part)) => format!("{}{part}", self.path_of(id, holder)).trim_start_matches('.').to_owned(),
            None => String::new(),
        }
    }

    fn program(&self, (table, number): ProgramId) -> Option<&Program> {
        self.programs.get(table)?.get(number)
    }

    /// Visits what a node depends on; gives the first node that leads back to itself.
    fn visit(
        &self,
        at: (ProgramId, NodeId),
        path: &mut Vec<(ProgramId, NodeId)>,
        done: &mut HashSet<(ProgramId, NodeId)>,
    ) -> Option<(ProgramId, NodeId)> {
        if done.contains(&at) {
            return None;
        }
        if path.contains(&at) {
            return Some(at);
        }
        path.push(at);
        let found = self.needs(at).into_iter().find_map(|need| self.visit(need, path, done));
        path.pop();
        done.insert(at);
        found
    }

    /// The nodes that the value of a node depends on.
    fn needs(&self, (id, node): (ProgramId, NodeId)) -> Vec<(ProgramId, NodeId)> {
        let Some(program) = self.program(id) else { return Vec::new() };
        let mut nodes = Vec::new();
        let mut links = Vec::new();
        let mut nodes_elsewhere = Vec::new();
        match &program.entries[node].node {
            Node::Object { fields, .. } => nodes.extend(fields.iter().map(|field| field.node)),
            Node::List(items) => nodes.extend(items),
            Node::Choice { at, options, .. } => {
                nodes.extend(options);
                if let Some(at) = at {
                    collect(at, &mut links);
                }
            }
            Node::Optional { value, .. } | Node::Encoded(value) => nodes.push(*value),
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
                    Part::Whole => nodes_elsewhere.push(((*table, 0), self.programs[*table][0].root)),
                    Part::Field(link) => links.push(*link),
                    Part::Fields(fields) => links.extend(fields.iter().map(|(_, _, link)| *link)),
                }
            }
            _ => {}
        }
        let linked = links.into_iter().flat_map(|link| self.targets(id, &program.links[link]));
        nodes.into_iter().map(|node| (id, node)).chain(nodes_elsewhere).chain(linked).collect()
    }

    fn targets(&self, (table, number): ProgramId, link: &Link) -> Vec<(ProgramId, NodeId)> {
        let program = match link.scope {
            Scope::Element | Scope::Record => (table, number),
            Scope::Parent(levels) => {
                match (0..levels).try_fold(table, |table, _| self.parents.get(table).copied().flatten()) {
                    Some(ancestor) => (ancestor, 0),
                    None => return Vec::new(),
                }
            }
            Scope::Pool(table) => (table, 0),
            Scope::Subject => {
                let sources = self.feeds[table].iter().flat_map(|feed| &feed.sources).map(|source| source.table);
                return sources.map(|source| ((source, 0), self.programs[source][0].root)).collect();
            }
        };
        vec![(program, link.node)]
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
