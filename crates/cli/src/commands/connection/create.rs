//! `connection create SOURCE NAME -o key=value …`: asks for what is missing when on a terminal.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Read};

use console::Term;
use lakeflow_interface::{Error, ErrorKind, Result, unknown_name};
use lakeflow_manifest::definition::Parameter;
use serde_json::json;

use crate::args::{Assignment, ConnectionCreateArguments};
use crate::connections::{Connection, Setting};
use crate::exit::ExitStatus;
use crate::session::Session;

const FROM_STDIN: &str = "@-";

type Parameters = BTreeMap<String, Parameter>;
type Settings = BTreeMap<String, Setting>;

/// Creates the connection.
pub(crate) fn run(arguments: &ConnectionCreateArguments, session: &Session) -> Result<ExitStatus> {
    let name = &arguments.name;
    let definition = lakeflow_sources::find(&arguments.source)?.definition()?;
    let mut connections = session.connections()?;
    if connections.contains(name) && !arguments.replace {
        return Err(Error::new(ErrorKind::Configuration, format!("connection `{name}` exists already"))
            .with_hint("`--replace` replaces it"));
    }
    let parameters = definition.parameters();
    let mut options = given(&arguments.options, parameters)?;
    fill_missing(&mut options, parameters)?;
    warn_of_plain_secrets(&options, parameters, session);
    connections.insert(name, Connection { source: arguments.source.clone(), options })?;
    connections.save()?;
    session.printer.event(&json!({"event": "connection_created", "name": name, "source": arguments.source}))?;
    session.printer.status(format_args!("created connection `{name}` in `{}`", connections.path().display()));
    session.printer.status(format_args!("try it: `community-connector connection test {name}`"));
    Ok(ExitStatus::Success)
}

/// The parameters of the command line.
fn given(assignments: &[Assignment], parameters: &Parameters) -> Result<Settings> {
    let mut options = Settings::new();
    for Assignment { key, value } in assignments {
        let parameter = parameters.get(key).ok_or_else(|| {
            unknown_name(ErrorKind::Configuration, "option", key, parameters.keys().map(String::as_str))
        })?;
        let value = if value == FROM_STDIN { read_stdin(key)? } else { value.clone() };
        if options.insert(key.clone(), setting(key, value, parameter)?).is_some() {
            return Err(Error::new(ErrorKind::Configuration, format!("option `{key}` is given twice")));
        }
    }
    Ok(options)
}

fn setting(name: &str, text: String, parameter: &Parameter) -> Result<Setting> {
    let allowed = || parameter.r#enum.iter().map(|value| value.0.as_str());
    match Setting::from(text).with_absolute_path()? {
        Setting::Plain(value)
            if !parameter.r#enum.is_empty() && !allowed().any(|allowed| allowed == value.expose()) =>
        {
            let valid: Vec<&str> = allowed().collect();
            Err(unknown_name(ErrorKind::Configuration, &format!("value of option `{name}`:"), value.expose(), valid))
        }
        setting => Ok(setting),
    }
}

fn read_stdin(key: &str) -> Result<String> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map_err(|error| {
        Error::new(ErrorKind::Configuration, format!("option `{key}` cannot be read from stdin")).with_cause(error)
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Asks for what is required and not given, or says what is missing where there is nobody to ask.
fn fill_missing(options: &mut Settings, parameters: &Parameters) -> Result<()> {
    let is_missing = |name: &str, parameter: &Parameter| parameter.required && !options.contains_key(name);
    let missing: Vec<_> = parameters.iter().filter(|(name, parameter)| is_missing(name, parameter)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(missing_options(&missing));
    }
    for (name, parameter) in missing {
        options.insert(name.clone(), ask(name, parameter)?);
    }
    Ok(())
}

fn missing_options(missing: &[(&String, &Parameter)]) -> Error {
    let names = missing.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let error = Error::new(ErrorKind::Configuration, format!("missing option {names}"));
    let example = |(name, parameter): &(&String, &Parameter)| {
        if parameter.secret { format!("-o {name}=env:{}", name.to_uppercase()) } else { format!("-o {name}=VALUE") }
    };
    error.with_hint(missing.iter().map(example).collect::<Vec<_>>().join(" "))
}

fn ask(name: &str, parameter: &Parameter) -> Result<Setting> {
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
            return setting(name, text.trim().to_owned(), parameter);
        }
    }
}

fn warn_of_plain_secrets(options: &Settings, parameters: &Parameters, session: &Session) {
    let is_secret = |name: &str| parameters.get(name).is_some_and(|parameter| parameter.secret);
    for (name, _) in options.iter().filter(|(name, setting)| setting.is_plain() && is_secret(name)) {
        session.printer.warning(
            format_args!("`{name}` is stored in plain text"),
            Some(&format!("a reference keeps it out of the file: `-o {name}=env:{}`", name.to_uppercase())),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_outside_the_enum_names_the_nearest() {
        let parameter = Parameter {
            r#enum: ["open", "closed"].map(|text| Scalar(text.to_owned())).to_vec(),
            ..Parameter::default()
        };
        let error = setting("state", "opne".to_owned(), &parameter).unwrap_err();
        assert_eq!(error.message(), "unknown value of option `state`: `opne`");
        assert!(setting("state", "env:STATE".to_owned(), &parameter).is_ok());
    }

    use lakeflow_manifest::definition::Scalar;
}
