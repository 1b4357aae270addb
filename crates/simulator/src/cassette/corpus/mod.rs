//! From recorded records to corpora: rows that come in turn, with new identities and with instants relative to now.

mod identity;
mod moment;
mod record;
mod writing;

use std::collections::{BTreeMap, HashMap};

use crate::definition::Json;
use crate::instant::InstantFormat;
use identity::Identity;
use record::Template;

/// The most rows of one table that a corpus takes over.
const ROWS: usize = 100;

/// What a recording shows of one table.
#[derive(Clone, Debug, Default)]
pub struct RecordedTable {
    /// Its name.
    pub name: String,
    /// The fields that identify a row, as `id` or `commit.sha`.
    pub keys: Vec<String>,
    /// The field that says when a row last changed.
    pub cursor: Option<String>,
    /// The table that its rows belong to.
    pub parent: Option<String>,
    /// Its records, list by list: one for each parent, else one in all.
    pub lists: Vec<RecordedList>,
}

/// The records of one list.
#[derive(Clone, Debug, Default)]
pub struct RecordedList {
    /// Fields of the parent's row and their values, as far as the request told them.
    pub parent: Vec<(String, String)>,
    /// The records, in the order of the recording; the same one may come several times.
    pub records: Vec<Json>,
}

/// Corpora made from a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordedCorpora {
    /// The text of `corpus/TABLE.json` by table, with the number of its rows.
    pub corpora: BTreeMap<String, (String, u64)>,
    /// The tables of which no corpus can be made, and why.
    pub left_out: BTreeMap<String, String>,
}

impl RecordedCorpora {
    /// Makes a corpus of each table that has records. The same recording gives the same corpora, at any time.
    pub fn of(tables: &[RecordedTable]) -> Self {
        let mut made = Self::default();
        let mut prepared = Vec::new();
        for table in tables {
            match Rows::of(table) {
                Ok(rows) => prepared.push(rows),
                Err(reason) => {
                    made.left_out.insert(table.name.clone(), reason.to_owned());
                }
            }
        }
        let references = References::to(&prepared);
        let latest = prepared.iter().filter_map(Rows::latest).max();
        for rows in &prepared {
            let record = Template { rows, references: &references, latest }.record();
            made.corpora.insert(rows.table.name.clone(), (rows.file(record), rows.samples.len() as u64));
        }
        made
    }
}

/// The rows of a table, each once, oldest first.
struct Rows<'a> {
    table: &'a RecordedTable,
    identity: Identity,
    cursor: Option<Cursor>,
    samples: Vec<Sample<'a>>,
    per_parent: [u64; 2],
}

/// One recorded row.
struct Sample<'a> {
    record: &'a Json,
    list: &'a RecordedList,
    /// Its identity, as text.
    identity: String,
    /// Its cursor: in milliseconds since 1970, or the number that it is.
    cursor: i64,
}

/// The field by which rows are ordered.
struct Cursor {
    path: String,
    /// How its instants are written; nothing where it is a number.
    format: Option<InstantFormat>,
}

