//! Tables whose rows are computed: templates compiled to bytes with gaps, and the world that they live in.

mod compile;
mod expression;
mod feed;
mod generator;
mod interpolation;
mod link;
mod node;
mod outline;
mod render;
mod row;
mod scalar;
mod world;

use std::collections::BTreeMap;

use lakeflow_interface::Result;

use crate::definition::{CorpusFile, mistake, unknown};
use compile::{Draft, Surroundings};
pub(crate) use feed::{Feed, HappeningKind};
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
    /// What happens to rows of other tables is told by rows of this one.
    pub(crate) feed: Option<Feed>,
    /// What a deletion sets anew, whatever was written there.
    pub(crate) reset_by_deletion: Vec<Vec<String>>,
    /// The feeds that tell of this table's rows.
    pub(crate) told_by: Vec<usize>,
    /// The template, and those of changed and deleted rows where they differ.
    programs: Vec<Program>,
    variants: Variants,
    seed: u64,
}

/// The number of the program for a row: by whether it was changed, and whether it was deleted.
type Variants = [[usize; 2]; 2];

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
    /// The keys, from the record's root.
    pub(crate) path: Vec<String>,
    /// Where it is in each program of the table.
    links: Vec<Link>,
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
        let feeds =
            files.iter().map(|(_, path, file)| Feed::of(path, file, &names)).collect::<Result<Vec<Option<Feed>>>>()?;
        let mut drafts = Vec::with_capacity(files.len());
        for (number, (_, path, file)) in files.iter().enumerate() {
            let sources = feeds[number].iter().flat_map(|feed| &feed.sources).map(|source| source.table).collect();
            let surroundings = Surroundings {
                file: path,
                tables: &names,
                constants,
                is_feed: feeds[number].is_some(),
                key: "changes",
            };
            let (templates, variants) = templates(file, &surroundings)?;
            drafts.push(Drafts { templates, variants, parent: tables[number], sources, file: path.clone() });
        }
        let variants: Vec<Variants> = drafts.iter().map(|draft| draft.variants).collect();
        let constant_names: Vec<&str> = constants.keys().map(String::as_str).collect();
        let programs = link::link(drafts, &names, &constant_names)?;
        check_pools(files, &programs, &parents)?;
        let linked = Linked { programs: &programs, parents: &tables, feeds: &feeds };
        if let Some((table, field)) = linked.find_cycle() {
            let message = format!("the field `{field}` depends on itself through the fields that it names");
            let error = mistake(&files[table].1, "record", message);
            let is_in_list = field.contains("[]");
            let hint = "in an element of a list, a name means the element's own field first";
            return Err(if is_in_list { error.with_hint(hint) } else { error });
        }
        let outlines = outline::outlines(files, &linked)?;
        let mut tables = Vec::with_capacity(files.len());
        for (number, (outline, programs)) in outlines.into_iter().zip(programs).enumerate() {
            let mut table = outline.into_table(programs, &files[number], parents[number]);
            table.variants = variants[number];
            table.reset_by_deletion = reset_by_deletion(&files[number].2);
            table.feed.clone_from(&feeds[number]);
            let tells = |feed: &Feed| feed.sources.iter().any(|source| source.table == number);
            let told_by = feeds.iter().enumerate().filter(|(_, feed)| feed.as_ref().is_some_and(tells));
            table.told_by = told_by.map(|(feed, _)| feed).collect();
            tables.push(table);
        }
        Ok(Self(tables))
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
        let mut field = outline::field_of(&table.programs, &table.name, path)?;
        if let Some(cursor) = &table.cursor {
            field.is_cursor = field.links[0].node == cursor.links[0].node && field.links[0].rest.is_empty();
        }
        let changed = table.variants[1][0];
        field.changeable = field.is_cursor
            || (changed != 0
                && (!field.links[0].rest.is_empty()
                    || table.is_changeable(&table.programs[changed], field.links[changed].node)));
        Ok(field)
    }
}

impl Table {
    /// The number of the program for a row that was changed or deleted.
    pub(crate) fn variant(&self, changed: bool, deleted: bool) -> usize {
        self.variants[usize::from(changed)][usize::from(deleted)]
    }

    /// Whether the template of all rows has a field there.
    pub(crate) fn has_field(&self, path: &[String]) -> bool {
        matches!(link::find(&self.programs[0].entries, self.programs[0].root, path), Found::Field(..))
    }

    /// The keys of the template, at the top or below some of them.
    pub(crate) fn keys(&self, below: &[String]) -> Vec<&str> {
        let program = &self.programs[0];
        let Found::Field(node, _) = link::find(&program.entries, program.root, below) else { return Vec::new() };
        match &program.entries[node].node {
            Node::Object { fields, .. } => fields.iter().map(|field| field.name.as_str()).collect(),
            _ => Vec::new(),
        }
    }

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

/// The paths of what a deletion sets anew.
fn reset_by_deletion(file: &CorpusFile) -> Vec<Vec<String>> {
    let mut fresh = Vec::new();
    if let Some(deleted) = &file.deleted {
        compile::merge(&file.record, deleted, "", &mut fresh);
    }
    fresh.iter().map(|path| path.split('.').map(str::to_owned).collect()).collect()
}

/// The templates of a corpus: of all rows, of changed ones, of deleted ones.
fn templates(file: &CorpusFile, surroundings: &Surroundings<'_>) -> Result<(Vec<Draft>, Variants)> {
    let mut drafts = vec![compile::compile(&file.record, &[], surroundings)?];
    let mut variants = [[0; 2]; 2];
    let mut changed = (file.record.clone(), Vec::new());
    if let Some(changes) = &file.changes {
        changed.0 = compile::merge(&file.record, changes, "", &mut changed.1);
        variants[1] = [drafts.len(); 2];
        drafts.push(compile::compile(&changed.0, &changed.1, surroundings)?);
    }
    if let Some(deleted) = &file.deleted {
        let surroundings = Surroundings { key: "deleted", ..*surroundings };
        for (number, (record, fresh)) in [(file.record.clone(), Vec::new()), changed].into_iter().enumerate() {
            if number == 1 && file.changes.is_none() {
                variants[1][1] = variants[0][1];
                continue;
            }
            let mut fresh = fresh;
            let record = compile::merge(&record, deleted, "", &mut fresh);
            variants[number][1] = drafts.len();
            drafts.push(compile::compile(&record, &fresh, &surroundings)?);
        }
    }
    Ok((drafts, variants))
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
    programs: &[Vec<Program>],
    parents: &[Option<Parent>],
) -> Result<()> {
    for ((_, path, _), programs) in files.iter().zip(programs) {
        for entry in programs.iter().flat_map(|program| &program.entries) {
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
