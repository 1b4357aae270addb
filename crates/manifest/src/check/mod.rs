//! Checks what the shape of a file cannot say: that names exist, that types fit, that words go together.

mod changes;
mod connection;
mod extras;
mod incremental;
mod options;
pub(crate) mod pagination;
mod schema;
mod table;
mod templates;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use connection::AUTH_METHOD;

use table::Described;

use crate::definition::Manifest;
use crate::plan::{FeedPlan, TablePlan};
use crate::problem::Problem;
use crate::setting::Setting;
use crate::tree::Node;

/// What a file comes to once it is checked.
pub(crate) struct Checked {
    pub(crate) parameters: Vec<Setting>,
    pub(crate) tables: BTreeMap<String, Arc<TablePlan>>,
    /// The tables that stand for what the source tells of.
    pub(crate) families: Vec<Arc<TablePlan>>,
}

/// The feeds by name.
type Feeds = BTreeMap<String, Arc<FeedPlan>>;

/// Checks a definition; gives all problems where there are some.
pub(crate) fn check(tree: &Node, manifest: &Manifest) -> Result<Checked, Vec<Problem>> {
    let mut checker = Checker { tree, manifest, problems: Vec::new() };
    let parameters = checker.connection();
    checker.http(&parameters);
    checker.types();
    checker.option_groups();
    let feeds = checker.feeds(&templates::Names::of_connection(&parameters));
    let feeds: Feeds = manifest.feeds.keys().cloned().zip(feeds.into_iter().map(Arc::new)).collect();
    let mut tables = BTreeMap::new();
    let mut families = Vec::new();
    for (name, table) in &manifest.tables {
        match checker.table(name, table, &parameters, &feeds) {
            Some(Described::Tables(plans)) => {
                tables.extend(plans.into_iter().map(|plan| (plan.name.clone(), Arc::new(plan))));
            }
            Some(Described::Family(plan)) => families.push(Arc::new(*plan)),
            None => {}
        }
    }
    checker.parents(&tables);
    if manifest.tables.is_empty() {
        checker.report(&["tables"], "expected at least one table, found none");
    }
    if checker.problems.is_empty() { Ok(Checked { parameters, tables, families }) } else { Err(checker.problems) }
}

struct Checker<'d> {
    tree: &'d Node,
    manifest: &'d Manifest,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    /// Notes a problem with the value at a path.
    fn report(&mut self, path: &[&str], message: impl Into<String>) -> &mut Problem {
        self.note(Problem::new(self.tree.place_of(path), path.join("."), message))
    }

    /// Notes a problem with the key at the end of a path.
    fn report_key(&mut self, path: &[&str], message: impl Into<String>) -> &mut Problem {
        self.note(Problem::new(self.tree.place_of_key(path), path.join("."), message))
    }

    /// Notes a name that does not exist.
    fn report_unknown<'n>(
        &mut self,
        path: &[&str],
        what: &str,
        name: &str,
        valid: impl IntoIterator<Item = &'n str> + Clone,
    ) {
        let problem = Problem::new(self.tree.place_of(path), path.join("."), format!("unknown {what} `{name}`"));
        self.problems.push(problem.with_valid(name, valid));
    }

    fn note(&mut self, problem: Problem) -> &mut Problem {
        let position = self.problems.len();
        self.problems.push(problem);
        &mut self.problems[position]
    }
}

/// A path and one more key.
fn deeper<'p>(path: &[&'p str], key: &'p str) -> Vec<&'p str> {
    path.iter().copied().chain([key]).collect()
}
