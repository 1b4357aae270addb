//! `Setting`: one thing that a user can set, a connection parameter or a table option, and whether a value fits it.

use std::collections::BTreeMap;

use lakeflow_interface::{Error, ErrorKind, Result, unknown_name};
use minijinja::value::Value;
use serde::Serialize;
use url::Url;

use crate::cursor::Instant;
use crate::definition::{OptionDeclaration, Parameter, Scalar, ValueType};

/// One thing that a user can set: a connection parameter or a table option.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// The type of its value.
    pub r#type: ValueType,
    /// Whether it must be given.
    pub required: bool,
    /// Whether nobody may see it.
    pub secret: bool,
    /// Its value where it is not given.
    pub default: Option<String>,
    /// The values that it may have; none means any.
    pub r#enum: Vec<String>,
    /// The least number that it may be.
    pub min: Option<i64>,
    /// The greatest number that it may be.
    pub max: Option<i64>,
    /// What it is, in a sentence.
    pub description: Option<String>,
}

impl Setting {
    pub(crate) fn parameter(name: &str, parameter: &Parameter) -> Self {
        Self {
            name: name.to_owned(),
            r#type: parameter.r#type,
            required: parameter.required,
            secret: parameter.secret,
            default: parameter.default.as_ref().map(Scalar::to_string),
            r#enum: parameter.r#enum.iter().map(Scalar::to_string).collect(),
            min: None,
            max: None,
            description: parameter.description.clone(),
        }
    }

    pub(crate) fn option(name: &str, option: &OptionDeclaration) -> Self {
        Self {
            name: name.to_owned(),
            r#type: option.r#type,
            required: option.required,
            secret: false,
            default: option.default.as_ref().map(Scalar::to_string),
            r#enum: option.r#enum.iter().map(Scalar::to_string).collect(),
            min: option.min,
            max: option.max,
            description: option.description.clone(),
        }
    }

    /// What is wrong with a value; the message shows it only where it is no secret.
    pub fn misfit(&self, value: &str) -> Option<String> {
        let expected = self.expected(value)?;
        let found = if self.secret { "another value".to_owned() } else { format!("`{value}`") };
        Some(format!("expected {expected}, found {found}"))
    }

    /// What was expected, where a value does not fit.
    fn expected(&self, value: &str) -> Option<String> {
        if !self.r#enum.is_empty() {
            let values: Vec<String> = self.r#enum.iter().map(|value| format!("`{value}`")).collect();
            return (!self.r#enum.iter().any(|valid| valid == value)).then(|| values.join(" or "));
        }
        let fits = match self.r#type {
            ValueType::String => true,
            ValueType::Boolean => matches!(value, "true" | "false"),
            ValueType::Timestamp => Instant::parse(value).is_some(),
            ValueType::Url => {
                Url::parse(value).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            }
            ValueType::Integer => value.parse::<i64>().is_ok_and(|number| {
                self.min.is_none_or(|least| number >= least) && self.max.is_none_or(|greatest| number <= greatest)
            }),
        };
        (!fits).then(|| self.type_in_words())
    }

    fn type_in_words(&self) -> String {
        match (self.r#type, self.min, self.max) {
            (ValueType::String, ..) => "text".to_owned(),
            (ValueType::Boolean, ..) => "`true` or `false`".to_owned(),
            (ValueType::Timestamp, ..) => "a timestamp as `2026-01-31T12:00:00Z` or `2026-01-31`".to_owned(),
            (ValueType::Url, ..) => "a URL as `https://host/path`".to_owned(),
            (ValueType::Integer, Some(least), Some(greatest)) => format!("a whole number from {least} to {greatest}"),
            (ValueType::Integer, Some(least), None) => format!("a whole number of at least {least}"),
            (ValueType::Integer, None, Some(greatest)) => format!("a whole number of at most {greatest}"),
            (ValueType::Integer, None, None) => "a whole number".to_owned(),
        }
    }

    /// The value as templates see it; a setting without a value is empty text.
    pub(crate) fn template_value(&self, value: Option<&str>) -> Value {
        match (self.r#type, value) {
            (_, None) => Value::from(""),
            (ValueType::Boolean, Some(text)) => Value::from(text == "true"),
            (ValueType::Integer, Some(text)) => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
            (_, Some(text)) => Value::from(text),
        }
    }

    /// Some value that fits.
    pub(crate) fn sample(&self) -> String {
        let given = self.default.clone().or_else(|| self.r#enum.first().cloned());
        given.or_else(|| self.sample_of_type()).unwrap_or_else(|| "x".to_owned())
    }

    /// Some value of the type, where not any text is one. A secret number is one that is unlikely to be anywhere else.
    pub fn sample_of_type(&self) -> Option<String> {
        let any: i64 = if self.secret { 5_170_948_213 } else { 1 };
        Some(match self.r#type {
            ValueType::String => return None,
            ValueType::Integer => any.max(self.min.unwrap_or(any)).min(self.max.unwrap_or(i64::MAX)).to_string(),
            ValueType::Boolean => "true".to_owned(),
            ValueType::Timestamp => "2026-01-31T12:00:00Z".to_owned(),
            ValueType::Url => "https://host.example".to_owned(),
        })
    }
}

