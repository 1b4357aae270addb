//! `Definition`: a `connector.yaml`, loaded and checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use lakeflow_interface::{ColumnPath, Error, ErrorKind, Result, Secret, TableMetadata, TableOptions, unknown_name};

use crate::check::{self, Checked};
use crate::definition::{Manifest, Template};
use crate::plan::TablePlan;
use crate::problem::{Problem, Problems};
use crate::setting::{Setting, Settings};
use crate::{structure, template, tree};

/// The definition of a connector, loaded and checked.
#[derive(Clone, Debug)]
pub struct Definition {
    pub(crate) shared: Arc<Shared>,
}

/// A table's parent, and what the table's rows say of it.
#[derive(Clone, Debug)]
pub struct ParentColumns {
    /// The parent table.
    pub parent: String,
    /// The columns that hold a field of the parent's row as it is, each with that field: `ticket_id` with `id`.
    pub columns: Vec<(String, ColumnPath)>,
}

/// What all clones of a definition share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) manifest: Manifest,
    pub(crate) parameters: Vec<Setting>,
    pub(crate) tables: BTreeMap<String, Arc<TablePlan>>,
    pub(crate) families: Vec<Arc<TablePlan>>,
}

impl Definition {
    /// Loads a definition. The origin, mostly a file's path, is what errors name.
    ///
    /// # Errors
    /// [`ErrorKind::Definition`]; its cause is [`Problems`]: everything that is wrong, with its place.
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        load(text).map_err(|problems| Problems::new(origin, problems).into())
    }

    /// The source's name as people write it.
    pub fn display_name(&self) -> &str {
        &self.shared.manifest.display_name
    }

    /// What the source is, in a sentence.
    pub fn description(&self) -> Option<&str> {
        self.shared.manifest.description.as_deref()
    }

    /// The definition as it is written.
    pub fn manifest(&self) -> &Manifest {
        &self.shared.manifest
    }

    /// What a user gives to connect.
    pub fn parameters(&self) -> &[Setting] {
        &self.shared.parameters
    }

    /// The names of the tables, sorted.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.shared.tables.keys().map(String::as_str)
    }

    /// What a table is, in a sentence.
    pub fn table_description(&self, table: &str) -> Result<Option<&str>> {
        Ok(self.plan(table)?.table.description.as_deref())
    }

    /// What a user can set for a table: what it declares, then what follows from it.
    pub fn table_options(&self, table: &str) -> Result<&[Setting]> {
        Ok(&self.plan(table)?.settings)
    }

    /// The Arrow schema of a table.
    pub fn table_schema(&self, table: &str) -> Result<SchemaRef> {
        Ok(self.plan(table)?.schema.clone())
    }

    /// The schemas of the records that the tables are made from: without the columns that the connector adds.
    pub fn record_schemas(&self) -> BTreeMap<String, SchemaRef> {
        let of = |plan: &TablePlan| {
            let fields = plan.schema.fields().iter();
            let sent = fields.filter(|field| !plan.table.add_columns.contains_key(field.name()));
            Arc::new(Schema::new(sent.cloned().collect::<Vec<_>>()))
        };
        self.shared.tables.iter().map(|(name, plan)| (name.clone(), of(plan))).collect()
    }

    /// Primary keys, cursor field and ingestion type of a table.
    pub fn table_metadata(&self, table: &str) -> Result<&TableMetadata> {
        Ok(&self.plan(table)?.metadata)
    }

    /// Whether the rows of a table have no change of their own: their cursor is that of the parent's row, and when that
    /// changes, all of its rows are read again.
    pub fn comes_with_parent(&self, table: &str) -> Result<bool> {
        let table = &self.plan(table)?.table;
        let is_by_change = table.parent.as_ref().is_some_and(|parent| parent.changed_only);
        let cursor = table.cursor_field.as_ref().map(ToString::to_string).unwrap_or_default();
        let template = table.add_columns.get(&cursor).filter(|_| is_by_change);
        Ok(template.is_some_and(|template| {
            template::names(template.text()).is_ok_and(|names| names.iter().any(|name| name.starts_with("parent.")))
        }))
    }

    /// The parent of a table, where it has one, and the columns that hold fields of the parent's row.
    pub fn parent_columns(&self, table: &str) -> Result<Option<ParentColumns>> {
        let table = &self.plan(table)?.table;
        let Some(parent) = &table.parent else { return Ok(None) };
        let field = |template: &Template| {
            let name = template.text().trim().strip_prefix("{{")?.strip_suffix("}}")?.trim().strip_prefix("parent.")?;
            parent.r#as.get(name).cloned()
        };
        let columns = table.add_columns.iter();
        let columns = columns.filter_map(|(name, template)| Some((name.clone(), field(template)?)));
        Ok(Some(ParentColumns { parent: parent.table.clone(), columns: columns.collect() }))
    }

    /// Everything that is wrong with the parameters of a connection.
    pub fn check_parameters(&self, given: &BTreeMap<String, Secret>) -> Vec<Error> {
        let given = given.iter().map(|(name, value)| (name.as_str(), value.expose()));
        self.parameter_settings().check(given)
    }

    /// Everything that is wrong with the options of a table.
    pub fn check_options(&self, table: &str, options: &TableOptions) -> Vec<Error> {
        match self.plan(table) {
            Ok(plan) => plan.option_settings().check(options.iter()),
            Err(error) => vec![error],
        }
    }

    pub(crate) fn parameter_settings(&self) -> Settings<'_> {
        Settings { what: "connection parameter", settings: &self.shared.parameters }
    }

    /// Whether there are tables that only the source can tell of.
    pub fn has_discovered_tables(&self) -> bool {
        !self.shared.families.is_empty()
    }

    /// A table by name; any name may be one that the source tells of, where it does. The error names the nearest one.
    pub(crate) fn plan(&self, table: &str) -> Result<&Arc<TablePlan>> {
        let tables = &self.shared.tables;
        tables
            .get(table)
            .or_else(|| self.shared.families.first())
            .ok_or_else(|| unknown_name(ErrorKind::Configuration, "table", table, tables.keys().map(String::as_str)))
    }
}

impl TablePlan {
    pub(crate) fn option_settings(&self) -> Settings<'_> {
        Settings { what: "option", settings: &self.settings }
    }
}

fn load(text: &str) -> Result<Definition, Vec<Problem>> {
    let tree = tree::parse(text).map_err(|problem| vec![problem])?;
    let problems = structure::check(&tree);
    if !problems.is_empty() {
        return Err(problems);
    }
    let manifest: Manifest = serde_json::from_value(tree.to_json())
        .map_err(|error| vec![Problem::new(tree.place, "", error.to_string())])?;
    let Checked { parameters, tables, families } = check::check(&tree, &manifest)?;
    Ok(Definition { shared: Arc::new(Shared { manifest, parameters, tables, families }) })
}
