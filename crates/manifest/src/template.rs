//! Templates: which names they use, and what they give for some values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::TimeDelta;
use chrono_tz::Tz;
use lakeflow_interface::{Error, ErrorKind, Result};
use minijinja::value::Value;
use minijinja::{Environment, UndefinedBehavior};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::cursor::{Format, Instant};

/// Steps that one template may take; a request needs far less.
const FUEL: u64 = 20_000;

/// What RFC 3986 leaves unreserved.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

static PLAIN: LazyLock<Environment<'static>> = LazyLock::new(environment);
static PATH: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = environment();
    environment.set_formatter(|out, _, value| {
        let text = value.to_string();
        if value.is_undefined() || matches!(text.as_str(), "" | "." | "..") {
            let detail = "a part of a path must not be empty, `.` or `..`";
            return Err(minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, detail));
        }
        out.write_str(&utf8_percent_encode(&text, SEGMENT).to_string()).map_err(Into::into)
    });
    environment
});

/// What a template may use, by root: `options` and then `owner`.
#[derive(Clone, Default)]
pub(crate) struct Scope(BTreeMap<&'static str, Value>);

impl Scope {
    /// The same scope with a root that is a value itself.
    pub(crate) fn with_value(self, root: &'static str, value: Value) -> Self {
        let mut scope = self;
        scope.0.insert(root, value);
        scope
    }

    /// The same scope with the names of one root.
    pub(crate) fn with(self, root: &'static str, names: BTreeMap<String, Value>) -> Self {
        self.with_value(root, Value::from(names))
    }
}

/// Renders a text for a query parameter, a header, a body or a column.
pub(crate) fn render(source: &str, scope: &Scope) -> Result<String> {
    render_in(&PLAIN, source, scope)
}

/// Renders a path: what is filled in is percent-encoded.
pub(crate) fn render_path(source: &str, scope: &Scope) -> Result<String> {
    render_in(&PATH, source, scope)
}

/// What a text gives that is one `{{ … }}` alone: a list or a number stays what it is. Any other text is rendered.
pub(crate) fn evaluate(source: &str, scope: &Scope) -> Result<Value> {
    let text = source.trim();
    let inner = text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}"));
    let expression = inner.filter(|inner| !inner.contains("{{") && !inner.contains("}}") && !inner.contains("{%"));
    let Some(expression) = expression else { return render(source, scope).map(Value::from) };
    let evaluated = PLAIN.compile_expression(expression).and_then(|expression| expression.eval(&scope.0));
    let value = evaluated.map_err(|error| unfit(source, &error))?;
    if value.is_undefined() { render(source, scope).map(Value::from) } else { Ok(value) }
}

fn unfit(source: &str, error: &minijinja::Error) -> Error {
    // The engine's own text might show values, and they may be secret.
    let detail = error.detail().unwrap_or("it does not fit its values");
    Error::new(ErrorKind::Configuration, format!("the template `{source}` cannot be filled in: {detail}"))
}

fn render_in(environment: &Environment<'_>, source: &str, scope: &Scope) -> Result<String> {
    if !source.contains('{') {
        return Ok(source.to_owned());
    }
    environment.render_str(source, &scope.0).map_err(|error| unfit(source, &error))
}

/// The names that a template uses, as `options.owner`.
///
/// # Errors
/// What is wrong with it, where it is not a template at all, or uses a filter, function or test that does not exist.
pub(crate) fn names(source: &str) -> Result<BTreeSet<String>, String> {
    let template = PLAIN.template_from_str(source).map_err(|error| describe(&error))?;
    Ok(template.undeclared_variables(true).into_iter().collect())
}

/// Whether a template uses a name only for what stands behind a mark: `connection.key | after_last('-')`.
pub(crate) fn only_suffix_of(source: &str, name: &str) -> bool {
    source.match_indices(name).all(|(position, _)| {
        let rest = source[position + name.len()..].trim_start();
        rest.strip_prefix('|').is_some_and(|rest| rest.trim_start().starts_with("after_last("))
    })
}