/// The settings of a connection or of a table.
#[derive(Clone, Copy)]
pub(crate) struct Settings<'s> {
    /// What one of them is called: `option`, `connection parameter`.
    pub(crate) what: &'static str,
    pub(crate) settings: &'s [Setting],
}

impl Settings<'_> {
    /// Everything that is wrong with what a user gave.
    pub(crate) fn check<'v>(&self, given: impl Iterator<Item = (&'v str, &'v str)>) -> Vec<Error> {
        let given: BTreeMap<&str, &str> = given.collect();
        let names = self.settings.iter().map(|setting| setting.name.as_str());
        let unknown = given.keys().filter(|name| !self.settings.iter().any(|setting| setting.name == **name));
        let mut errors: Vec<Error> =
            unknown.map(|name| unknown_name(ErrorKind::Configuration, self.what, name, names.clone())).collect();
        for setting in self.settings {
            let what = self.what;
            match given.get(setting.name.as_str()) {
                None if setting.required && setting.default.is_none() => {
                    let error =
                        Error::new(ErrorKind::Configuration, format!("the {what} `{}` is missing", setting.name));
                    errors.push(match &setting.description {
                        Some(description) => error.with_hint(format!("`{}`: {description}", setting.name)),
                        None => error,
                    });
                }
                Some(value) => errors.extend(setting.misfit(value).map(|message| {
                    let message = format!("{what} `{}`: {message}", setting.name);
                    Error::new(ErrorKind::Configuration, message)
                })),
                None => {}
            }
        }
        errors
    }

    /// The values to work with: what a user gave, else the defaults.
    ///
    /// # Errors
    /// The first thing that is wrong with what the user gave.
    pub(crate) fn resolve<'v>(&self, given: impl Iterator<Item = (&'v str, &'v str)>) -> Result<Values> {
        let given: BTreeMap<&str, &str> = given.collect();
        if let Some(error) = self.check(given.iter().map(|(name, value)| (*name, *value))).into_iter().next() {
            return Err(error);
        }
        let entry = |setting: &Setting| {
            let given = given.get(setting.name.as_str()).map(|value| (*value).to_owned());
            let is_given = given.is_some();
            let text = given.or_else(|| setting.default.clone());
            let shown = setting.template_value(text.as_deref());
            (setting.name.clone(), SetValue { text, shown, is_given })
        };
        Ok(Values(self.settings.iter().map(entry).collect()))
    }
}

/// What a connection or a table is set to.
#[derive(Clone, Default)]
pub(crate) struct Values(BTreeMap<String, SetValue>);

#[derive(Clone)]
struct SetValue {
    text: Option<String>,
    /// As templates see it.
    shown: Value,
    /// Whether a user gave it.
    is_given: bool,
}

impl Values {
    /// One value by name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.text.as_deref()
    }

    /// What a user gave by name, without defaults.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.0.get(name).filter(|value| value.is_given)?.text.as_deref()
    }

    /// One whole number by name.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.get(name)?.parse().ok()
    }

    /// All values as templates see them.
    pub(crate) fn for_templates(&self) -> BTreeMap<String, Value> {
        self.0.iter().map(|(name, value)| (name.clone(), value.shown.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(settings: &[Setting], given: &[(&str, &str)]) -> Vec<String> {
        let settings = Settings { what: "option", settings };
        settings.check(given.iter().copied()).iter().map(|error| format!("{error:?}")).collect()
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let option = |name: &str, option: OptionDeclaration| Setting::option(name, &option);
        let settings = [
            option("owner", OptionDeclaration { required: true, ..OptionDeclaration::default() }),
            option("state", OptionDeclaration { r#enum: vec![Scalar("open".into())], ..OptionDeclaration::default() }),
            option(
                "size",
                OptionDeclaration {
                    r#type: ValueType::Integer,
                    min: Some(1),
                    max: Some(9),
                    ..OptionDeclaration::default()
                },
            ),
        ];
        insta::assert_debug_snapshot!(messages(&settings, &[("ovner", "x"), ("state", "closed"), ("size", "10")]));
    }

    #[test]
    fn secret_is_not_shown() {
        let parameter = Parameter { secret: true, r#type: ValueType::Integer, ..Parameter::default() };
        let messages = messages(&[Setting::parameter("pin", &parameter)], &[("pin", "geheim")]);
        assert_eq!(messages, ["configuration: option `pin`: expected a whole number, found another value"]);
    }
}
