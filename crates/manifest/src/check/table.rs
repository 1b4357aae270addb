//! Checks tables, and how they hang together.

use std::collections::BTreeMap;
use std::sync::Arc;

use lakeflow_http::Pagination;
use lakeflow_interface::{IngestionType, TableMetadata};
use minijinja::value::Value;

use super::pagination::{compile, parameters};
use super::templates::Names;
use super::{Checker, deeper};
use crate::cursor::CursorKind;
use crate::definition::{PageSize, Parent, Table};
use crate::plan::{TablePlan, derived_options};
use crate::setting::Setting;

impl Checker<'_> {
    /// Checks a table by itself; gives it with what follows from it.
    pub(super) fn table(&mut self, name: &str, table: &Table, connection: &[Setting]) -> Option<TablePlan> {
        let http = &self.manifest.http;
        let pagination = compile(table.pagination.as_ref().or(http.pagination.as_ref()));
        let page_size = table.page_size.clone().or_else(|| http.page_size.clone());
        self.paging(&["tables", name], table.pagination.as_ref(), table.page_size.as_ref());
        let mut settings = self.table_options(name, &table.options);
        self.table_templates(name, table, &settings, connection);
        self.parameters_set_once(name, table, &pagination, page_size.as_ref());
        self.ingestion(name, table);
        let schema = self.schema(name, &table.schema)?;
        self.keys(name, &schema, &table.primary_keys);
        self.added_columns(name, &schema, table.add_columns.keys());
        let cursor_kind = self.cursor_kind(name, table, &schema);
        if let Some(incremental) = &table.incremental {
            self.incremental(name, table, incremental, cursor_kind, &pagination);
        }
        settings.extend(derived_options(table, page_size.as_ref(), &pagination));
        let metadata = TableMetadata {
            primary_keys: table.primary_keys.clone(),
            cursor_field: table.cursor_field.clone(),
            ingestion_type: table.ingestion_type,
            order: table.incremental.as_ref().map(|incremental| incremental.order).unwrap_or_default(),
        };
        let (name, request) = (name.to_owned(), table.request.full());
        Some(TablePlan {
            name,
            schema,
            metadata,
            settings,
            request,
            pagination,
            page_size,
            cursor_kind,
            table: table.clone(),
        })
    }

    fn table_templates(&mut self, name: &str, table: &Table, settings: &[Setting], connection: &[Setting]) {
        let mut names = Names::of_connection(connection).with_settings("options", settings);
        if let Some(parent) = &table.parent {
            let fields = parent.r#as.keys().map(|name| (name.clone(), Value::from("1")));
            names = names.with_root("parent", fields.collect());
        }
        for (column, template) in &table.add_columns {
            self.template(&["tables", name, "add_columns", column], template, &names);
        }
        if table.incremental.is_some() {
            let bound = |name: &str| (name.to_owned(), Value::from("2026-01-31T12:00:00Z"));
            names = names.with_root("window", BTreeMap::from([bound("start"), bound("end")]));
        }
        self.request(&["tables", name, "request"], &table.request.full(), &names);
    }

    /// A query parameter that two words set.
    fn parameters_set_once(&mut self, name: &str, table: &Table, pagination: &Pagination, size: Option<&PageSize>) {
        let incremental = table.incremental.clone().unwrap_or_default();
        let bounds = [("incremental.from", &incremental.from), ("incremental.to", &incremental.to)];
        let bounds = bounds.into_iter().filter_map(|(word, bound)| Some((bound.as_ref()?.full().param?, word)));
        let paging = parameters(pagination, size).into_iter().map(|(param, word)| (param.to_owned(), word));
        let set: Vec<(String, &str)> = bounds.chain(paging).collect();
        for param in table.request.full().params.keys() {
            if let Some((_, word)) = set.iter().find(|(other, _)| other == param) {
                let path = ["tables", name, "request", "params", param];
                self.report_key(&path, format!("the parameter `{param}` is set by `{word}` already"));
            }
        }
    }

    fn cursor_kind(&mut self, name: &str, table: &Table, schema: &arrow::datatypes::SchemaRef) -> Option<CursorKind> {
        let path = ["tables", name, "cursor_field"];
        let column = table.cursor_field.as_ref()?;
        let data_type = self.column(&path, schema, column)?;
        let kind = CursorKind::of(&data_type);
        if kind.is_none() {
            self.report(&path, format!("expected a timestamp, a date, a number or text, found the column `{column}`"));
        }
        kind
    }

    /// Checks what tables say of each other.
    pub(super) fn parents(&mut self, tables: &BTreeMap<String, Arc<TablePlan>>) {
        let manifest = self.manifest;
        for (name, table) in &manifest.tables {
            let Some(parent) = &table.parent else { continue };
            let path = ["tables", name.as_str(), "parent"];
            let Some(of) = manifest.tables.get(&parent.table) else {
                let valid = manifest.tables.keys().map(String::as_str).filter(|other| other != name);
                self.report_unknown(&deeper(&path, "table"), "table", &parent.table, valid);
                continue;
            };
            if self.leads_back(name, parent) {
                self.report(&deeper(&path, "table"), format!("the table `{name}` is its own ancestor"));
                continue;
            }
            self.changed_only(name, table, parent, of);
            if let (Some(child), Some(plan)) = (tables.get(name), tables.get(&parent.table)) {
                self.parent_fields(name, parent, plan);
                self.parent_options(name, child, plan);
            }
        }
    }

    fn leads_back(&self, name: &str, parent: &Parent) -> bool {
        let mut ancestor = Some(parent);
        for _ in 0..=self.manifest.tables.len() {
            match ancestor {
                None => return false,
                Some(parent) if parent.table == name => return true,
                Some(parent) => {
                    ancestor = self.manifest.tables.get(&parent.table).and_then(|table| table.parent.as_ref());
                }
            }
        }
        false
    }

    fn changed_only(&mut self, name: &str, table: &Table, parent: &Parent, of: &Table) {
        let path = ["tables", name, "parent", "changed_only"];
        if parent.changed_only && of.ingestion_type == IngestionType::Snapshot {
            let message = format!("the table `{}` is a `snapshot`: it does not tell what changed", parent.table);
            self.report_key(&path, message);
        }
        if parent.changed_only && table.ingestion_type == IngestionType::Snapshot {
            self.report_key(&path, "a `snapshot` is read for every parent each time");
        }
    }

    fn parent_fields(&mut self, name: &str, parent: &Parent, plan: &TablePlan) {
        for (alias, column) in &parent.r#as {
            let path = ["tables", name, "parent", "as", alias];
            if self.column(&path, &plan.schema, column).is_some_and(|data_type| data_type.is_nested()) {
                self.report(&path, format!("expected a column with one value, found the nested column `{column}`"));
            }
        }
    }

    fn parent_options(&mut self, name: &str, child: &TablePlan, parent: &TablePlan) {
        for setting in parent.settings.iter().filter(|setting| setting.required) {
            if !child.settings.iter().any(|own| own.name == setting.name) {
                let message = format!("the parent `{}` needs the option `{}`", parent.name, setting.name);
                self.report(&["tables", name, "options"], message);
            }
        }
    }
}