/// What is wrong with a template that only shows when it is rendered, tried with sample values.
pub(crate) fn trial(source: &str, scope: &Scope) -> Option<String> {
    use minijinja::ErrorKind as Kind;
    let error = PLAIN.render_str(source, &scope.0).err()?;
    let is_the_authors = matches!(
        error.kind(),
        Kind::UnknownFilter | Kind::UnknownFunction | Kind::UnknownTest | Kind::UnknownMethod | Kind::OutOfFuel
    );
    is_the_authors.then(|| describe(&error))
}

fn describe(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("not a template: {detail}"),
        None => format!("not a template: {error}"),
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_debug(false);
    environment.add_filter("epoch_seconds", |value: String| formatted(&value, &Format::EpochSeconds));
    environment.add_filter("epoch_milliseconds", |value: String| formatted(&value, &Format::EpochMilliseconds));
    environment.add_filter("rfc3339", |value: String| formatted(&value, &Format::Rfc3339));
    environment.add_filter("date", |value: String| formatted(&value, &Format::Date));
    environment.add_filter("earlier", |value: String, by: String| earlier(&value, &by));
    environment.add_filter("after_last", |value: String, mark: String| {
        value.rsplit_once(&mark).map(|(_, rest)| rest.to_owned()).unwrap_or_default()
    });
    environment
}

fn formatted(value: &str, format: &Format) -> Result<String, minijinja::Error> {
    if value.is_empty() {
        return Ok(String::new());
    }
    Ok(instant(value)?.format(format, Tz::UTC))
}

/// A timestamp that lies so much before another one.
fn earlier(value: &str, by: &str) -> Result<String, minijinja::Error> {
    if value.is_empty() {
        return Ok(String::new());
    }
    let by = humantime::parse_duration(by).ok().and_then(|by| TimeDelta::from_std(by).ok());
    let by = by.ok_or_else(|| unfit_value("expected a length of time as `1ms`"))?;
    let moved = instant(value)?.0.checked_sub_signed(by).map(Instant);
    let moved = moved.ok_or_else(|| unfit_value("expected a timestamp of a year that there is"))?;
    Ok(moved.format(&Format::Rfc3339, Tz::UTC))
}

fn instant(value: &str) -> Result<Instant, minijinja::Error> {
    Instant::parse(value).ok_or_else(|| unfit_value("expected a timestamp as `2026-01-31T12:00:00Z`"))
}

fn unfit_value(expected: &'static str) -> minijinja::Error {
    minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(value: &str) -> Scope {
        Scope::default().with("options", BTreeMap::from([("x".to_owned(), Value::from(value))]))
    }

    #[test]
    fn value_cannot_change_the_shape_of_a_path() {
        let render = |value| render_path("/a/{{ options.x }}/b", &scope(value));
        assert_eq!(render("m n/../ü?&#%").unwrap(), "/a/m%20n%2F..%2F%C3%BC%3F%26%23%25/b");
        for value in ["", ".", ".."] {
            let error = render(value).unwrap_err();
            assert_eq!(
                error.message(),
                "the template `/a/{{ options.x }}/b` cannot be filled in: \
                 a part of a path must not be empty, `.` or `..`"
            );
        }
    }

    #[test]
    fn error_does_not_show_the_value() {
        let error = render("{{ options.x | epoch_seconds }}", &scope("geheim")).unwrap_err();
        assert!(!format!("{error:?}").contains("geheim"), "{error:?}");
    }

    #[test]
    fn timestamp_filters_convert_and_leave_nothing_as_it_is() {
        let render = |filter: &str, value| render(&format!("{{{{ options.x | {filter} }}}}"), &scope(value)).unwrap();
        assert_eq!(render("epoch_seconds", "2026-01-31T12:00:00+01:00"), "1769857200");
        assert_eq!(render("epoch_milliseconds", "2026-01-31"), "1769817600000");
        assert_eq!(render("rfc3339", "2026-01-31"), "2026-01-31T00:00:00Z");
        assert_eq!(render("date", "2026-01-31T12:00:00Z"), "2026-01-31");
        assert_eq!(render("date", ""), "");
        assert_eq!(render("earlier('1ms')", "2026-01-31"), "2026-01-30T23:59:59.999Z");
        assert_eq!(render("earlier('1ms')", ""), "");
    }

    #[test]
    fn endless_template_runs_out_of_fuel() {
        let source = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
        assert!(trial(source, &Scope::default()).is_some());
    }
}
