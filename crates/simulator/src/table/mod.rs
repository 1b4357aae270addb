//! Tables whose rows are computed: templates compiled to bytes with gaps, and the world that they live in.

mod compile;
mod expression;
mod generator;
mod interpolation;
mod link;
mod node;
mod render;
mod row;
mod scalar;
mod world;

use std::collections::BTreeMap;

use lakeflow_interface::Result;

use crate::definition::{CorpusFile, mistake, unknown};
use crate::random::mix_text;
use compile::Surroundings;
use link::{Drafts, Found, Linked};
use node::{Link, Name, Node, NodeId, Program, Scope};
pub(crate) use scalar::{Comparand, Scalar, passes};
pub(crate) use world::World;

/// One compiled corpus.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) count: u64,
    pub(crate) scaled: bool,
    pub(crate) parent: Option<Parent>,
    pub(crate) identity: FieldPath,
    pub(crate) cursor: Option<FieldPath>,
    /// Whether rows can be changed: there is something that a change would alter.
    pub(crate) changeable: bool,
    base: Program,
    changed: Option<Program>,
    seed: u64,
}

/// The table that a table's rows belong to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parent {
    pub(crate) table: usize,
    pub(crate) least: u64,
    pub(crate) most: u64,
    pub(crate) touched: bool,
}

/// A field of a table, found before any row is looked at.
#[derive(Clone, Debug)]
pub(crate) struct FieldPath {
    base: Link,
    changed: Option<Link>,
    /// Whether its value never falls as the row's number grows.
    pub(crate) rises: bool,
    /// Whether a change of a row may alter it.
    pub(crate) changeable: bool,
    /// Whether it is the cursor.
    pub(crate) is_cursor: bool,
}

/// The compiled corpora of a simulator.
#[derive(Debug)]
pub(crate) struct Tables(Vec<Table>);

impl Tables {
    /// Compiles corpora, given with the names of their tables and files.
    pub(crate) fn compile(
        files: &[(String, String, CorpusFile)],
        constants: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let names: Vec<String> = files.iter().map(|(name, _, _)| name.clone()).collect();
        let parents = files
            .iter()
            .map(|(_, path, file)| parent_of(path, file, &names))
            .collect::<Result<Vec<Option<Parent>>>>()?;
        let tables: Vec<Option<usize>> = parents.iter().map(|parent| parent.map(|parent| parent.table)).collect();
        check_ancestry(files, &tables)?;
        let mut drafts = Vec::with_capacity(files.len());
        for (number, (_, path, file)) in files.iter().enumerate() {
            let surroundings = Surroundings { file: path, tables: &names, constants };
            let base = compile::compile(&file.record, &[], &surroundings)?;
            let mut fresh = Vec::new();
            let merged = file.changes.as_ref().map(|changes| compile::merge(&file.record, changes, "", &mut fresh));
            let changed = merged.map(|merged| compile::compile(&merged, &fresh, &surroundings)).transpose()?;
            drafts.push(Drafts { base, changed, parent: tables[number], file: path.clone() });
        }
        let constant_names: Vec<&str> = constants.keys().map(String::as_str).collect();
        let programs = link::link(drafts, &names, &constant_names)?;
        check_pools(files, &programs, &parents)?;
        let linked = Linked { programs: &programs, parents: &tables };
        if let Some((table, _)) = linked.find_cycle() {
            return Err(mistake(
                &files[table].1,
                "record",
                "a field depends on itself through the fields that it names",
            ));
        }
        let outlines = outlines(files, &linked)?;
        let tables = programs.into_iter().zip(outlines).zip(files).zip(parents);
        Ok(Self(
            tables.map(|(((programs, outline), file), parent)| outline.into_table(programs, file, parent)).collect(),
        ))
    }

    /// All tables, by their number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Table> {
        self.0.iter()
    }

    /// One table by its number.
    pub(crate) fn get(&self, table: usize) -> &Table {
        &self.0[table]
    }

    /// The number of a table by its name.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|table| table.name == name)
    }

    /// A field of a table by its dotted path.
    pub(crate) fn field(&self, table: usize, path: &str) -> Result<FieldPath> {
        let table = &self.0[table];
        let programs = (&table.base, table.changed.as_ref());
        let mut field = field_of(programs, &table.name, path)?;
        if let Some(cursor) = &table.cursor {
            field.is_cursor = field.base.node == cursor.base.node && field.base.rest.is_empty();
        }
        let node = field.changed.as_ref().map(|link| link.node);
        field.changeable = match (node, &table.changed) {
            (Some(node), Some(program)) => {
                field.is_cursor || !field.base.rest.is_empty() || table.is_changeable(program, node)
            }
            _ => field.is_cursor,
        };
        Ok(field)
    }
}

impl Table {
    fn is_changeable(&self, program: &Program, node: NodeId) -> bool {
        program.entries[node].fresh
            || match &program.entries[node].node {
                Node::Copy(link) | Node::Shifted { base: link, .. } => {
                    let link = &program.links[*link];
                    link.scope != Scope::Record || !link.rest.is_empty() || self.is_changeable(program, link.node)
                }
                Node::Timestamp { .. } => false,
                Node::Number(expression) => !expression.rises(&|name| matches!(name, Name::N)),
                _ => true,
            }
    }
}

