//! The template of a table's records: field by field, the recorded values in turn.

use super::moment::{self, format_name, span};
use super::{References, Rows, Sample};
use crate::cassette::words::replace_word;
use crate::definition::Json;
use crate::instant::InstantFormat;

/// The earliest recorded row of a table is at least so much older than the latest one becomes.
const HOUR: i64 = 3_600_000;

/// Shorter values occur in texts by chance.
const SHORTEST_SEARCHED: usize = 4;

/// Shorter texts are the same in two tables by chance, unless a field's name says that it names a row.
const SHORTEST_NAMING: usize = 6;

/// The template of one table's records.
pub(super) struct Template<'a> {
    pub(super) rows: &'a Rows<'a>,
    pub(super) references: &'a References,
    /// The latest cursor of the recording: what stands for now.
    pub(super) latest: Option<i64>,
}

impl Template<'_> {
    /// The whole template.
    pub(super) fn record(&self) -> Json {
        let records: Vec<Option<&Json>> = self.rows.samples.iter().map(|sample| Some(sample.record)).collect();
        self.column("", &records)
    }

    /// One field of all rows; what a row does not have is null.
    fn column(&self, path: &str, values: &[Option<&Json>]) -> Json {
        if let Some(cursor) = self.rows.cursor.as_ref().filter(|cursor| cursor.path == path) {
            return self.cursor(cursor.format);
        }
        if self.rows.identity.path == path {
            return self.rows.identity.template();
        }
        if !values.iter().all(|value| matches!(value, Some(Json::Object(_)))) {
            let name = path.rsplit('.').next().unwrap_or(path);
            let own =
                |(sample, value): (_, &Option<&Json>)| value.map_or(Json::Null, |json| self.value(sample, name, json));
            return in_turn(self.rows.samples.iter().zip(values).map(own).collect());
        }
        let mut names: Vec<&str> = Vec::new();
        for (name, _) in values.iter().flatten().flat_map(|value| fields(value)) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        let field = |name: &str| {
            let below = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            let values: Vec<Option<&Json>> =
                values.iter().map(|value| value.and_then(|value| value.get([name]))).collect();
            (key(name), self.column(&below, &values))
        };
        Json::Object(names.into_iter().map(field).collect())
    }

    /// The cursor ascends over the time that the recorded rows cover, up to an hour ago.
    fn cursor(&self, format: Option<InstantFormat>) -> Json {
        let cursors = || self.rows.samples.iter().map(|sample| sample.cursor);
        let (first, last) = (cursors().min().unwrap_or_default(), cursors().max().unwrap_or_default());
        let Some(format) = format else { return generator("$number", text(format!("{} + n", first.max(1) - 1)), None) };
        let covered = (last - first).max(24 * HOUR);
        let hours = covered.div_euclid(HOUR) + 2;
        let bounds = [span(hours * HOUR), span(HOUR)].map(|span| text(format!("-{span}")));
        generator("$timestamp", Json::List(bounds.to_vec()), Some(format))
    }

    fn value(&self, sample: &Sample<'_>, name: &str, json: &Json) -> Json {
        if let Some((instant, format)) = moment::read(name, json, false) {
            return self.moment(sample, instant, format).unwrap_or_else(|| json.clone());
        }
        match json {
            Json::Text(value) => match characters(value) {
                Some(count) => generator("$text", Json::List(vec![Json::Integer(count); 2]), None),
                None => self.named(sample, name, json).unwrap_or_else(|| text(self.interpolated(sample, value))),
            },
            Json::Integer(_) => self.named(sample, name, json).unwrap_or_else(|| json.clone()),
            Json::List(items) => Json::List(items.iter().map(|item| self.value(sample, name, item)).collect()),
            Json::Object(fields) => {
                let field = |(name, value): &(String, Json)| (key(name), self.value(sample, name, value));
                Json::Object(fields.iter().map(field).collect())
            }
            plain => plain.clone(),
        }
    }

    /// An instant, by its distance from the row's cursor, or else from now.
    fn moment(&self, sample: &Sample<'_>, instant: i64, format: InstantFormat) -> Option<Json> {
        if let Some(cursor) = &self.rows.cursor
            && let Some(written) = cursor.format
        {
            let distance = instant - sample.cursor;
            if distance == 0 && written == format {
                return Some(generator("$field", text(cursor.path.clone()), None));
            }
            let direction = if distance > 0 { "$after" } else { "$before" };
            let Json::Object(mut fields) = generator(direction, text(cursor.path.clone()), Some(format)) else {
                return None;
            };
            fields.insert(1, ("by".to_owned(), text(span(distance.abs()))));
            return Some(Json::Object(fields));
        }
        let age = self.latest? - instant + HOUR;
        let bound = text(format!("-{}", span(age)));
        (age >= 0).then(|| generator("$timestamp", Json::List(vec![bound; 2]), Some(format)))
    }

    /// A value that names the row's parent, or a row of another table.
    fn named(&self, sample: &Sample<'_>, name: &str, json: &Json) -> Option<Json> {
        let value = json.as_parameter()?;
        let lower = name.to_ascii_lowercase();
        let is_text = matches!(json, Json::Text(_));
        let names_row = lower.ends_with("id") || lower.ends_with("number") || lower.ends_with("ids");
        let is_telling = names_row || (is_text && value.len() >= SHORTEST_NAMING);
        if !is_telling {
            return None;
        }
        if let Some((field, _)) = sample.list.parent.iter().find(|(_, known)| *known == value) {
            let path = format!("parent.{field}");
            return Some(if is_text { text(format!("{{{path}}}")) } else { generator("$field", text(path), None) });
        }
        let (table, identity, number) = self.references.get(&self.rows.table.name, &value)?;
        let Json::Object(mut fields) = generator("$row", text(table.clone()), None) else { return None };
        fields.extend([("at".to_owned(), text(number.to_string())), ("field".to_owned(), text(identity.clone()))]);
        Some(Json::Object(fields))
    }

    /// A text in which the identity of the row, and what its parent is named by, are those of the row that is served.
    fn interpolated(&self, sample: &Sample<'_>, value: &str) -> String {
        let escaped = value.replace('{', "{{").replace('}', "}}");
        let identity = std::iter::once((self.rows.identity.path.clone(), sample.identity.as_str()));
        let parent = sample.list.parent.iter().map(|(field, value)| (format!("parent.{field}"), value.as_str()));
        let is_searched = |value: &str| value.len() >= SHORTEST_SEARCHED && !value.contains(['{', '}']);
        identity
            .chain(parent)
            .filter(|(_, value)| is_searched(value))
            .fold(escaped, |shown, (path, value)| replace_word(&shown, value, &format!("{{{path}}}")))
    }
}

