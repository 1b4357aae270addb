//! Checks that templates use only what exists where they stand.

use std::collections::BTreeMap;

use minijinja::value::Value;

use super::{Checker, deeper};
use crate::definition::{FullRequest, Template};
use crate::setting::Setting;
use crate::template::{self, Scope};

/// The names that templates may use in some place, each with a sample value; those of secrets apart.
#[derive(Clone, Default)]
pub(super) struct Names {
    roots: BTreeMap<&'static str, BTreeMap<String, Value>>,
    /// Names without fields of their own.
    lists: BTreeMap<&'static str, Value>,
    secrets: Vec<String>,
    pub(super) may_use_secrets: bool,
}

impl Names {
    /// The parameters of a connection.
    pub(super) fn of_connection(parameters: &[Setting]) -> Self {
        let secrets = parameters.iter().filter(|setting| setting.secret);
        let secrets = secrets.map(|setting| format!("connection.{}", setting.name)).collect();
        Self { secrets, ..Self::default() }.with_settings("connection", parameters)
    }

    /// The same names and those of some settings.
    pub(super) fn with_settings(self, root: &'static str, settings: &[Setting]) -> Self {
        let sample = |setting: &Setting| (setting.name.clone(), setting.template_value(Some(&setting.sample())));
        let names = settings.iter().map(sample).collect();
        self.with_root(root, names)
    }

    /// The same names and some that have a sample value.
    pub(super) fn with_root(mut self, root: &'static str, names: BTreeMap<String, Value>) -> Self {
        self.roots.insert(root, names);
        self
    }

    /// The same names and a list.
    pub(super) fn with_list(mut self, name: &'static str, sample: Value) -> Self {
        self.lists.insert(name, sample);
        self
    }

    /// The same names and some that stand for text.
    pub(super) fn with_texts<'n>(self, root: &'static str, names: impl IntoIterator<Item = &'n String>) -> Self {
        let texts = names.into_iter().map(|name| (name.clone(), Value::from("1"))).collect();
        self.with_root(root, texts)
    }

    fn valid(&self) -> Vec<String> {
        let full = |(root, names): (&&str, &BTreeMap<String, Value>)| {
            names.keys().map(|name| format!("{root}.{name}")).collect::<Vec<_>>()
        };
        self.roots.iter().flat_map(full).chain(self.lists.keys().map(|name| (*name).to_owned())).collect()
    }

    fn has(&self, name: &str) -> bool {
        if self.lists.contains_key(name) {
            return true;
        }
        let mut parts = name.splitn(3, '.');
        let names = parts.next().and_then(|root| self.roots.get(root));
        names.zip(parts.next()).is_some_and(|(names, name)| names.contains_key(name))
    }

    fn scope(&self) -> Scope {
        let roots = self.roots.iter();
        let scope = roots.fold(Scope::default(), |scope, (root, names)| scope.with(root, names.clone()));
        self.lists.iter().fold(scope, |scope, (name, list)| scope.with_value(name, list.clone()))
    }
}

impl Checker<'_> {
    pub(super) fn template(&mut self, path: &[&str], template: &Template, names: &Names) {
        self.template_text(path, template.text(), names);
    }

    pub(super) fn template_text(&mut self, path: &[&str], text: &str, names: &Names) {
        let used = match template::names(text) {
            Ok(used) => used,
            Err(message) => {
                self.report(path, message);
                return;
            }
        };
        let mut all_exist = true;
        for name in &used {
            if !names.has(name) {
                all_exist = false;
                let valid = names.valid();
                self.report_unknown(path, "name", name, valid.iter().map(String::as_str));
            } else if names.secrets.contains(name) && !names.may_use_secrets {
                if template::only_suffix_of(text, name) {
                    continue;
                }
                self.report(path, format!("the secret `{name}` must not be used here: it would be shown")).hint =
                    Some("use it in `connection.auth` or `http.headers`".to_owned());
            }
        }
        if let Some(message) = template::trial(text, &names.scope()).filter(|_| all_exist) {
            self.report(path, message);
        }
    }

    /// All templates of a request.
    pub(super) fn request(&mut self, path: &[&str], request: &FullRequest, names: &Names) {
        let is_full = self.tree.place_of(&deeper(path, "path")) != self.tree.place_of(path);
        let path_of_path = if is_full { deeper(path, "path") } else { path.to_vec() };
        self.template(&path_of_path, &request.path, names);
        if !request.path.text().starts_with(['/', '{']) {
            self.report(
                &path_of_path,
                format!("expected a path that begins with `/`, found `{}`", request.path.text()),
            );
        }
        for (name, param) in &request.params {
            let path = deeper(&deeper(path, "params"), name);
            for template in param.templates() {
                self.template(&path, template, names);
            }
        }
        for (word, templates) in [("headers", &request.headers), ("form", &request.form)] {
            for (name, template) in templates {
                self.template(&deeper(&deeper(path, word), name), template, names);
            }
        }
        if let Some(body) = &request.body {
            self.body(&deeper(path, "body"), body, names);
            if !request.form.is_empty() {
                self.report_key(&deeper(path, "form"), "expected `body` or `form`, found both");
            }
        }
    }

    fn body(&mut self, path: &[&str], body: &serde_json::Value, names: &Names) {
        match body {
            serde_json::Value::String(text) => self.template_text(path, text, names),
            serde_json::Value::Array(items) => {
                for (position, item) in items.iter().enumerate() {
                    self.body(&deeper(path, &position.to_string()), item, names);
                }
            }
            serde_json::Value::Object(entries) => {
                for (key, value) in entries {
                    self.body(&deeper(path, key), value, names);
                }
            }
            _ => {}
        }
    }
}