impl<'a> Rows<'a> {
    fn of(table: &'a RecordedTable) -> Result<Self, &'static str> {
        let mut by_key: BTreeMap<String, (usize, &RecordedList, &Json)> = BTreeMap::new();
        for list in &table.lists {
            for record in &list.records {
                let place = by_key.len();
                let latest = by_key.entry(key(table, list, record)).or_insert((place, list, record));
                latest.2 = record;
            }
        }
        let mut found: Vec<_> = by_key.into_values().collect();
        found.sort_unstable_by_key(|(place, ..)| *place);
        let records: Vec<&Json> = found.iter().map(|(_, _, record)| *record).collect();
        if records.is_empty() {
            return Err("the recording has no record of it");
        }
        let identity = Identity::of(table, &records).ok_or("no field of `primary_keys` is in every record")?;
        let cursor = table.cursor.as_ref().and_then(|path| Cursor::of(path, &records));
        let sample = |(_, list, record): (usize, &'a RecordedList, &'a Json)| Sample {
            record,
            list,
            identity: field(record, &identity.path).and_then(Json::as_parameter).unwrap_or_default(),
            cursor: cursor.as_ref().and_then(|cursor| cursor.read(record)).unwrap_or_default(),
        };
        let mut samples: Vec<Sample<'_>> = found.into_iter().map(sample).collect();
        samples.sort_by_key(|sample| sample.cursor);
        let behind = samples.len().saturating_sub(ROWS);
        samples.drain(..behind);
        let of_list = |list: &RecordedList| samples.iter().filter(|sample| sample.list.parent == list.parent).count();
        let counts: Vec<u64> = table.lists.iter().map(|list| of_list(list) as u64).collect();
        let most = counts.iter().copied().max().unwrap_or(1).max(1);
        let per_parent = [counts.iter().copied().min().unwrap_or_default(), most];
        Ok(Self { table, identity, cursor, samples, per_parent })
    }

    /// The latest instant of its cursor.
    fn latest(&self) -> Option<i64> {
        self.cursor.as_ref().filter(|cursor| cursor.format.is_some())?;
        self.samples.last().map(|sample| sample.cursor)
    }

    /// The text of its file.
    fn file(&self, record: Json) -> String {
        let text = |text: &str| Json::Text(text.to_owned());
        let mut keys = vec![("description", text("From a recording: the rows come in turn"))];
        match &self.table.parent {
            Some(parent) => {
                let bounds = self.per_parent.map(|bound| Json::Integer(i64::try_from(bound).unwrap_or(i64::MAX)));
                keys.extend([("parent", text(parent)), ("per_parent", Json::List(bounds.to_vec()))]);
            }
            None => keys.push(("count", Json::Integer(i64::try_from(self.samples.len()).unwrap_or(i64::MAX)))),
        }
        keys.push(("identity", text(&self.identity.path)));
        keys.extend(self.cursor.as_ref().map(|cursor| ("cursor", text(&cursor.path))));
        keys.push(("record", record));
        writing::file(&keys)
    }
}

impl Cursor {
    fn of(path: &str, records: &[&Json]) -> Option<Self> {
        let values: Option<Vec<&Json>> = records.iter().map(|record| field(record, path)).collect();
        let values = values?;
        let name = path.rsplit('.').next().unwrap_or(path);
        // The cursor is known to be one, so that its name need not say it.
        let formats: Option<Vec<_>> = values.iter().map(|value| moment::read(name, value, true)).collect();
        let format = match formats.and_then(|formats| formats.first().map(|(_, format)| *format)) {
            Some(format) => Some(format),
            None if values.iter().all(|value| matches!(value, Json::Integer(_))) => None,
            None => return None,
        };
        Some(Self { path: path.to_owned(), format })
    }

    fn read(&self, record: &Json) -> Option<i64> {
        let value = field(record, &self.path)?;
        match (self.format, value) {
            (Some(_), value) => moment::read("", value, true).map(|(instant, _)| instant),
            (None, Json::Integer(number)) => Some(*number),
            (None, _) => None,
        }
    }
}

/// Where rows of other tables are that a value may name.
struct References(HashMap<String, (String, String, usize)>);

impl References {
    fn to(tables: &[Rows<'_>]) -> Self {
        let mut known = HashMap::new();
        // A child's rows have no place of their own that could be named.
        for rows in tables.iter().filter(|rows| rows.table.parent.is_none()) {
            for (position, sample) in rows.samples.iter().enumerate() {
                let place = (rows.table.name.clone(), rows.identity.path.clone(), position + 1);
                known.entry(sample.identity.clone()).or_insert(place);
            }
        }
        Self(known)
    }

    /// The corpus, its identity and the number of its row that a value names, if it does.
    fn get(&self, from: &str, value: &str) -> Option<&(String, String, usize)> {
        self.0.get(value).filter(|(table, ..)| table != from)
    }
}

/// The field of a record at a dotted path, if it is there and not null.
fn field<'j>(record: &'j Json, path: &str) -> Option<&'j Json> {
    record.get(path.split('.')).filter(|value| **value != Json::Null)
}

/// What tells a recorded row from others: its keys and its list.
fn key(table: &RecordedTable, list: &RecordedList, record: &Json) -> String {
    let keys: Vec<Option<Json>> = table.keys.iter().map(|path| field(record, path).cloned()).collect();
    if keys.iter().all(Option::is_none) { format!("{record:?}") } else { format!("{:?} {keys:?}", list.parent) }
}
