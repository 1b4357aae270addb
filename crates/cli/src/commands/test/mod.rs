//! `test SOURCE|DIR`: the generic suite, against the source's simulator or the account of a connection.

mod junit;
mod report;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use lakeflow_conformance::{CHECKS, Case, CaseReport, Subject, cases};
use lakeflow_interface::{Error, ErrorKind, Result, Secret, unknown_name};
use lakeflow_manifest::ConnectSettings;
use lakeflow_python_connector::ConnectorName;

use crate::args::TestArguments;
use crate::catalog::{PythonSources, Source, live_subject, python_subject, simulated_subject};
use crate::commands::record;
use crate::exit::ExitStatus;
use crate::figures::counted;
use crate::session::Session;

type Options = BTreeMap<String, String>;

/// Cases that are tried at the same time: most of them wait for the simulator.
const SIDE_BY_SIDE: usize = 4;

/// Tries the source and reports; keeps what a live source answers where that is wanted.
pub(crate) async fn run(arguments: &TestArguments, session: &Session) -> Result<ExitStatus> {
    let options: Options =
        arguments.options.options.iter().map(|option| (option.key.clone(), option.value.clone())).collect();
    if let Some(connector) = ConnectorName::parse(&arguments.target) {
        return try_subject(&python(connector, arguments, &options, session).await?, arguments, session);
    }
    let source = session.catalog()?.find_or_folder(&arguments.target)?;
    let Some(connection) = &arguments.connection else {
        let settings = ConnectSettings { upstream: None, ..session.connect_settings() };
        return try_subject(&simulated_subject(&source, &settings, &options)?, arguments, session);
    };
    let parameters = parameters(&source, connection, session).await?;
    let subject = |session: &Session| {
        let subject = live_subject(&source, &session.connect_settings(), parameters.clone(), &options)?;
        Ok::<_, Error>(if arguments.write { subject.with_writes() } else { subject })
    };
    let Some(file) = &arguments.record else { return try_subject(&subject(session)?, arguments, session) };
    let (recorded, recorder) = session.recording_of(&source.definition()?, parameters.clone(), record::KEPT).await?;
    let outcome = try_subject(&subject(&recorded)?, arguments, session);
    record::save(&recorder, file, session)?;
    outcome
}

fn try_subject(subject: &Subject, arguments: &TestArguments, session: &Session) -> Result<ExitStatus> {
    let begun = Instant::now();
    let cases = chosen(subject, arguments)?;
    let count = counted(cases.len() as u64, "check");
    session.printer.status(format_args!("{}: {count} to try", subject.name()));
    let reports = tokio::task::block_in_place(|| try_all(&cases));
    if let Some(path) = &arguments.junit {
        junit::write(path, &reports)?;
    }
    report::print(&reports, begun.elapsed(), subject.is_live(), session)
}

/// A connector written in Python, with the options of a connection where one is named.
async fn python(
    connector: ConnectorName,
    arguments: &TestArguments,
    options: &Options,
    session: &Session,
) -> Result<Subject> {
    if arguments.record.is_some() {
        return Err(PythonSources::unrecorded(&connector));
    }
    let parameters = match &arguments.connection {
        Some(name) => {
            let connections = session.connections()?;
            connections.get(name)?.resolve(connections.folder()).await?
        }
        None => BTreeMap::new(),
    };
    let loaded = session.python.load(connector, parameters.clone()).await?;
    python_subject(&arguments.target, loaded, parameters, options).await
}

/// The parameters of a connection that leads to the source.
async fn parameters(source: &Source, name: &str, session: &Session) -> Result<BTreeMap<String, Secret>> {
    let connections = session.connections()?;
    let connection = connections.get(name)?;
    if connection.source != source.name() {
        let message = format!("connection `{name}` leads to `{}`, not to `{}`", connection.source, source.name());
        return Err(Error::new(ErrorKind::Configuration, message));
    }
    connection.resolve(connections.folder()).await
}

/// The cases that the command line asks for.
fn chosen<'s>(subject: &'s Subject, arguments: &TestArguments) -> Result<Vec<Case<'s>>> {
    let mut cases = cases(subject, arguments.table.as_deref())?;
    if let Some(wanted) = &arguments.check {
        let names = || CHECKS.iter().map(|check| check.name);
        if !names().any(|name| name == wanted) {
            return Err(unknown_name(ErrorKind::Configuration, "check", wanted, names().collect::<Vec<_>>()));
        }
        cases.retain(|case| case.check().name == wanted);
    }
    Ok(cases)
}

/// Tries the cases, several at a time; gives the reports in their order.
fn try_all(cases: &[Case<'_>]) -> Vec<CaseReport> {
    let next = AtomicUsize::new(0);
    let reports = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE.min(cases.len()) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(number) else { break };
                    let report = case.run();
                    reports.lock().unwrap_or_else(PoisonError::into_inner).insert(number, report);
                }
            });
        }
    });
    reports.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}
