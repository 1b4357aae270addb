//! Checks that the words of an incremental table go together.

use lakeflow_http::Pagination;
use lakeflow_interface::{CursorOrder, IngestionType};

use super::Checker;
use crate::cursor::{CursorKind, Instant};
use crate::definition::{Incremental, Param, Table};
use crate::template;

impl Checker<'_> {
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
            if incremental.order == CursorOrder::Ascending && table.parent.is_none() {
                self.report(&path("order"), "without `from`, each read begins at the oldest record again").hint =
                    Some("ask for `descending` order if the source has it, else say `none`".to_owned());
            }
            if incremental.to.is_some() {
                self.report_key(&path("to"), "an upper bound needs a lower one: `from` is missing");
            }
        }
        if table.parent.is_some() && incremental.to.is_some() {
            self.report_key(&path("to"), "a table with a `parent` has no windows");
        }
        let goes_on_from_cursor =
            incremental.from.is_some() && incremental.to.is_none() && incremental.order == CursorOrder::Ascending;
        if incremental.ceiling.is_some() && !goes_on_from_cursor {
            self.report_key(&path("ceiling"), "this needs `from` and the order `ascending`, and no `to`");
        }
        if incremental.delay.is_some()
            && incremental.lookback.is_some()
            && table.ingestion_type == IngestionType::Append
        {
            let message = "rows that are only added are read once, when their window is complete: no `lookback`";
            self.report_key(&path("lookback"), message);
        }
        if let Some(date) = incremental.start_date.as_ref().filter(|date| Instant::parse(&date.0).is_none()) {
            let message = format!("expected a timestamp as `2026-01-31T12:00:00Z` or `2026-01-31`, found `{date}`");
            self.report(&path("start_date"), message);
        }
        let of_windows = [
            ("window", incremental.window.is_some()),
            ("oldest", incremental.oldest.is_some()),
            ("longest", incremental.longest.is_some()),
            ("delay", incremental.delay.is_some()),
        ];
        for (word, needed_by) in of_windows {
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
        let params = request.params.values().flat_map(Param::templates);
        let texts = params.chain(request.headers.values()).chain(request.form.values()).chain([&request.path]);
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
            let full = bound.full();
            if full.param.is_some() && full.body.is_some() {
                self.report(&["tables", name, "incremental", word], "expected `param` or `body`, found both");
            }
            if full.param.is_none() && full.body.is_none() && !is_used(variable) {
                let message = format!("expected `param`, `body`, or `{{{{ {variable} }}}}` in the request");
                self.report(&["tables", name, "incremental", word], message);
            }
        }
    }
}
