//! `corpus FILE SOURCE`: the corpus of a source's simulator, from a recording of the live source.

mod endpoints;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lakeflow_interface::{Error, ErrorKind, Result};
use lakeflow_manifest::{Definition, Listing, SentRequest};
use lakeflow_simulator::{Cassette, Exchange, Json, RecordedBody, RecordedCorpora, RecordedList, RecordedTable};
use serde_json::json;

use crate::args::CorpusArguments;
use crate::catalog::Source;
use crate::exit::ExitStatus;
use crate::figures::counted;
use crate::session::Session;

/// Where a source's folder has what its simulator serves.
const FOLDER: &str = "simulator";

/// Writes a corpus for each table that the recording has records of, and endpoints where the source has none.
pub(crate) fn run(arguments: &CorpusArguments, session: &Session) -> Result<ExitStatus> {
    let cassette = Cassette::load(&arguments.cassette)?;
    let source = session.catalog()?.find_or_folder(&arguments.source)?;
    let definition = source.definition()?;
    let target = Target::of(arguments, &source)?;
    let made = RecordedCorpora::of(&recorded_tables(&cassette, &definition, session));
    for (table, (text, rows)) in &made.corpora {
        let file = target.write(&format!("corpus/{table}.json"), text, session)?;
        if let Some(file) = file {
            session.printer.event(&json!({"event": "corpus_made", "table": table, "rows": rows, "file": file}))?;
            session.printer.line(format_args!("{table}: {} in `{file}`", counted(*rows, "row")))?;
        }
    }
    for (table, reason) in &made.left_out {
        session.printer.warning(format_args!("no corpus of `{table}`: {reason}"), None);
    }
    let is_served = source.text(&format!("{FOLDER}/endpoints.yaml"))?.is_some();
    if !is_served && !made.corpora.is_empty() {
        let text = endpoints::skeleton(&definition, made.corpora.keys().map(String::as_str));
        if let Some(file) = target.write("endpoints.yaml", &text, session)? {
            session.printer.line(format_args!("its endpoints: a skeleton in `{file}`, to be completed by hand"))?;
        }
    }
    session.printer.status(format_args!(
        "made corpora of {}; read them before you pass them on",
        counted(made.corpora.len() as u64, "table")
    ));
    Ok(ExitStatus::Success)
}

/// The records of the lists of one table, by the fields of the parent's row that each list is of.
type Lists = BTreeMap<Vec<(String, String)>, Vec<Json>>;

/// Where files go, and whether there may be others of their names.
struct Target {
    folder: PathBuf,
    replace: bool,
}

impl Target {
    fn of(arguments: &CorpusArguments, source: &Source) -> Result<Self> {
        let own = || source.path().map(|folder| folder.join(FOLDER));
        let folder = arguments.to.clone().or_else(own).ok_or_else(|| {
            let message = format!("`{}` is built in: it has no folder to write to", source.name());
            Error::new(ErrorKind::Configuration, message).with_hint("say where the files go: `--to DIR`")
        })?;
        Ok(Self { folder, replace: arguments.replace })
    }

    /// Writes a file and gives its path; one that is there is left alone unless it may be replaced.
    fn write(&self, name: &str, text: &str, session: &Session) -> Result<Option<String>> {
        let path = self.folder.join(name);
        let shown = path.display().to_string();
        if path.exists() && !self.replace {
            session.printer.warning(format_args!("`{shown}` is there already"), Some("`--replace` writes over it"));
            return Ok(None);
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(folder).and_then(|()| fs::write(&path, text)).map_err(|cause| {
            Error::new(ErrorKind::Configuration, format!("`{shown}` cannot be written")).with_cause(cause)
        })?;
        Ok(Some(shown))
    }
}

/// What the recording shows of each table.
fn recorded_tables(cassette: &Cassette, definition: &Definition, session: &Session) -> Vec<RecordedTable> {
    let mut lists: BTreeMap<String, Lists> = BTreeMap::new();
    for exchange in cassette.exchanges.iter().filter(|exchange| exchange.response.status < 400) {
        match listings(exchange, definition) {
            Ok(listings) => {
                for listing in listings {
                    let parent =
                        listing.parent.iter().map(|(field, value)| (field.to_string(), value.clone())).collect();
                    let records = listing.records.iter().filter_map(|record| serde_json::from_str(record).ok());
                    lists.entry(listing.table).or_default().entry(parent).or_default().extend(records);
                }
            }
            Err(error) => {
                let request = &exchange.request;
                session.printer.warning(format_args!("{} {}: {error}", request.method, request.path), None);
            }
        }
    }
    let table = |(name, lists): (String, Lists)| {
        let declared = definition.manifest().tables.get(&name);
        let metadata = definition.table_metadata(&name).ok();
        RecordedTable {
            keys: metadata.iter().flat_map(|metadata| &metadata.primary_keys).map(ToString::to_string).collect(),
            cursor: metadata.and_then(|metadata| metadata.cursor_field.as_ref()).map(ToString::to_string),
            parent: declared.and_then(|table| table.parent.as_ref()).map(|parent| parent.table.clone()),
            lists: lists.into_iter().map(|(parent, records)| RecordedList { parent, records }).collect(),
            name,
        }
    };
    lists.into_iter().map(table).collect()
}

fn listings(exchange: &Exchange, definition: &Definition) -> Result<Vec<Listing>> {
    let answer = match &exchange.response.body {
        RecordedBody::Json(json) => json!(json).to_string(),
        RecordedBody::JsonLines(lines) => json!(lines).to_string(),
        RecordedBody::Empty | RecordedBody::Text(_) | RecordedBody::Omitted(_) => return Ok(Vec::new()),
    };
    let request = &exchange.request;
    let request = SentRequest { method: &request.method, path: &request.path, query: &request.query };
    definition.listings(request, &answer)
}
