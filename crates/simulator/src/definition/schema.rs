//! Templates made from a table's schema: every column has a plausible value in some row.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Field, Fields, SchemaRef};
use lakeflow_interface::{Result, ddl};

use super::{CorpusFile, Json, mistake, unknown};
use crate::random::mix_text;
use crate::vocabulary::words_of;

/// The schemas of a source's tables, by their names.
pub type Schemas = BTreeMap<String, SchemaRef>;

/// The generator that a schema is put in the place of.
const SCHEMA: &str = "$schema";

/// How often a nullable field has a value.
const PRESENT: f64 = 0.8;

/// What the words of a name say about a text, and the template of such a text.
const TEXTS: &[(&[&str], &str)] = &[
    (&["email", "mail"], r#""user{n}@example.com""#),
    (&["url", "uri", "href", "link", "avatar", "permalink", "website"], r#""https://example.com/{n}""#),
    (&["phone", "mobile", "fax"], r#""+1555{n:07}""#),
    (&["uuid", "guid"], r#"{"$uuid": 4}"#),
    (&["currency"], r#"{"$choice": ["usd", "eur", "gbp"]}"#),
    (&["country"], r#"{"$choice": ["US", "DE", "FR", "BR"]}"#),
    (&["locale", "language", "lang"], r#"{"$choice": ["en", "de", "fr"]}"#),
    (&["timezone", "zone"], r#"{"$choice": ["UTC", "Europe/Berlin", "America/New_York"]}"#),
    (&["ip"], r#""192.0.2.{n % 250}""#),
    (&["color", "colour"], r#"{"$hex": 6}"#),
    (&["hash", "sha", "digest", "fingerprint", "token", "secret", "key"], r#"{"$hex": 16}"#),
    (
        &["status", "state", "type", "kind", "role", "priority", "category", "mode", "level", "channel", "method"],
        r#"{"$choice": ["first", "second", "third"], "weights": [5, 2, 1]}"#,
    ),
    (
        &["description", "body", "content", "message", "text", "comment", "note", "notes", "html", "summary"],
        r#"{"$text": [20, 200]}"#,
    ),
    (&["id", "ids"], r#""id-{n % 97}""#),
];

/// Words in the name of an instant that lies well before the last change.
const EARLY: &[&str] = &["created", "create", "started", "start", "opened", "added", "registered", "begin", "first"];

/// Puts schemas in the places of `$schema` in a corpus.
pub(super) fn expand(name: &str, path: &str, mut file: CorpusFile, schemas: &Schemas) -> Result<CorpusFile> {
    let expander = Expander { table: name, path, schemas, identity: &file.identity, cursor: file.cursor.as_deref() };
    let record = expander.value("record", &file.record)?;
    file.record = record;
    Ok(file)
}

struct Expander<'a> {
    table: &'a str,
    path: &'a str,
    schemas: &'a Schemas,
    identity: &'a str,
    cursor: Option<&'a str>,
}

impl Expander<'_> {
    fn value(&self, key: &str, json: &Json) -> Result<Json> {
        Ok(match json {
            Json::Object(fields) if fields.iter().any(|(key, _)| key == SCHEMA) => self.record(key, fields)?,
            Json::Object(fields) => {
                let fields =
                    fields.iter().map(|(name, value)| Ok((name.clone(), self.value(&format!("{key}.{name}"), value)?)));
                Json::Object(fields.collect::<Result<_>>()?)
            }
            Json::List(items) => Json::List(items.iter().map(|item| self.value(key, item)).collect::<Result<_>>()?),
            other => other.clone(),
        })
    }

    /// The template for `{"$schema": TABLE, "with": {PATH: TEMPLATE}, "without": [PATH], "timestamps": FORMAT}`.
    fn record(&self, key: &str, options: &[(String, Json)]) -> Result<Json> {
        let wrong = |message: &str| mistake(self.path, &format!("{key}.{SCHEMA}"), message);
        let (mut name, mut with, mut without, mut timestamps) = (self.table, &[][..], Vec::new(), "rfc3339");
        for (option, value) in options {
            match (option.as_str(), value) {
                (SCHEMA, Json::Null) => {}
                (SCHEMA, Json::Text(table)) => name = table,
                ("with", Json::Object(fields)) => with = fields,
                ("timestamps", Json::Text(format)) => timestamps = format,
                ("without", Json::List(items)) => {
                    for item in items {
                        let Json::Text(path) = item else { return Err(wrong("expected paths in `without`")) };
                        without.push(path.as_str());
                    }
                }
                (SCHEMA | "with" | "timestamps" | "without", other) => {
                    return Err(wrong(&format!("expected another value of `{option}`, found {}", other.kind())));
                }
                (other, _) => {
                    let valid = [SCHEMA, "with", "without", "timestamps"];
                    return Err(unknown(self.path, key, "option of `$schema`", other, valid));
                }
            }
        }
        let Some(schema) = self.schemas.get(name) else {
            if self.schemas.is_empty() {
                let message = "a template from a schema needs the schemas of the source's tables, and none were given";
                return Err(
                    wrong(message).with_hint("write the template in `record`, or start the simulator by the source")
                );
            }
            return Err(unknown(self.path, key, "table", name, self.schemas.keys().map(String::as_str)));
        };
        let is_instant = |json: &Json| ["$timestamp", "$before", "$after"].iter().any(|key| json.get([*key]).is_some());
        let cursor = self.cursor.filter(|cursor| {
            with.iter().find(|(path, _)| path == cursor).is_none_or(|(_, template)| is_instant(template))
        });
        let maker = Maker { table: name, identity: self.identity, cursor, timestamps, without: &without };
        let mut record = maker.object(schema.fields(), "", false);
        for (path, template) in with {
            put(&mut record, path, template.clone());
        }
        Ok(record)
    }
}

/// Makes templates for the fields of one schema.
struct Maker<'a> {
    table: &'a str,
    identity: &'a str,
    cursor: Option<&'a str>,
    timestamps: &'a str,
    without: &'a [&'a str],
}

impl Maker<'_> {
    fn object(&self, fields: &Fields, path: &str, in_list: bool) -> Json {
        let mut object = Vec::with_capacity(fields.len());
        for field in fields {
            let below = if path.is_empty() { field.name().clone() } else { format!("{path}.{}", field.name()) };
            if self.without.contains(&below.as_str()) {
                continue;
            }
            let key = if field.name().starts_with('$') { format!("${}", field.name()) } else { field.name().clone() };
            object.push((key, self.field(field, &below, in_list)));
        }
        Json::Object(object)
    }

    fn field(&self, field: &Field, path: &str, in_list: bool) -> Json {
        let value = self.value(field, path, in_list);
        let always = !field.is_nullable() || path == self.identity || Some(path) == self.cursor;
        // A list says by being empty that there is nothing.
        if always || matches!(field.data_type(), DataType::List(_)) {
            return value;
        }
        object([("$optional", value), ("present", Json::Float(PRESENT))])
    }

    fn value(&self, field: &Field, path: &str, in_list: bool) -> Json {
        if path == self.identity {
            return self.identity_value(field.data_type());
        }
        if Some(path) == self.cursor {
            return self.instant_in(field.data_type(), "$timestamp");
        }
        if ddl::type_name(field) == "VARIANT" {
            return parsed(r#"{"kind": {"$choice": ["first", "second"]}, "value": {"$number": "n % 1000"}}"#);
        }
        match field.data_type() {
            DataType::Boolean => parsed(r#"{"$bool": 0.5}"#),
            DataType::Int8 => parsed(r#"{"$int": [0, 100]}"#),
            DataType::Int16 | DataType::Int32 | DataType::Int64 => whole_number(field.name(), in_list),
            DataType::Float32 | DataType::Float64 => parsed(r#"{"$float": [0, 1000], "decimals": 2}"#),
            DataType::Decimal128(_, 0) => parsed(r#"{"$int": [0, 9]}"#),
            DataType::Decimal128(precision, scale) => decimal(*precision, *scale),
            DataType::Timestamp(_, _) => self.timestamp(field),
            DataType::Date32 => self.instant("$timestamp", Some("date")),
            DataType::Binary => Json::Text("{n:08}".to_owned()),
            DataType::List(element) => {
                let of = self.value(element, path, true);
                object([("$list", parsed("[0, 3]")), ("of", of)])
            }
            DataType::Struct(fields) => self.object(fields, path, in_list),
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(pair) if pair.len() == 2 => {
                    let value = |key: &str| self.value(&pair[1], &format!("{path}.{key}"), in_list);
                    object([("first", value("first")), ("second", value("second"))])
                }
                _ => Json::Null,
            },
            DataType::Utf8 => text(field.name()),
            _ => Json::Null,
        }
    }

    fn identity_value(&self, data_type: &DataType) -> Json {
        if *data_type == DataType::Utf8 {
            return Json::Text(format!("{}_{{n:08}}", self.table));
        }
        let base = (mix_text(5, self.table) % 9_000 + 1_000) * 1_000_000;
        let base = if matches!(data_type, DataType::Int64) { base } else { base / 1_000_000 };
        object([("$number", Json::Text(format!("{base} + n")))])
    }

    /// An instant well before the cursor, or near it, or spread over the same time where there is no cursor.
    fn timestamp(&self, field: &Field) -> Json {
        let Some(cursor) = self.cursor else { return self.instant_in(field.data_type(), "$timestamp") };
        let span = if words_of(field.name()).iter().any(|word| EARLY.contains(&word.as_str())) { "90d" } else { "10d" };
        let mut instant = self.instant_in(field.data_type(), "$before");
        if let Json::Object(options) = &mut instant {
            options[0].1 = Json::Text(cursor.to_owned());
            options.insert(1, ("within".to_owned(), Json::Text(span.to_owned())));
        }
        instant
    }

    /// An instant as the type of a column takes it.
    fn instant_in(&self, data_type: &DataType, generator: &str) -> Json {
        let format = match data_type {
            DataType::Int32 | DataType::Int64 if !self.timestamps.starts_with("epoch") => Some("epoch_seconds"),
            DataType::Timestamp(_, None) => Some("datetime"),
            DataType::Date32 => Some("date"),
            _ => None,
        };
        self.instant(generator, format)
    }

    fn instant(&self, generator: &str, format: Option<&str>) -> Json {
        let format = Json::Text(format.unwrap_or(self.timestamps).to_owned());
        object([(generator, parsed(r#"["-730d", "-1h"]"#)), ("format", format)])
    }
}

fn whole_number(name: &str, in_list: bool) -> Json {
    let is_identity = words_of(name).last().is_some_and(|word| word == "id");
    match (is_identity, in_list) {
        (true, true) => parsed(r#"{"$number": "n * 10 + i"}"#),
        (true, false) => parsed(r#"{"$number": "n % 97 + 1"}"#),
        (false, _) => parsed(r#"{"$int": [0, 1000]}"#),
    }
}

fn decimal(precision: u8, scale: i8) -> Json {
    let digits = i32::from(precision) - i32::from(scale);
    let greatest = 10_i64.pow(digits.clamp(0, 4).unsigned_abs()) - 1;
    object([
        ("$float", Json::List(vec![Json::Integer(0), Json::Integer(greatest)])),
        ("decimals", Json::Integer(i64::from(scale.clamp(0, 12)))),
    ])
}

/// A text that suits the name of its column.
fn text(name: &str) -> Json {
    let words = words_of(name);
    let last_first = words.iter().rev();
    let found = last_first.filter_map(|word| TEXTS.iter().find(|(known, _)| known.contains(&word.as_str()))).next();
    found.map_or_else(|| parsed(r#"{"$words": [1, 4]}"#), |(_, template)| parsed(template))
}

/// Puts a template at a path, through what is optional; `labels[].name` is the name of every element.
fn put(template: &mut Json, path: &str, value: Json) {
    let Json::Object(fields) = template else { return };
    if let Some((_, inner)) = fields.iter_mut().find(|(key, _)| key == "$optional") {
        return put(inner, path, value);
    }
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let (name, is_list) = first.strip_suffix("[]").map_or((first, false), |name| (name, true));
    let key = if name.starts_with('$') { format!("${name}") } else { name.to_owned() };
    let position = fields.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
        fields.push((key, Json::Object(Vec::new())));
        fields.len() - 1
    });
    let target = &mut fields[position].1;
    let target = if is_list { element(target) } else { target };
    match rest {
        Some(rest) => put(target, rest, value),
        None => *target = value,
    }
}

/// The template of a list's elements.
fn element(list: &mut Json) -> &mut Json {
    let of = match &*list {
        Json::Object(options) => options.iter().position(|(key, _)| key == "of"),
        _ => None,
    };
    match (list, of) {
        (Json::Object(options), Some(of)) => &mut options[of].1,
        (other, _) => other,
    }
}

fn object<const N: usize>(fields: [(&str, Json); N]) -> Json {
    Json::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// A template that is written in this file.
fn parsed(text: &str) -> Json {
    serde_json::from_str(text).unwrap_or(Json::Null)
}
