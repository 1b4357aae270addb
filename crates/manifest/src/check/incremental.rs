//! Checks that the words of an incremental table go together.

use lakeflow_http::Pagination;
use lakeflow_interface::{CursorOrder, IngestionType};

use super::Checker;
use crate::cursor::CursorKind;
use crate::definition::{Incremental, Table};
use crate::template;

impl Checker<'_> {
    /// Whether what a table says of changes fits its ingestion type.
    pub(super) fn ingestion(&mut self, name: &str, table: &Table) {
        let path = ["tables", name];
        if table.ingestion_type == IngestionType::Snapshot {
            if table.incremental.is_some() {
                self.report_key(
                    &["tables", name, "incremental"],
                    "a `snapshot` is read whole each time; expected `cdc` or `append` as `ingestion_type`",
                );
            }
            return;
        }
        let kind = table.ingestion_type;
        if table.primary_keys.is_empty() {
            self.report(&path, format!("a table of the type `{kind}` needs `primary_keys`"));
        }
        if table.cursor_field.is_none() {
            self.report(&path, format!("a table of the type `{kind}` needs a `cursor_field`"));
        }
        match (&table.incremental, &table.parent) {
            (None, None) => {
                self.report(&path, format!("a table of the type `{kind}` needs `incremental`, or a `parent`"));
            }
            (Some(_), Some(_)) => {
                self.report_key(&["tables", name, "incremental"], "a table with a `parent` has no `incremental`")
                    .hint = Some("`parent.changed_only` reads only parents that changed".to_owned());
            }
            _ => {}
        }
    }

    pub(super) fn incremental(
        &mut self,
        name: &str,
        table: &Table,
        incremental: &Incremental,
        cursor: Option<CursorKind>,
        pagination: &Pagination,
    ) {
        let path = |word| ["tables", name, "incremental", word];
        let parent = ["tables", name, "incremental"];
        if incremental.from.is_none() {
            if incremental.order == CursorOrder::Ascending {
                self.report(&path("order"), "without `from`, each read begins at the oldest record again").hint =
                    Some("ask for `descending` order if the source has it, else say `none`".to_owned());
            }
            if incremental.to.is_some() {
                self.report_key(&path("to"), "an upper bound needs a lower one: `from` is missing");
            }
        }
        for (word, needed_by) in [("window", incremental.window.is_some()), ("oldest", incremental.oldest.is_some())] {
            if needed_by && incremental.to.is_none() {
                self.report_key(&path(word), "this needs an upper bound: `to` is missing");
            }
        }
        if incremental.to.is_some() && incremental.window.is_none() {
            self.report(&parent, "an upper bound makes windows: `window` is missing");
        }
        if incremental.to.is_some() && cursor == Some(CursorKind::Number) {
            self.report(&path("to"), "windows need a cursor that is a timestamp");
        }
        if incremental.oldest.is_some() && !matches!(pagination, Pagination::LinkHeader { .. }) {
            self.report(&path("oldest"), "only `pagination: link_header` names the last page");
        }
        self.bounds(name, table, incremental);
    }

    /// A bound without a parameter must be used by a template.
    fn bounds(&mut self, name: &str, table: &Table, incremental: &Incremental) {
        let request = table.request.full();
        let texts = request.params.values().chain(request.headers.values()).chain([&request.path]);
        let mut texts: Vec<String> = texts.map(|template| template.text().to_owned()).collect();
        texts.extend(request.body.as_ref().map(ToString::to_string));
        let is_used = |name: &str| {
            texts
                .iter()
                .any(|text| template::names(text).is_ok_and(|names| names.contains(name)) || text.contains(name))
        };
        let bounds = [("from", &incremental.from, "window.start"), ("to", &incremental.to, "window.end")];
        for (word, bound, variable) in bounds {
            let Some(bound) = bound else { continue };
            if bound.full().param.is_none() && !is_used(variable) {
                let message = format!("expected `param`, or `{{{{ {variable} }}}}` in the request");
                self.report(&["tables", name, "incremental", word], message);
            }
        }
    }
}