/// What is known of a table once its programs are linked.
struct Outline {
    identity: FieldPath,
    cursor: Option<FieldPath>,
    changeable: bool,
}

impl Outline {
    fn into_table(
        self,
        (mut base, mut changed): (Program, Option<Program>),
        (name, _, file): &(String, String, CorpusFile),
        parent: Option<Parent>,
    ) -> Table {
        if let Some(cursor) = &self.cursor {
            base.cursor = Some(cursor.base.node);
            if let (Some(program), Some(link)) = (&mut changed, &cursor.changed) {
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
            base,
            changed,
            seed: mix_text(2, name),
        }
    }
}

fn outlines(files: &[(String, String, CorpusFile)], linked: &Linked<'_>) -> Result<Vec<Outline>> {
    let mut outlines = Vec::with_capacity(files.len());
    for ((name, path, file), (base, changed)) in files.iter().zip(linked.programs) {
        let place = |error: lakeflow_interface::Error, key| error.with_context("file", path).with_context("key", key);
        let identity =
            field_of((base, changed.as_ref()), name, &file.identity).map_err(|error| place(error, "identity"))?;
        let cursor = match &file.cursor {
            None => None,
            Some(cursor) => {
                Some(field_of((base, changed.as_ref()), name, cursor).map_err(|error| place(error, "cursor"))?)
            }
        };
        let is_instant = |field: &FieldPath| base.entries[field.base.node].node.instant_format().is_some();
        if let Some(field) = cursor.as_ref().filter(|field| {
            !field.base.rest.is_empty()
                || !(is_instant(field) || matches!(base.entries[field.base.node].node, Node::Number(_)))
        }) {
            let shape = if field.base.rest.is_empty() { "another value" } else { "a field of another record" };
            return Err(mistake(
                path,
                "cursor",
                format!("expected a field that is `$timestamp`, `$after`, `$before` or `$number`, found {shape}"),
            ));
        }
        let changeable = changed.is_some() || cursor.as_ref().is_some_and(is_instant);
        if let (Some(_), Some(cursor)) = (changed, &cursor)
            && !is_instant(cursor)
        {
            return Err(mistake(path, "changes", "rows can only change where `cursor` is a timestamp, or left out"));
        }
        outlines.push(Outline { identity, cursor, changeable });
    }
    Ok(outlines)
}

fn field_of((base, changed): (&Program, Option<&Program>), table: &str, path: &str) -> Result<FieldPath> {
    let keys: Vec<String> = path.split('.').map(str::to_owned).collect();
    let resolve = |program: &Program| match link::find(&program.entries, program.root, &keys) {
        Found::Field(node, rest) => Ok(Link { scope: Scope::Record, node, rest }),
        Found::Missing { key, valid } => Err(link::missing_field(table, &key, &valid)),
    };
    let link = resolve(base)?;
    let rises = link.rest.is_empty() && rises(base, link.node, 0);
    let changed = changed.map(resolve).transpose()?;
    Ok(FieldPath { base: link, changed, rises, changeable: false, is_cursor: false })
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

fn parent_of(path: &str, file: &CorpusFile, names: &[String]) -> Result<Option<Parent>> {
    match (&file.parent, file.per_parent, file.count) {
        (None, None, Some(_)) => Ok(None),
        (Some(parent), Some([least, most]), None) if least <= most => {
            let Some(table) = names.iter().position(|name| name == parent) else {
                return Err(unknown(path, "parent", "corpus", parent, names.iter().map(String::as_str)));
            };
            Ok(Some(Parent { table, least, most, touched: file.touches_parent }))
        }
        (Some(_), Some([least, most]), None) => {
            Err(mistake(path, "per_parent", format!("expected the smaller number first, found `[{least}, {most}]`")))
        }
        (Some(_), _, _) => Err(mistake(path, "per_parent", "expected `per_parent`, and no `count`, beside `parent`")),
        (None, _, _) => Err(mistake(path, "count", "expected either `count`, or `parent` and `per_parent`")),
    }
}

fn check_ancestry(files: &[(String, String, CorpusFile)], parents: &[Option<usize>]) -> Result<()> {
    for (start, (_, path, _)) in files.iter().enumerate() {
        let mut table = start;
        for _ in 0..files.len() {
            match parents[table] {
                Some(parent) => table = parent,
                None => break,
            }
        }
        if parents[table].is_some() {
            return Err(mistake(path, "parent", "a corpus cannot be its own ancestor"));
        }
    }
    Ok(())
}

/// A pool must be countable, so it has no parent.
fn check_pools(
    files: &[(String, String, CorpusFile)],
    programs: &[(Program, Option<Program>)],
    parents: &[Option<Parent>],
) -> Result<()> {
    for ((_, path, _), (base, changed)) in files.iter().zip(programs) {
        for entry in base.entries.iter().chain(changed.iter().flat_map(|changed| &changed.entries)) {
            if let Node::Row { table, .. } = entry.node
                && parents[table].is_some()
            {
                let pool = &files[table].0;
                return Err(mistake(
                    path,
                    "record",
                    format!("`$row` needs a corpus with `count`, `{pool}` has a `parent`"),
                ));
            }
        }
    }
    Ok(())
}