/// The values of one field of all rows: one template where they are all the same, else each in its turn.
fn in_turn(values: Vec<Json>) -> Json {
    if let Some(first) = values.first().filter(|first| values.iter().all(|value| value == *first)) {
        return first.clone();
    }
    let lengths: Option<Vec<i64>> = values.iter().map(length).collect();
    if let Some((least, most)) = lengths.and_then(|lengths| Some((*lengths.iter().min()?, *lengths.iter().max()?))) {
        return generator("$text", Json::List(vec![Json::Integer(least), Json::Integer(most)]), None);
    }
    Json::Object(vec![("$choice".to_owned(), Json::List(values)), ("at".to_owned(), text("n".to_owned()))])
}

/// The length of a text that is made up.
fn length(template: &Json) -> Option<i64> {
    match template.get(["$text", "0"])? {
        Json::Integer(length) => Some(*length),
        _ => None,
    }
}

fn generator(name: &str, value: Json, format: Option<InstantFormat>) -> Json {
    let mut fields = vec![(name.to_owned(), value)];
    fields.extend(format.and_then(format_name).map(|name| ("format".to_owned(), text(name.to_owned()))));
    Json::Object(fields)
}

fn text(text: String) -> Json {
    Json::Text(text)
}

fn fields(json: &Json) -> &[(String, Json)] {
    match json {
        Json::Object(fields) => fields,
        _ => &[],
    }
}

/// A field that begins with a dollar would be a generator.
fn key(name: &str) -> String {
    if name.starts_with('$') { format!("${name}") } else { name.to_owned() }
}

/// How long a text was that the recorder has left out.
fn characters(value: &str) -> Option<i64> {
    value.strip_prefix("text of ")?.strip_suffix(" characters")?.parse().ok()
}
