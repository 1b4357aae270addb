//! `new NAME`: a folder with a source that passes `check` and `test`, to be changed step by step.

use std::fs;
use std::path::Path;

use lakeflow_interface::{Error, ErrorKind, Result};
use serde_json::json;

use crate::args::NewArguments;
use crate::catalog::check_name;
use crate::exit::ExitStatus;
use crate::session::Session;

/// The files of a new source; `__name__`, `__Name__` and `__NAME__` stand for its name.
const FILES: [(&str, &str); 8] = [
    ("connector.yaml", include_str!("../../../../templates/source/connector.yaml")),
    ("README.md", include_str!("../../../../templates/source/README.md")),
    ("api.md", include_str!("../../../../templates/source/api.md")),
    ("icon.svg", include_str!("../../../../templates/source/icon.svg")),
    ("simulator/endpoints.yaml", include_str!("../../../../templates/source/simulator/endpoints.yaml")),
    ("simulator/corpus/agents.json", include_str!("../../../../templates/source/simulator/corpus/agents.json")),
    ("simulator/corpus/comments.json", include_str!("../../../../templates/source/simulator/corpus/comments.json")),
    ("simulator/corpus/tickets.json", include_str!("../../../../templates/source/simulator/corpus/tickets.json")),
];

/// Makes the folder.
pub(crate) fn run(arguments: &NewArguments, session: &Session) -> Result<ExitStatus> {
    let name = &arguments.name;
    check_name(name)?;
    let folder = arguments.folder.join(name);
    if folder.exists() {
        return Err(Error::new(ErrorKind::Configuration, format!("`{}` exists already", folder.display()))
            .with_hint("nothing is overwritten: choose another name, or another folder with `--in`"));
    }
    for (file, text) in FILES {
        write(&folder.join(file), &filled_in(text, name)).map_err(|error| {
            let message = format!("`{}` cannot be written", folder.join(file).display());
            Error::new(ErrorKind::Configuration, message).with_cause(error)
        })?;
    }
    let shown = folder.display();
    session.printer.event(&json!({"event": "source_made", "name": name, "folder": shown.to_string()}))?;
    session.printer.line(format_args!(
        "made `{shown}`: a source with three tables that runs against a simulator of its own

try it:
  community-connector check {shown}
  community-connector test {shown}
  community-connector describe {name} tickets --source {shown}

then change it, one table after another: docs/guides/first-connector.md"
    ))?;
    Ok(ExitStatus::Success)
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)
}

fn filled_in(text: &str, name: &str) -> String {
    text.replace("__name__", name).replace("__NAME__", &name.to_uppercase()).replace("__Name__", &title(name))
}

/// `help_desk` as people write it: `Help Desk`.
fn title(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    });
    words.collect::<Vec<_>>().join(" ")
}
