//! From DDL to Arrow.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Field, Fields, IntervalUnit, Schema, SchemaRef, TimeUnit};

use super::lexer::{Position, Token, tokens};
use super::{COMMENT, INTERVAL_UNITS, TEXT_TYPE, VARIANT};
use crate::{Error, Result, nearest};

/// Deepest nesting that a type may have.
const MAX_DEPTH: usize = 64;

const SIMPLE_TYPES: &[(&str, DataType)] = &[
    ("BOOLEAN", DataType::Boolean),
    ("BYTE", DataType::Int8),
    ("TINYINT", DataType::Int8),
    ("SHORT", DataType::Int16),
    ("SMALLINT", DataType::Int16),
    ("INT", DataType::Int32),
    ("INTEGER", DataType::Int32),
    ("LONG", DataType::Int64),
    ("BIGINT", DataType::Int64),
    ("FLOAT", DataType::Float32),
    ("REAL", DataType::Float32),
    ("DOUBLE", DataType::Float64),
    ("STRING", DataType::Utf8),
    ("BINARY", DataType::Binary),
    ("DATE", DataType::Date32),
    ("TIMESTAMP_NTZ", DataType::Timestamp(TimeUnit::Microsecond, None)),
    ("VOID", DataType::Null),
];

const OTHER_TYPES: &[&str] = &[
    "TIMESTAMP",
    "TIMESTAMP_LTZ",
    "DECIMAL",
    "DEC",
    "NUMERIC",
    "CHAR",
    "CHARACTER",
    "VARCHAR",
    "VARIANT",
    "INTERVAL",
    "ARRAY",
    "MAP",
    "STRUCT",
];

/// Units of intervals from the largest to the smallest; the first two make the one type, the others the other.
const UNITS: [&str; 6] = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"];

pub(super) struct Parser {
    tokens: Vec<(Token, Position)>,
    next: usize,
    depth: usize,
}

/// A type, and the metadata of the field that has it.
struct Typed {
    data_type: DataType,
    metadata: Option<(&'static str, String)>,
}

impl From<DataType> for Typed {
    fn from(data_type: DataType) -> Self {
        Self { data_type, metadata: None }
    }
}

impl Typed {
    fn into_field(self, name: &str, nullable: bool, comment: Option<String>) -> Field {
        let mut metadata = HashMap::new();
        if let Some((key, value)) = self.metadata {
            metadata.insert(key.to_owned(), value);
        }
        if let Some(comment) = comment {
            metadata.insert(COMMENT.to_owned(), comment);
        }
        Field::new(name, self.data_type, nullable).with_metadata(metadata)
    }
}

impl Parser {
    pub(super) fn new(text: &str) -> Result<Self> {
        Ok(Self { tokens: tokens(text)?, next: 0, depth: 0 })
    }

    pub(super) fn schema(mut self) -> Result<SchemaRef> {
        let fields = self.fields()?;
        match self.peek() {
            Token::End => Ok(Arc::new(Schema::new(fields))),
            _ => Err(self.expected("`,` or the end")),
        }
    }

    fn fields(&mut self) -> Result<Fields> {
        let mut fields: Vec<Field> = Vec::new();
        loop {
            let position = self.position();
            let field = self.field()?;
            // Neither Spark nor Delta tells names apart by case.
            if let Some(same) = fields.iter().find(|other| other.name().to_lowercase() == field.name().to_lowercase()) {
                return Err(position.error(format!("the name `{}` is taken by `{}`", field.name(), same.name())));
            }
            fields.push(field);
            if !self.take_sign(',') {
                return Ok(fields.into());
            }
        }
    }

    fn field(&mut self) -> Result<Field> {
        let name = match self.peek() {
            Token::Word(name) | Token::Quoted(name) => name.clone(),
            _ => return Err(self.expected("a column name")),
        };
        self.next += 1;
        self.take_sign(':');
        let typed = self.data_type()?;
        let mut nullable = true;
        if self.take_word("NOT") {
            if !self.take_word("NULL") {
                return Err(self.expected("`NULL`"));
            }
            nullable = false;
        }
        let comment = if self.take_word("COMMENT") { Some(self.text()?) } else { None };
        Ok(typed.into_field(&name, nullable, comment))
    }

    fn text(&mut self) -> Result<String> {
        let Token::Text(text) = self.peek() else { return Err(self.expected("a comment in quotes")) };
        let text = text.clone();
        self.next += 1;
        Ok(text)
    }

    fn data_type(&mut self) -> Result<Typed> {
        if self.depth == MAX_DEPTH {
            return Err(self.position().error(format!("expected at most {MAX_DEPTH} levels of nesting")));
        }
        self.depth += 1;
        let typed = self.nested_type();
        self.depth -= 1;
        typed
    }

