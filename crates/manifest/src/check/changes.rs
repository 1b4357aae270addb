//! Checks feeds, tokens, deletes and error rules.

use lakeflow_interface::IngestionType;

use super::templates::Names;
use super::{Checker, deeper};
use crate::definition::{Deletes, ErrorRules, Feed, Table, Token, TokenPlace};
use crate::plan::FeedPlan;

impl Checker<'_> {
    /// The feeds, with what follows from them.
    pub(super) fn feeds(&mut self, names: &Names) -> Vec<FeedPlan> {
        let manifest = self.manifest;
        manifest.feeds.iter().map(|(name, feed)| self.feed(name, feed, names)).collect()
    }

    fn feed(&mut self, name: &str, feed: &Feed, names: &Names) -> FeedPlan {
        let path = ["feeds", name];
        let types = minijinja::value::Value::from(vec!["x"]);
        let names = names.clone().with_root("feed", [("types".to_owned(), types)].into());
        self.request(&deeper(&path, "request"), &feed.request.full(), &names);
        self.paging(&path, feed.pagination.as_ref(), feed.page_size.as_ref());
        let bound = feed.from.full();
        if bound.param.is_none() && bound.body.is_none() {
            self.report(&deeper(&path, "from"), "expected one of `param` and `body`");
        }
        FeedPlan::new(feed, &self.manifest.http)
    }

    /// Whether what a table says of changes fits its ingestion type.
    pub(super) fn ingestion(&mut self, name: &str, table: &Table) {
        let path = ["tables", name];
        let kind = table.ingestion_type;
        let ways = [
            ("incremental", table.incremental.is_some()),
            ("offset", table.offset.is_some()),
            ("changes", table.changes.is_some()),
        ];
        let given: Vec<&str> = ways.iter().filter(|(_, is_given)| *is_given).map(|(word, _)| *word).collect();
        if kind == IngestionType::Snapshot {
            for word in given.into_iter().chain(table.deletes.as_ref().map(|_| "deletes")) {
                self.report_key(
                    &["tables", name, word],
                    "a `snapshot` is read whole each time; expected `cdc`, `cdc_with_deletes` or `append` as `ingestion_type`",
                );
            }
            return;
        }
        if table.primary_keys.is_empty() {
            self.report(&path, format!("a table of the type `{kind}` needs `primary_keys`"));
        }
        if table.cursor_field.is_none() {
            self.report(&path, format!("a table of the type `{kind}` needs a `cursor_field`"));
        }
        if given.is_empty() && table.parent.is_none() {
            let message =
                format!("a table of the type `{kind}` needs `incremental`, `offset` or `changes`, or a `parent`");
            self.report(&path, message);
        }
        if given.len() > 1 {
            let message = format!("expected one of `incremental`, `offset` and `changes`, found `{}` too", given[0]);
            self.report_key(&["tables", name, given[1]], message);
        }
        if table.parent.is_some() && table.changes.is_some() {
            self.report_key(&["tables", name, "changes"], "a table with a `parent` has no `changes`");
        }
        self.deleting(name, table);
    }

    fn deleting(&mut self, name: &str, table: &Table) {
        let is_with_deletes = table.ingestion_type == IngestionType::CdcWithDeletes;
        let has_feed_of_deletes = table.changes.as_ref().is_some_and(|changes| !changes.delete.is_empty());
        if is_with_deletes && table.deletes.is_none() && !has_feed_of_deletes {
            self.report(
                &["tables", name],
                "a table of the type `cdc_with_deletes` needs `deletes`, or `changes.delete`",
            );
        }
        if !is_with_deletes && table.deletes.is_some() {
            let message =
                format!("only `cdc_with_deletes` has this, found `{}` as `ingestion_type`", table.ingestion_type);
            self.report_key(&["tables", name, "deletes"], message);
        }
        if !is_with_deletes && has_feed_of_deletes {
            let message =
                format!("only `cdc_with_deletes` has this, found `{}` as `ingestion_type`", table.ingestion_type);
            self.report_key(&["tables", name, "changes", "delete"], message);
        }
    }

    pub(super) fn deletes(&mut self, name: &str, deletes: &Deletes, names: &Names) {
        let path = ["tables", name, "deletes"];
        match (&deletes.r#where, &deletes.request) {
            (Some(_), Some(_)) | (None, None) => {
                self.report(&path, "expected one of `where` and `request`");
            }
            (None, Some(request)) => {
                let bound = |name: &str| (name.to_owned(), minijinja::value::Value::from("2026-01-31T12:00:00Z"));
                let names = names.clone().with_root("window", [bound("start"), bound("end")].into());
                self.request(&deeper(&path, "request"), &request.full(), &names);
                self.paging(&path, deletes.pagination.as_ref(), deletes.page_size.as_ref());
                self.error_rules(&deeper(&path, "errors"), &deletes.errors);
            }
            (Some(_), None) => {}
        }
    }

    pub(super) fn token(&mut self, name: &str, token: &Token, names: &Names) {
        let path = ["tables", name, "offset"];
        if let Some(first) = &token.first {
            let path = deeper(&path, "first");
            self.template(&deeper(&path, "value"), &first.value, names);
            if first.param.is_some() == first.body.is_some() {
                self.report(&path, "expected one of `param` and `body`");
            }
        }
        for (word, place) in [("next", Some(&token.next)), ("resume", token.resume.as_ref())] {
            if let Some(place) = place {
                self.token_place(&deeper(&path, word), place);
            }
        }
        for (word, place) in [("end", token.end.as_ref()), ("more", token.more.as_ref())] {
            self.value_place(&deeper(&path, word), place);
        }
    }

    fn token_place(&mut self, path: &[&str], place: &TokenPlace) {
        let targets = [&place.param, &place.body, &place.header].iter().filter(|target| target.is_some()).count();
        let is_url = place.url.is_some() && place.from.is_none() && targets == 0;
        let is_token = place.url.is_none() && place.from.is_some() && targets == 1;
        if !is_url && !is_token {
            self.report(path, "expected `url`, or `from` and one of `param`, `body` and `header`");
        }
        self.value_place(&deeper(path, "from"), place.from.as_ref());
        self.value_place(&deeper(path, "url"), place.url.as_ref());
    }

    pub(super) fn error_rules(&mut self, path: &[&str], rules: &ErrorRules) {
        for (status, rule) in &rules.0 {
            if status.0 < 300 && rule.cases().any(|(when, _)| when.is_none()) {
                let status = status.0.to_string();
                self.report_key(
                    &deeper(path, &status),
                    "a success is an error only by what its body says: `when` is missing",
                );
            }
        }
    }
}
