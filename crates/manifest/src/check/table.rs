//! Checks tables, and how they hang together.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use lakeflow_http::Pagination;
use lakeflow_interface::IngestionType;
use minijinja::value::Value;

use super::pagination::{compile, parameters};
use super::templates::Names;
use super::{Checker, Feeds, deeper};
use crate::cursor::CursorKind;
use crate::definition::{PageSize, Parent, Span, Table};
use crate::plan::{FeedPlan, TablePlan, derived_options};
use crate::setting::Setting;

/// A table of a file: itself, several that differ in some words, or one that stands for what the source tells of.
pub(super) enum Described {
    Tables(Vec<TablePlan>),
    Family(Box<TablePlan>),
}

impl Checker<'_> {
    /// Checks a table by itself; gives it with what follows from it.
    pub(super) fn table(
        &mut self,
        name: &str,
        table: &Table,
        connection: &[Setting],
        feeds: &Feeds,
    ) -> Option<Described> {
        let http = &self.manifest.http;
        self.paging(&["tables", name], table.pagination.as_ref(), table.page_size.as_ref());
        let pagination = compile(table.pagination.as_ref().or(http.pagination.as_ref()));
        let page_size = table.page_size.clone().or_else(|| http.page_size.clone());
        let mut settings = self.table_options(name, &table.options);
        settings.extend(derived_options(table, page_size.as_ref(), &pagination, self.lookback(table)));
        let names = self.table_templates(name, table, &settings, connection);
        self.words(name, table, &names, connection);
        self.parameters_set_once(name, table, &pagination, page_size.as_ref());
        self.ingestion(name, table);
        let schema = self.schema(name, &table.schema)?;
        self.keys(name, &schema, &table.primary_keys);
        self.all_added_columns(name, table, &schema);
        let cursor_kind = self.cursor_kind(name, table, &schema);
        if let Some(incremental) = &table.incremental {
            self.incremental(name, table, incremental, cursor_kind, &pagination);
        }
        let feed = table.changes.as_ref().and_then(|changes| self.feed_of(name, &changes.feed, feeds));
        let plan = TablePlan::new(name, table, http, schema, settings, cursor_kind, feed);
        if table.discovery.as_ref().is_some_and(|discovery| discovery.tables.is_some()) {
            return Some(Described::Family(Box::new(plan)));
        }
        if table.each.is_empty() {
            return Some(Described::Tables(vec![plan]));
        }
        let members = table.each.iter().map(|(member, words)| {
            plan.member(member, words.iter().map(|(word, value)| (word.clone(), value.0.clone())).collect())
        });
        Some(Described::Tables(members.collect()))
    }

    /// How far behind the last cursor the table is read again: as it says itself, or its feed, or its parent.
    fn lookback(&self, table: &Table) -> Option<Span> {
        let mut table = table;
        for _ in 0..=self.manifest.tables.len() {
            let feed = table.changes.as_ref().and_then(|changes| self.manifest.feeds.get(&changes.feed));
            let own = table.incremental.as_ref().and_then(|incremental| incremental.lookback);
            match own.or(feed.and_then(|feed| feed.lookback)) {
                Some(lookback) => return Some(lookback),
                None => table = self.manifest.tables.get(&table.parent.as_ref()?.table)?,
            }
        }
        None
    }

    fn feed_of(&mut self, name: &str, feed: &str, feeds: &Feeds) -> Option<Arc<FeedPlan>> {
        let found = feeds.get(feed);
        if found.is_none() {
            self.report_unknown(&["tables", name, "changes", "feed"], "feed", feed, feeds.keys().map(String::as_str));
        }
        found.cloned()
    }

    /// Checks the templates of a table; gives the names that its requests may use.
    fn table_templates(&mut self, name: &str, table: &Table, settings: &[Setting], connection: &[Setting]) -> Names {
        let mut names = Names::of_connection(connection).with_settings("options", settings);
        if let Some(words) = table.each.values().next() {
            names = names.with_texts("table", words.keys());
        }
        if let Some(tables) = table.discovery.as_ref().and_then(|discovery| discovery.tables.as_ref()) {
            names = names.with_texts("table", tables.r#as.keys());
        }
        for (column, template) in table.add_columns.iter().filter(|_| table.parent.is_none()) {
            self.template(&["tables", name, "add_columns", column], template, &names);
        }
        let of_table = names.clone();
        if let Some(parent) = &table.parent {
            names = match parent.batch {
                Some(_) => {
                    let row: BTreeMap<String, Value> =
                        parent.r#as.keys().map(|name| (name.clone(), Value::from("1"))).collect();
                    names.with_list("parents", Value::from(vec![Value::from(row)]))
                }
                None => names.with_texts("parent", parent.r#as.keys()),
            };
            for (column, template) in &table.add_columns {
                self.template(&["tables", name, "add_columns", column], template, &names);
            }
        }
        if table.discovery.as_ref().is_some_and(|discovery| discovery.columns.is_some()) {
            names = names.with_root("discovered", BTreeMap::from([("columns".to_owned(), Value::from(vec!["x"]))]));
        }
        let mut of_request = names.clone();
        if table.incremental.is_some() {
            let bound = |name: &str| (name.to_owned(), Value::from("2026-01-31T12:00:00Z"));
            of_request = of_request.with_root("window", BTreeMap::from([bound("start"), bound("end")]));
        }
        self.request(&["tables", name, "request"], &table.request.full(), &of_request);
        if let Some(zone) = table.incremental.as_ref().and_then(|incremental| incremental.time_zone.as_ref()) {
            self.template(&["tables", name, "incremental", "time_zone"], zone, &of_table);
        }
        names
    }

    /// The words of a table that have requests and templates of their own.
    fn words(&mut self, name: &str, table: &Table, names: &Names, connection: &[Setting]) {
        let of_connection = Names::of_connection(connection);
        if let Some(url) = &table.base_url {
            self.template(&["tables", name, "base_url"], url, &of_connection);
        }
        if let Some(token) = &table.offset {
            self.token(name, token, names);
        }
        if let Some(deletes) = &table.deletes {
            self.deletes(name, deletes, names);
        }
        if let Some(job) = &table.job {
            self.job(name, job, names);
        }
        if let Some(discovery) = &table.discovery {
            self.discovery(name, discovery, &of_connection, names);
        }
        if let Some(write_back) = &table.write_back {
            self.write_back(name, write_back, names);
        }
        self.family(name, table);
        self.error_rules(&["tables", name, "errors"], &table.errors);
    }

    fn all_added_columns(&mut self, name: &str, table: &Table, schema: &SchemaRef) {
        if table.discovery.as_ref().is_some_and(|discovery| discovery.columns.is_some()) {
            return;
        }
        let records = table.records.full();
        self.added_columns(&["tables", name, "add_columns"], schema, table.add_columns.keys());
        self.added_columns(&["tables", name, "add_fields"], schema, table.add_fields.keys());
        self.added_columns(&["tables", name, "records", "columns"], schema, records.columns.keys());
        if let Some(column) = records.keyed_by.as_ref().filter(|column| schema.column_with_name(column).is_none()) {
            let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            self.report_unknown(&["tables", name, "records", "keyed_by"], "column", column, columns);
        }
        if records.keyed_by.is_some() && !records.columns.is_empty() {
            self.report_key(&["tables", name, "records", "columns"], "expected `keyed_by` or `columns`, found both");
        }
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

    fn cursor_kind(&mut self, name: &str, table: &Table, schema: &SchemaRef) -> Option<CursorKind> {
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
            let child = tables.get(name).or_else(|| tables.get(table.each.keys().next()?));
            if let (Some(child), Some(plan)) = (child, tables.get(&parent.table)) {
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
