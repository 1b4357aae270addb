//! Identities: new ones of the same form, since a corpus may have more rows than were recorded.

use std::collections::HashSet;

use super::{RecordedTable, field};
use crate::definition::Json;

/// The field that identifies a row, and what its values look like.
pub(super) struct Identity {
    /// The field, as `id` or `commit.sha`.
    pub(super) path: String,
    form: Form,
}

enum Form {
    /// Whole numbers above this one.
    Number(i64),
    /// Hexadecimal digits, so many.
    Hexadecimal(usize),
    Uuid,
    /// A number between two texts.
    Text(String, &'static str),
}

impl Identity {
    /// The key that tells the rows of a table apart, or the last one that all of them have.
    pub(super) fn of(table: &RecordedTable, records: &[&Json]) -> Option<Self> {
        let values = |path: &String| -> Option<Vec<&Json>> {
            records.iter().map(|record| field(record, path).filter(|value| value.as_parameter().is_some())).collect()
        };
        let known: Vec<(&String, Vec<&Json>)> =
            table.keys.iter().filter_map(|path| Some((path, values(path)?))).collect();
        let is_distinct = |values: &[&Json]| {
            values.iter().filter_map(|value| value.as_parameter()).collect::<HashSet<_>>().len() == records.len()
        };
        let (path, values) = known.iter().find(|(_, values)| is_distinct(values)).or(known.last())?;
        Some(Self { path: (*path).clone(), form: Form::of(&table.name, values) })
    }

    /// Its template.
    pub(super) fn template(&self) -> Json {
        let generator = |name: &str, value| Json::Object(vec![(name.to_owned(), value)]);
        match &self.form {
            Form::Number(base) => generator("$number", Json::Text(format!("{base} + n"))),
            Form::Hexadecimal(digits) => {
                generator("$hex", Json::Integer(i64::try_from(*digits).unwrap_or(i64::from(u8::MAX))))
            }
            Form::Uuid => generator("$uuid", Json::Integer(4)),
            Form::Text(before, after) => Json::Text(format!("{before}{{n}}{after}")),
        }
    }
}

impl Form {
    fn of(table: &str, values: &[&Json]) -> Self {
        if values.iter().all(|value| matches!(value, Json::Integer(_))) {
            let numbers =
                values.iter().filter_map(|value| if let Json::Integer(number) = value { Some(*number) } else { None });
            return Self::Number(numbers.min().unwrap_or(1).max(1) - 1);
        }
        let texts: Vec<String> = values.iter().filter_map(|value| value.as_parameter()).collect();
        let lengths: HashSet<usize> = texts.iter().map(String::len).collect();
        let length = texts.first().map_or(0, String::len);
        let all = |is: fn(char) -> bool| texts.iter().all(|text| text.chars().all(is));
        if lengths.len() == 1 && length == 36 && all(|letter| letter.is_ascii_hexdigit() || letter == '-') {
            return Self::Uuid;
        }
        if lengths.len() == 1
            && length >= 16
            && all(|letter| letter.is_ascii_hexdigit())
            && !all(|letter| letter.is_ascii_digit())
        {
            return Self::Hexadecimal(length);
        }
        if all(|letter| letter.is_ascii_digit()) {
            return Self::Text(String::new(), "");
        }
        if texts.iter().all(|text| text.contains('@')) {
            return Self::Text("person".to_owned(), "@example.com");
        }
        Self::Text(shared_beginning(&texts).unwrap_or_else(|| format!("{table}_")), "")
    }
}

/// What all texts begin with, up to a mark as `_` or `/`; braces doubled.
fn shared_beginning(texts: &[String]) -> Option<String> {
    let (first, others) = texts.split_first()?;
    let shared = |end: &usize| others.iter().all(|text| text.get(..*end) == first.get(..*end));
    let end = first.char_indices().map(|(position, letter)| position + letter.len_utf8()).take_while(shared).last()?;
    let mark = first[..end].rfind(|letter: char| !letter.is_alphanumeric())?;
    let end = mark + first[mark..].chars().next().map_or(0, char::len_utf8);
    Some(first[..end].replace('{', "{{").replace('}', "}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(values: &[Json]) -> String {
        let records: Vec<Json> =
            values.iter().map(|value| Json::Object(vec![("id".to_owned(), value.clone())])).collect();
        let table =
            RecordedTable { name: "tickets".to_owned(), keys: vec!["id".to_owned()], ..RecordedTable::default() };
        let identity = Identity::of(&table, &records.iter().collect::<Vec<_>>()).unwrap();
        identity.template().to_value().to_string()
    }

    #[test]
    fn new_identities_have_the_form_of_the_recorded_ones() {
        let texts =
            |texts: &[&str]| template(&texts.iter().map(|text| Json::Text((*text).to_owned())).collect::<Vec<_>>());
        assert_eq!(template(&[Json::Integer(70), Json::Integer(51)]), r#"{"$number":"50 + n"}"#);
        assert_eq!(texts(&["cus_A9", "cus_A7"]), r#""cus_{n}""#);
        assert_eq!(texts(&["red", "green"]), r#""tickets_{n}""#);
        assert_eq!(texts(&["17", "18"]), r#""{n}""#);
        assert_eq!(texts(&["person1@example.com"]), r#""person{n}@example.com""#);
        assert_eq!(texts(&["0123456789abcdef", "fedcba9876543210"]), r#"{"$hex":16}"#);
        assert_eq!(texts(&["6f1c2f0e-0a52-4c7f-9a3b-0d1e2f3a4b5c"]), r#"{"$uuid":4}"#);
    }
}
