//! `Check`: one promise of a connector, and how it is tried.

use futures::future::LocalBoxFuture;

use crate::case::Trial;
use crate::finding::Outcome;

/// One promise of a connector, and how it is tried.
pub struct Check {
    /// Its name, as the contract's documentation has it.
    pub name: &'static str,
    /// What it demands, in a sentence.
    pub demand: &'static str,
    /// What to do when it fails.
    pub advice: &'static str,
    /// Whether it is tried once, or for every table.
    pub scope: Scope,
    /// What a table must have for the check to say something about it.
    pub needs: &'static [Need],
    pub(crate) run: for<'t> fn(&'t Trial<'t>) -> LocalBoxFuture<'t, Outcome>,
}

/// Whether a check is tried once, or for every table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Once.
    Source,
    /// For every table.
    Table,
}

/// What a table must have for a check to say something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The source's simulator: the check makes things happen there.
    Simulator,
    /// A corpus of the table's own, to compare its rows with.
    Corpus,
    /// It is read from where the last read ended: no snapshot.
    Incremental,
    /// Every read gives all of it.
    Snapshot,
    /// Its deleted rows are told.
    Deletes,
    /// Its read can be split.
    Partitions,
    /// Rows can be written to it.
    WriteBack,
    /// Its options are declared.
    DeclaredOptions,
    /// An option of this name.
    Option(&'static str),
    /// A secret among the connection's parameters.
    Secret,
}
