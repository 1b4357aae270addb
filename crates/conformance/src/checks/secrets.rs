//! Credentials: what is said when they are wrong, and that they are never shown.

use std::collections::BTreeMap;

use lakeflow_interface::{Error, ErrorKind, Offset};
use lakeflow_simulator::{Fault, FaultKind, Json};

use crate::bench::{Bench, Wanted};
use crate::case::Trial;
use crate::check::{Check, Need, Scope};
use crate::finding::{Finding, Outcome, Stop, told};
use crate::log::Log;

pub(super) const CONNECTION_IS_CHECKED: Check = Check {
    name: "connection_is_checked",
    demand: "The check of a connection succeeds where the source knows us, and fails with an error of the kind \
             `authentication` where it does not.",
    advice: "compare `connection.check` and `connection.auth` with the API's documentation; the request must be one that needs \
             credentials, and an endpoint of the simulator",
    scope: Scope::Source,
    needs: &[Need::Simulator, Need::Secret],
    run: |trial| Box::pin(connection_is_checked(trial)),
};

async fn connection_is_checked(trial: &Trial<'_>) -> Outcome {
    let bench = trial.bench().await?;
    if let Err(error) = bench.connector()?.check_connection().await {
        return Err(Finding::new("no error", told(&error)).at("`check_connection`").into());
    }
    if bench.simulator()?.requests().is_empty() {
        return Err(Stop::Skipped("nothing is asked of the source".to_owned()));
    }
    let bench = refusing(trial).await?;
    let found = match bench.connector()?.check_connection().await {
        Err(error) if error.kind() == ErrorKind::Authentication => return Ok(()),
        Err(error) => told(&error),
        Ok(()) => "no error".to_owned(),
    };
    Err(Finding::new("an error of the kind `authentication`", found).at(REFUSING).into())
}

/// A source that does not know us.
const REFUSING: &str = "a source that answers everything with 401";

async fn refusing<'t>(trial: &Trial<'t>) -> Outcome<Bench<'t>> {
    let unknown = FaultKind::Status { code: 401, headers: BTreeMap::new(), body: None };
    Bench::start(trial.subject, trial.table, |settings| settings.faults = vec![Fault::new(unknown)]).await
}

pub(super) const AUTH_FAILURE_NAMES_THE_PARAMETER: Check = Check {
    name: "auth_failure_names_the_parameter",
    demand: "A source that does not know us gives an error of the kind `authentication` that names the connection \
             parameter to look at.",
    advice: "refer to the parameter in `connection.auth`; `errors` of the table must not change what a 401 means",
    scope: Scope::Table,
    needs: &[Need::Simulator, Need::Secret],
    run: |trial| Box::pin(auth_failure_names_the_parameter(trial)),
};

async fn auth_failure_names_the_parameter(trial: &Trial<'_>) -> Outcome {
    let bench = refusing(trial).await?;
    let (_, error) = bench.attempt(Wanted::default()).await?;
    let names: Vec<String> = trial.subject.parameters.keys().map(|name| format!("`{name}`")).collect();
    let expected = format!("an error of the kind `authentication` that names {}", names.join(" or "));
    let found = match error {
        None => "no error".to_owned(),
        Some(error) => {
            let text = told(&error);
            if error.kind() == ErrorKind::Authentication && names.iter().any(|name| text.contains(name)) {
                return Ok(());
            }
            text
        }
    };
    Err(Finding::new(expected, found).at(REFUSING).into())
}

pub(super) const NO_SECRET_IS_SHOWN: Check = Check {
    name: "no_secret_is_shown",
    demand: "No secret of the connection is in a log, an error, an offset or a row, also when the source echoes it.",
    advice: "keep secrets in `Secret`, send them with `crates/http`, and say `secret: true` of the parameter",
    scope: Scope::Table,
    needs: &[Need::Simulator, Need::Secret],
    run: |trial| Box::pin(no_secret_is_shown(trial)),
};

async fn no_secret_is_shown(trial: &Trial<'_>) -> Outcome {
    let log = Log::listen();
    let mut shown: Vec<(&str, String)> = Vec::new();
    let bench = trial.bench().await?;
    let reading = bench.read().await?;
    shown.extend(reading.checkpoints.iter().map(|checkpoint| ("an offset", checkpoint.offset.to_string())));
    shown.extend(reading.rows.iter().map(|row| ("a row", row.to_string())));
    for error in failures(trial).await? {
        shown.push(("an error", format!("{}\n{error}\n{error:?}", told(&error))));
    }
    shown.push(("a log", log.text()));
    drop(log);
    for name in &trial.subject.secrets {
        let Some(secret) = trial.subject.parameters.get(name) else { continue };
        if secret.expose().is_empty() {
            continue;
        }
        if let Some((what, text)) = shown.iter().find(|(_, text)| text.contains(secret.expose())) {
            let line = text.lines().find(|line| line.contains(secret.expose())).unwrap_or_default();
            let found = format!("it in {what}: {}", line.replace(secret.expose(), "***"));
            return Err(Finding::new(format!("the parameter `{name}` to be nowhere"), found).into());
        }
    }
    Ok(())
}

/// The errors of a source that refuses everything and echoes what it was sent.
async fn failures(trial: &Trial<'_>) -> Outcome<Vec<Error>> {
    let secrets: Vec<&str> =
        trial.subject.secrets.iter().filter_map(|name| Some(trial.subject.parameters.get(name)?.expose())).collect();
    let echo = format!("we do not like {}", secrets.join(" and "));
    let body: Option<Json> = serde_json::from_value(serde_json::json!({"message": echo, "error": echo})).ok();
    let mut errors = Vec::new();
    for code in [400, 401, 403, 404] {
        let fault = Fault::new(FaultKind::Status { code, headers: BTreeMap::new(), body: body.clone() });
        let bench = Bench::start(trial.subject, trial.table, |settings| settings.faults = vec![fault]).await?;
        let (_, error) = bench.attempt(Wanted::from(&Offset::beginning())).await?;
        errors.extend(error);
        errors.extend(bench.connector()?.check_connection().await.err());
    }
    Ok(errors)
}
