//! Checks jobs, discovery, families of tables and write-back.

use super::templates::Names;
use super::{Checker, deeper};
use crate::definition::{DiscoveredColumns, Discovery, Job, Table, WriteBack};
use crate::named_types::NamedTypes;

impl Checker<'_> {
    pub(super) fn job(&mut self, name: &str, job: &Job, names: &Names) {
        let path = ["tables", name, "job"];
        let polled = names.clone().with_texts("job", job.r#as.keys());
        self.request(&deeper(&path, "poll"), &job.poll.full(), &polled);
        let finished = names.clone().with_texts("job", job.r#as.keys().chain(job.result.keys()));
        match (&job.download, &job.download_url) {
            (Some(request), None) => self.request(&deeper(&path, "download"), &request.full(), &finished),
            (None, Some(_)) => {}
            _ => drop(self.report(&path, "expected one of `download` and `download_url`")),
        }
    }

    pub(super) fn discovery(&mut self, name: &str, discovery: &Discovery, connection: &Names, names: &Names) {
        let path = ["tables", name, "discovery"];
        if let Some(tables) = &discovery.tables {
            self.request(&deeper(&deeper(&path, "tables"), "request"), &tables.request.full(), connection);
            self.paging(&deeper(&path, "tables"), tables.pagination.as_ref(), None);
            self.error_rules(&deeper(&deeper(&path, "tables"), "errors"), &tables.errors);
        }
        if let Some(columns) = &discovery.columns {
            self.request(&deeper(&deeper(&path, "columns"), "request"), &columns.request.full(), names);
            self.paging(&deeper(&path, "columns"), columns.pagination.as_ref(), None);
            self.discovered_types(&deeper(&path, "columns"), columns);
        }
    }

    fn discovered_types(&mut self, path: &[&str], columns: &DiscoveredColumns) {
        let manifest = self.manifest;
        let types = NamedTypes(&manifest.types);
        let named = columns.types.iter().map(|(name, text)| (vec!["types", name.as_str()], text));
        for (word, text) in named.chain(columns.otherwise.iter().map(|text| (vec!["otherwise"], text))) {
            let parsed = types.expand_schema(&format!("x {text}"));
            let parsed = parsed
                .and_then(|text| lakeflow_interface::ddl::parse(&text).map_err(|error| error.message().to_owned()));
            if let Err(message) = parsed {
                self.report(&[path, &word].concat(), message);
            }
        }
    }

    /// The members of a family have the same words.
    pub(super) fn family(&mut self, name: &str, table: &Table) {
        let Some((first, words)) = table.each.first_key_value() else { return };
        for (member, own) in &table.each {
            let path = ["tables", name, "each", member];
            if let Some(missing) = words.keys().find(|word| !own.contains_key(*word)) {
                self.report(&path, format!("the word `{missing}` is missing, which `{first}` has"));
            }
            if let Some(further) = own.keys().find(|word| !words.contains_key(*word)) {
                self.report_key(&deeper(&path, further), format!("the member `{first}` has no word `{further}`"));
            }
            if member != name && self.manifest.tables.contains_key(member) {
                self.report_key(&path, format!("the table `{member}` exists already"));
            }
        }
        if table.discovery.as_ref().is_some_and(|discovery| discovery.tables.is_some()) {
            self.report_key(&["tables", name, "each"], "expected `each` or `discovery.tables`, found both");
        }
    }

    pub(super) fn write_back(&mut self, name: &str, write_back: &WriteBack, names: &Names) {
        let path = ["tables", name, "write_back"];
        let testing = names.clone().with_texts("test", [&"id".to_owned()]);
        for (value, template) in &write_back.values {
            self.template(&deeper(&deeper(&path, "values"), value), template, &testing);
        }
        let writing = names.clone().with_texts("values", write_back.values.keys());
        self.request(&deeper(&path, "insert"), &write_back.insert.full(), &writing);
        let keys = &self.manifest.tables[name].primary_keys;
        let keys: Vec<String> = keys.iter().filter_map(|key| key.parts().last().cloned()).collect();
        let updating = writing.with_texts("row", &keys);
        for (word, request) in [("update", &write_back.update), ("delete", &write_back.delete)] {
            if let Some(request) = request {
                self.request(&deeper(&path, word), &request.full(), &updating);
            }
        }
    }
}
