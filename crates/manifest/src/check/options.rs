//! Checks settings and groups of them.

use super::{Checker, deeper};
use crate::definition::{OptionGroup, OptionsEntry, ValueType};
use crate::plan::DERIVED_OPTIONS;
use crate::setting::Setting;

impl Checker<'_> {
    /// Whether the words of a setting go together.
    pub(super) fn setting(&mut self, path: &[&str], setting: &Setting) {
        if setting.required && setting.default.is_some() {
            self.report_key(&deeper(path, "required"), "what has a `default` is never missing");
        }
        if (setting.min.is_some() || setting.max.is_some()) && setting.r#type != ValueType::Integer {
            self.report(path, format!("`min` and `max` need `type: integer`, found `{}`", setting.r#type.as_str()));
        }
        let free = Setting { r#enum: Vec::new(), secret: false, ..setting.clone() };
        for (position, value) in setting.r#enum.iter().enumerate() {
            if let Some(message) = free.misfit(value) {
                self.report(&deeper(&deeper(path, "enum"), &position.to_string()), message);
            }
        }
        if let Some(message) = setting.default.as_deref().and_then(|default| setting.misfit(default)) {
            self.report(&deeper(path, "default"), message);
        }
        if setting.secret && setting.default.is_some() {
            self.report_key(&deeper(path, "default"), "a secret has no default");
        }
    }

    pub(super) fn option_groups(&mut self) {
        for (name, group) in &self.manifest.options {
            self.option_group(&["options", name], group);
        }
    }

    fn option_group(&mut self, path: &[&str], group: &OptionGroup) -> Vec<Setting> {
        let settings: Vec<Setting> = group.iter().map(|(name, option)| Setting::option(name, option)).collect();
        for setting in &settings {
            let path = deeper(path, &setting.name);
            self.setting(&path, setting);
            if DERIVED_OPTIONS.contains(&setting.name.as_str()) {
                self.report_key(&path, "tables have this option without declaring it, where it applies");
            }
        }
        settings
    }

    /// The options that a table declares.
    pub(super) fn table_options(&mut self, table: &str, entries: &[OptionsEntry]) -> Vec<Setting> {
        let mut settings: Vec<Setting> = Vec::new();
        for (position, entry) in entries.iter().enumerate() {
            let position = position.to_string();
            let path = ["tables", table, "options", &position];
            let added = match entry {
                OptionsEntry::Own(group) => self.option_group(&path, group),
                OptionsEntry::Group(name) => match self.manifest.options.get(name) {
                    Some(group) => group.iter().map(|(name, option)| Setting::option(name, option)).collect(),
                    None => {
                        let manifest = self.manifest;
                        let valid = manifest.options.keys().map(String::as_str);
                        self.report_unknown(&path, "group of options", name, valid);
                        Vec::new()
                    }
                },
            };
            for setting in added {
                if settings.iter().any(|other| other.name == setting.name) {
                    self.report(&path, format!("the option `{}` is here twice", setting.name));
                } else {
                    settings.push(setting);
                }
            }
        }
        settings
    }
}
