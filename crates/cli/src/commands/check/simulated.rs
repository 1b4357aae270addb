//! What a definition refers to and no simulated response has.

use std::collections::BTreeSet;

use lakeflow_conformance::{Subject, Survey, survey, try_connection};
use lakeflow_interface::{Error, ErrorKind};
use lakeflow_manifest::{Definition, Place, place_of_key};

use super::remark::Remark;
use super::tables;
use crate::catalog::{MANIFEST, Source};

const COMPARE: &str = "compare the request with `simulator/endpoints.yaml`, and both with the API's documentation";

/// A connection that cannot be checked, tables that cannot be read, paths that select nothing, columns without a value, fields without a column.
pub(super) fn remarks(source: &Source, definition: &Definition, subject: &Subject, text: &str) -> Vec<Remark> {
    let names = tables(definition);
    let surveys: Vec<_> = std::thread::scope(|scope| {
        // A thread of its own each: a survey has a runtime of its own.
        let threads: Vec<_> = names.iter().map(|table| scope.spawn(|| survey(subject, table))).collect();
        threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    // The same for the connection.
    let checked = std::thread::scope(|scope| scope.spawn(|| try_connection(subject)).join());
    let checked = checked.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the check broke down"))).err();
    let mut remarks: Vec<Remark> = checked.iter().map(|error| uncheckable(source, text, error)).collect();
    let failing = names.iter().zip(&surveys).filter(|(_, surveyed)| matches!(surveyed, Ok(Err(_))));
    let failing: BTreeSet<&str> = failing.map(|(table, _)| table.as_str()).collect();
    let mut is_auth_told = checked.is_some_and(|error| error.kind() == ErrorKind::Authentication);
    for (table, surveyed) in names.iter().zip(surveys) {
        let at = |path: &[&str]| place_of_key(text, &[&["tables", table.as_str()], path].concat());
        match surveyed {
            Ok(Ok(survey)) => remarks.extend(of_survey(source, definition, table, &survey, text)),
            // What is wrong with the credentials, or with a parent, is told once.
            Ok(Err(error)) if error.kind() == ErrorKind::Authentication => {
                if !std::mem::replace(&mut is_auth_told, true) {
                    remarks.push(unauthenticated(source, text, &error));
                }
            }
            Ok(Err(error)) if error.context("table").is_some_and(|of| of != table && failing.contains(of)) => {}
            Ok(Err(error)) => remarks.push(unreadable(source, table, at(&["request"]), &error)),
            Err(_) => remarks.push(Remark::new(source, MANIFEST, at(&[]), format!("reading `{table}` broke down"))),
        }
    }
    remarks
}

fn uncheckable(source: &Source, text: &str, error: &Error) -> Remark {
    if error.kind() == ErrorKind::Authentication {
        return unauthenticated(source, text, error);
    }
    let message = format!("`connection.check`: the simulated source refuses it: {error}");
    Remark::new(source, MANIFEST, place_of_key(text, &["connection", "check"]), message).with_hint(COMPARE)
}

fn unauthenticated(source: &Source, text: &str, error: &Error) -> Remark {
    let message = format!("`connection.auth`: the simulated source does not know the credentials: {error}");
    Remark::new(source, MANIFEST, place_of_key(text, &["connection", "auth"]), message)
        .with_hint("compare it with `auth` in `simulator/endpoints.yaml`, and both with the API's documentation")
}

fn unreadable(source: &Source, table: &str, place: Option<Place>, error: &Error) -> Remark {
    let message = format!("`tables.{table}`: the simulated source cannot be read: {error}");
    let remark = Remark::new(source, MANIFEST, place, message);
    match error.hint() {
        // What a user of the connector would look at, who has no part in this.
        Some(hint) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Configuration) => remark.with_hint(hint),
        _ => remark.with_hint(COMPARE),
    }
}

fn of_survey(source: &Source, definition: &Definition, table: &str, survey: &Survey, text: &str) -> Vec<Remark> {
    let place = |key: &str| place_of_key(text, &["tables", table, key]);
    if survey.rows == 0 {
        let declared = definition.manifest().tables.get(table);
        let has_records = declared.is_some_and(|_| text_has_key(text, table, "records"));
        let key = if has_records { "records" } else { "request" };
        let message = format!("`tables.{table}.{key}`: no simulated response has a record there");
        let hint =
            "give the table's corpus rows, and compare the path with the responses of `simulator/endpoints.yaml`";
        return vec![Remark::new(source, MANIFEST, place(key), message).with_hint(hint)];
    }
    let schema = place("schema");
    let mut remarks = Vec::new();
    for path in &survey.empty_columns {
        let message = format!("`tables.{table}.schema`: no simulated response has `{path}`");
        let at = schema.map(|schema| column_place(text, schema, path));
        remarks.push(
            Remark::new(source, MANIFEST, at, message)
                .with_hint("give it a value in the corpus; or take it out, if the API has no such field"),
        );
    }
    for path in &survey.undeclared {
        let message = format!("`tables.{table}.schema`: simulated responses have `{path}`, which is no column");
        remarks.push(
            Remark::new(source, MANIFEST, schema, message)
                .with_hint("declare it; or take it out of the corpus, if the API has no such field"),
        );
    }
    remarks
}

/// Whether the table itself says a key, or takes what there is by default.
fn text_has_key(text: &str, table: &str, key: &str) -> bool {
    place_of_key(text, &["tables", table, key]) != place_of_key(text, &["tables", table, "no such key"])
}

/// The place of a column's name in a schema, part by part; that of the schema where it cannot be found.
fn column_place(text: &str, schema: Place, path: &str) -> Place {
    let mut place = schema;
    for part in path.split('.').map(|part| part.trim_end_matches("[]")) {
        let Some(next) = find_word(text, place, part) else { return place };
        place = next;
    }
    place
}

/// The first place from another one on that has a word.
fn find_word(text: &str, from: Place, word: &str) -> Option<Place> {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    let lines = text.lines().enumerate().skip(usize::try_from(from.line).ok()?.checked_sub(1)?);
    for (number, line) in lines {
        for (at, _) in line.match_indices(word) {
            let column = line[..at].chars().count() as u64 + 1;
            let number = number as u64 + 1;
            let is_word = !line[..at].chars().next_back().is_some_and(is_part)
                && !line[at + word.len()..].chars().next().is_some_and(is_part);
            if is_word && (number > from.line || column >= from.column) {
                return Some(Place { line: number, column });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn column_is_found_by_its_parts() {
        let text =
            "schema: |\n  id BIGINT, user STRUCT<user_id: BIGINT, id: BIGINT>,\n  tags ARRAY<STRUCT<id: BIGINT>>";
        let place = |path| column_place(text, Place { line: 1, column: 1 }, path).to_string();
        assert_eq!([place("id"), place("user.id"), place("tags[].id")], ["2:3", "2:43", "3:21"]);
        assert_eq!(place("nothing"), "1:1");
    }
}
