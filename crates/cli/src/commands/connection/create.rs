//! `connection create SOURCE NAME -o key=value …`: asks for what is missing when on a terminal.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal};

use console::Term;
use lakeflow_interface::{Error, ErrorKind, Result, names_secret, unknown_name};
use lakeflow_manifest::Setting;
use lakeflow_manifest::definition::ValueType;
use lakeflow_python_connector::ConnectorName;
use serde_json::json;

use crate::args::{Assignment, ConnectionCreateArguments};
use crate::connections::{Connection, StoredValue};
use crate::exit::ExitStatus;
use crate::session::Session;

const FROM_STDIN: &str = "@-";

type Options = BTreeMap<String, StoredValue>;

/// Creates the connection.
pub(crate) fn run(arguments: &ConnectionCreateArguments, session: &Session) -> Result<ExitStatus> {
    let name = &arguments.name;
    let parameters = match ConnectorName::parse(&arguments.source) {
        Some(_) => arguments.options.iter().map(|option| parameter_of_python(&option.key)).collect(),
        None => session.catalog()?.find(&arguments.source)?.definition()?.parameters().to_vec(),
    };
    let parameters = parameters.as_slice();
    let mut connections = session.connections()?;
    if connections.contains(name) && !arguments.replace {
        return Err(Error::new(ErrorKind::Configuration, format!("connection `{name}` exists already"))
            .with_hint("`--replace` replaces it"));
    }
    let mut options = given(&arguments.options, parameters)?;
    fill_missing(&mut options, parameters)?;
    warn_of_plain_secrets(&options, parameters, session);
    connections.insert(name, Connection { source: arguments.source.clone(), options })?;
    connections.save()?;
    session.printer.event(&json!({"event": "connection_created", "name": name, "source": arguments.source}))?;
    session.printer.status(format_args!("created connection `{name}` in `{}`", connections.path().display()));
    let folders = session.source_folders().iter().map(|folder| format!(" --source {}", folder.display()));
    let folders: String = folders.collect();
    session.printer.status(format_args!("try it: `community-connector connection test {name}{folders}`"));
    Ok(ExitStatus::Success)
}

/// A connector written in Python does not say what it takes.
fn parameter_of_python(name: &str) -> Setting {
    Setting {
        name: name.to_owned(),
        r#type: ValueType::String,
        required: false,
        secret: names_secret(name),
        default: None,
        r#enum: Vec::new(),
        min: None,
        max: None,
        description: None,
    }
}

/// The parameters of the command line.
fn given(assignments: &[Assignment], parameters: &[Setting]) -> Result<Options> {
    let mut options = Options::new();
    for Assignment { key, value } in assignments {
        let parameter = parameters.iter().find(|parameter| parameter.name == *key).ok_or_else(|| {
            let names = parameters.iter().map(|parameter| parameter.name.as_str());
            unknown_name(ErrorKind::Configuration, "connection parameter", key, names)
        })?;
        let value = if value == FROM_STDIN { read_stdin(key)? } else { value.clone() };
        if options.insert(key.clone(), stored(value, parameter)?).is_some() {
            return Err(Error::new(ErrorKind::Configuration, format!("connection parameter `{key}` is given twice")));
        }
    }
    Ok(options)
}

/// A value as it is stored; one that is not a reference must fit its parameter.
fn stored(text: String, parameter: &Setting) -> Result<StoredValue> {
    let value = StoredValue::from(text).with_absolute_path()?;
    match value.plain().and_then(|plain| parameter.misfit(plain.expose())) {
        None => Ok(value),
        Some(problem) => {
            let message = format!("connection parameter `{}`: {problem}", parameter.name);
            Err(Error::new(ErrorKind::Configuration, message))
        }
    }
}

fn read_stdin(key: &str) -> Result<String> {
    let text = io::read_to_string(io::stdin()).map_err(|error| {
        Error::new(ErrorKind::Configuration, format!("`{key}` cannot be read from stdin")).with_cause(error)
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Asks for what is required and not given, or says what is missing where there is nobody to ask.
fn fill_missing(options: &mut Options, parameters: &[Setting]) -> Result<()> {
    let is_missing = |parameter: &&Setting| {
        parameter.required && parameter.default.is_none() && !options.contains_key(&parameter.name)
    };
    let missing: Vec<&Setting> = parameters.iter().filter(is_missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(nobody_to_ask(&missing));
    }
    for parameter in missing {
        options.insert(parameter.name.clone(), ask(parameter)?);
    }
    Ok(())
}

fn nobody_to_ask(missing: &[&Setting]) -> Error {
    let names = missing.iter().map(|parameter| format!("`{}`", parameter.name)).collect::<Vec<_>>().join(", ");
    let example = |parameter: &&Setting| match parameter.secret {
        true => format!("-o {}=env:VARIABLE", parameter.name),
        false => format!("-o {}=VALUE", parameter.name),
    };
    let examples = missing.iter().map(example).collect::<Vec<_>>().join(" ");
    Error::new(ErrorKind::Configuration, format!("missing connection parameter {names}"))
        .with_hint(format!("add `{examples}`"))
}

fn ask(parameter: &Setting) -> Result<StoredValue> {
    let name = &parameter.name;
    let unanswered = |error| Error::new(ErrorKind::Cancelled, format!("no answer for `{name}`")).with_cause(error);
    let terminal = Term::stderr();
    if let Some(description) = &parameter.description {
        terminal.write_line(description).map_err(unanswered)?;
    }
    loop {
        terminal.write_str(&format!("{name}: ")).map_err(unanswered)?;
        let read = if parameter.secret { terminal.read_secure_line() } else { terminal.read_line() };
        let text = read.map_err(unanswered)?;
        if !text.trim().is_empty() {
            return stored(text.trim().to_owned(), parameter);
        }
    }
}

fn warn_of_plain_secrets(options: &Options, parameters: &[Setting], session: &Session) {
    for Setting { name, .. } in parameters.iter().filter(|parameter| parameter.secret) {
        if options.get(name).is_some_and(|value| value.plain().is_some()) {
            session.printer.warning(
                format_args!("`{name}` is stored in plain text"),
                Some(&format!("a reference keeps it out of the file: `-o {name}=env:VARIABLE`")),
            );
        }
    }
}
