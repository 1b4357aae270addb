//! What clients wrote into a row.

use crate::definition::Json;
use crate::table::Table;

/// The fields of a row that clients wrote, laid over what is computed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written(Vec<(String, Json)>);

impl Written {
    /// What of a client's object the table has fields for; `without` are fields that only the source sets. The others are
    /// given too, by their paths.
    pub(crate) fn accepted(table: &Table, given: &Json, without: &[&[String]]) -> (Self, Vec<String>) {
        let mut refused = Vec::new();
        let fields = accepted(table, given, &mut Vec::new(), without, &mut refused);
        (Self(fields), refused)
    }

    /// The value at a path, if a client wrote it.
    pub(crate) fn get(&self, path: &[String]) -> Option<&Json> {
        let (first, rest) = path.split_first()?;
        let (_, value) = self.0.iter().find(|(key, _)| key == first)?;
        value.get(rest.iter().map(String::as_str))
    }

    /// The same with later values over it.
    pub(crate) fn with(mut self, later: &Self) -> Self {
        merge(&mut self.0, &later.0);
        self
    }

    /// The same without what was written at some paths.
    pub(crate) fn without(&self, paths: &[Vec<String>]) -> Self {
        let mut fields = self.0.clone();
        paths.iter().for_each(|path| remove(&mut fields, path));
        Self(fields)
    }

    /// Lays the values over a record.
    pub(crate) fn merge_into(&self, record: &mut Json) {
        if let Json::Object(fields) = record {
            merge(fields, &self.0);
        }
    }
}

fn accepted(
    table: &Table,
    given: &Json,
    path: &mut Vec<String>,
    without: &[&[String]],
    refused: &mut Vec<String>,
) -> Vec<(String, Json)> {
    let Json::Object(fields) = given else { return Vec::new() };
    let mut kept = Vec::new();
    for (key, value) in fields {
        path.push(key.clone());
        if !table.has_field(path) || without.contains(&path.as_slice()) {
            refused.push(path.join("."));
        } else if matches!(value, Json::Object(_)) && !table.keys(path).is_empty() {
            kept.push((key.clone(), Json::Object(accepted(table, value, path, without, refused))));
        } else {
            kept.push((key.clone(), value.clone()));
        }
        path.pop();
    }
    kept
}

fn remove(fields: &mut Vec<(String, Json)>, path: &[String]) {
    match path {
        [] => {}
        [last] => fields.retain(|(key, _)| key != last),
        [first, rest @ ..] => {
            if let Some((_, Json::Object(below))) = fields.iter_mut().find(|(key, _)| key == first) {
                remove(below, rest);
            }
        }
    }
}

fn merge(fields: &mut Vec<(String, Json)>, later: &[(String, Json)]) {
    for (key, value) in later {
        match (fields.iter_mut().find(|(known, _)| known == key), value) {
            (Some((_, Json::Object(below))), Json::Object(value)) => merge(below, value),
            (Some((_, known)), value) => *known = value.clone(),
            (None, value) => fields.push((key.clone(), value.clone())),
        }
    }
}