    fn nested_type(&mut self) -> Result<Typed> {
        let position = self.position();
        let Token::Word(word) = self.peek() else { return Err(self.expected("a type")) };
        let name = word.to_uppercase();
        self.next += 1;
        if let Some((_, data_type)) = SIMPLE_TYPES.iter().find(|(simple, _)| *simple == name) {
            return Ok(data_type.clone().into());
        }
        match name.as_str() {
            "TIMESTAMP" | "TIMESTAMP_LTZ" => Ok(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())).into()),
            "DECIMAL" | "DEC" | "NUMERIC" => self.decimal(),
            "CHAR" | "CHARACTER" => self.sized_text("char"),
            "VARCHAR" => self.sized_text("varchar"),
            "VARIANT" => Ok(variant().into()),
            "INTERVAL" => self.interval(),
            "ARRAY" => self.array(),
            "MAP" => self.map(),
            "STRUCT" => self.structure(),
            _ => Err(unknown_type(position, &name)),
        }
    }

    fn decimal(&mut self) -> Result<Typed> {
        let (mut precision, mut scale) = (10, 0);
        if self.take_sign('(') {
            precision = self.number("a precision", 1..=DECIMAL128_MAX_PRECISION.into())?;
            if self.take_sign(',') {
                scale = self.number("a scale", 0..=precision)?;
            }
            self.sign(')')?;
        }
        Ok(DataType::Decimal128(precision as u8, scale as i8).into())
    }

    fn sized_text(&mut self, name: &str) -> Result<Typed> {
        self.sign('(')?;
        let length = self.number("a length", 1..=i32::MAX as u32)?;
        self.sign(')')?;
        Ok(Typed { data_type: DataType::Utf8, metadata: Some((TEXT_TYPE, format!("{name}({length})"))) })
    }

    fn number(&mut self, what: &str, range: std::ops::RangeInclusive<u32>) -> Result<u32> {
        let expected = format!("{what} from {} to {}", range.start(), range.end());
        let Token::Number(digits) = self.peek() else { return Err(self.expected(&expected)) };
        let number = digits.parse().ok().filter(|number| range.contains(number));
        let number = number.ok_or_else(|| self.expected(&expected))?;
        self.next += 1;
        Ok(number)
    }

    fn interval(&mut self) -> Result<Typed> {
        let first = self.unit("a unit from `YEAR` to `SECOND`", 0..UNITS.len())?;
        let is_year_month = first < 2;
        let mut last = first;
        if self.take_word("TO") {
            let end = if is_year_month { 2 } else { UNITS.len() };
            last = self.unit("a smaller unit of the same kind", first + 1..end)?;
        }
        let (data_type, all) = match is_year_month {
            true => (DataType::Interval(IntervalUnit::YearMonth), (0, 1)),
            false => (DataType::Duration(TimeUnit::Microsecond), (2, 5)),
        };
        let units = match first == last {
            true => UNITS[first].to_lowercase(),
            false => format!("{} to {}", UNITS[first], UNITS[last]).to_lowercase(),
        };
        Ok(Typed { data_type, metadata: ((first, last) != all).then_some((INTERVAL_UNITS, units)) })
    }

    fn unit(&mut self, expected: &str, among: std::ops::Range<usize>) -> Result<usize> {
        let position = among.clone().find(|position| self.is_word(UNITS[*position]));
        let position = position.ok_or_else(|| self.expected(expected))?;
        self.next += 1;
        Ok(position)
    }

    fn array(&mut self) -> Result<Typed> {
        self.sign('<')?;
        let element = self.data_type()?.into_field("element", true, None);
        self.sign('>')?;
        Ok(DataType::List(Arc::new(element)).into())
    }

    fn map(&mut self) -> Result<Typed> {
        self.sign('<')?;
        let position = self.position();
        let key = self.data_type()?.into_field("key", false, None);
        if matches!(key.data_type(), DataType::Map(..) | DataType::Null) || super::is_variant(key.data_type()) {
            return Err(position.expected("a type that keys can have", &format!("`{}`", super::type_name(&key))));
        }
        self.sign(',')?;
        let value = self.data_type()?.into_field("value", true, None);
        self.sign('>')?;
        let entries = Field::new("entries", DataType::Struct(vec![key, value].into()), false);
        Ok(DataType::Map(Arc::new(entries), false).into())
    }

    fn structure(&mut self) -> Result<Typed> {
        self.sign('<')?;
        if self.take_sign('>') {
            return Ok(DataType::Struct(Fields::empty()).into());
        }
        let fields = self.fields()?;
        self.sign('>')?;
        Ok(DataType::Struct(fields).into())
    }

    fn sign(&mut self, sign: char) -> Result<()> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.expected(&format!("`{sign}`"))) }
    }

    fn take_sign(&mut self, sign: char) -> bool {
        let found = *self.peek() == Token::Sign(sign);
        self.next += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.next += usize::from(found);
        found
    }

    fn is_word(&self, wanted: &str) -> bool {
        matches!(self.peek(), Token::Word(word) if word.eq_ignore_ascii_case(wanted))
    }

    /// The next token; the last one is the end, and is never passed.
    fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |(token, _)| token)
    }

    fn position(&self) -> Position {
        self.tokens[self.next.min(self.tokens.len() - 1)].1
    }

    fn expected(&self, expected: &str) -> Error {
        self.position().expected(expected, &self.peek().describe())
    }
}

fn variant() -> DataType {
    let tag = HashMap::from([(VARIANT.to_owned(), "true".to_owned())]);
    DataType::Struct(Fields::from(vec![
        Field::new("value", DataType::Binary, false),
        Field::new("metadata", DataType::Binary, false).with_metadata(tag),
    ]))
}

fn unknown_type(position: Position, name: &str) -> Error {
    let known: Vec<&str> = SIMPLE_TYPES.iter().map(|(name, _)| *name).chain(OTHER_TYPES.iter().copied()).collect();
    let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? valid: {list}"),
        None => format!("valid: {list}"),
    };
    position.expected("a type", &format!("`{name}`")).with_hint(hint)
}
