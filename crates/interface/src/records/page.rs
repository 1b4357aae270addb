//! A page of JSON, parsed once into a flat list of nodes that point into its text.
//!
//! Nodes keep the place of every value, so numbers keep all their digits, nested values can be handed on as the source
//! wrote them, and nothing is unescaped that nobody reads.

use std::borrow::Cow;
use std::fmt;

use crate::{Error, ErrorKind, Result};

/// Deepest nesting that a page may have.
const MAX_DEPTH: usize = 128;

/// A response body, parsed.
#[derive(Clone)]
pub struct Page {
    text: String,
    nodes: Vec<Node>,
}

/// The place of one value within its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(u32);

#[derive(Clone, Copy)]
struct Node {
    /// Where the value's text begins; for strings, after the quote.
    start: u32,
    /// Where it ends; for strings, before the quote.
    end: u32,
    /// The index of the first node behind this value.
    next: u32,
    kind: NodeKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum NodeKind {
    Null,
    True,
    False,
    Number,
    String,
    EscapedString,
    Array,
    Object,
}

/// One value of a page.
#[derive(Clone, Copy)]
pub struct Value<'p> {
    page: &'p Page,
    index: u32,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind<'p> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as its text.
    Number(&'p str),
    /// A string; [`Value::as_str`] gives it without escapes.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl Page {
    /// Parses a response body.
    ///
    /// # Errors
    /// [`ErrorKind::BadResponse`] with the byte position, where the body is not UTF-8, not JSON, or nested deeper than
    /// 128 levels.
    pub fn parse(body: impl Into<Vec<u8>>) -> Result<Self> {
        let mut body: Vec<u8> = body.into();
        if body.starts_with(b"\xef\xbb\xbf") {
            body.drain(..3);
        }
        let text = String::from_utf8(body).map_err(|error| {
            let position = error.utf8_error().valid_up_to();
            Error::new(ErrorKind::BadResponse, format!("expected UTF-8, found another byte at position {position}"))
        })?;
        if u32::try_from(text.len()).is_err() {
            return Err(Error::new(ErrorKind::BadResponse, "expected a page below 4 GiB"));
        }
        let nodes = Parser { text: text.as_bytes(), position: 0, nodes: Vec::with_capacity(text.len() / 16) }.parse()?;
        Ok(Self { text, nodes })
    }

    /// The outermost value.
    pub fn root(&self) -> Value<'_> {
        Value { page: self, index: 0 }
    }

    /// The value at a place that a value of this page gave.
    pub fn at(&self, index: NodeIndex) -> Value<'_> {
        Value { page: self, index: index.0 }
    }

    /// The length of the page's text in bytes.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether the text is empty; never so for a parsed page.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The bytes that the page holds in memory.
    pub fn size(&self) -> usize {
        self.text.capacity() + self.nodes.capacity() * size_of::<Node>()
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Page({} bytes)", self.text.len())
    }
}

impl<'p> Value<'p> {
    /// The place of this value, valid for its page.
    pub fn index(self) -> NodeIndex {
        NodeIndex(self.index)
    }

    /// What this value is.
    pub fn kind(self) -> Kind<'p> {
        match self.node().kind {
            NodeKind::Null => Kind::Null,
            NodeKind::True => Kind::Bool(true),
            NodeKind::False => Kind::Bool(false),
            NodeKind::Number => Kind::Number(self.inner_text()),
            NodeKind::String | NodeKind::EscapedString => Kind::String,
            NodeKind::Array => Kind::Array,
            NodeKind::Object => Kind::Object,
        }
    }

    /// Whether this is `null`.
    pub fn is_null(self) -> bool {
        self.node().kind == NodeKind::Null
    }

    /// The text of a string, without escapes; nothing for any other value.
    pub fn as_str(self) -> Option<Cow<'p, str>> {
        match self.node().kind {
            NodeKind::String => Some(Cow::Borrowed(self.inner_text())),
            NodeKind::EscapedString => Some(Cow::Owned(unescape(self.inner_text()))),
            _ => None,
        }
    }

    /// The value as the source wrote it: JSON text, strings with their quotes.
    pub fn raw(self) -> &'p str {
        let Node { start, end, kind, .. } = self.node();
        match kind {
            NodeKind::String | NodeKind::EscapedString => &self.page.text[start as usize - 1..end as usize + 1],
            _ => self.inner_text(),
        }
    }

    /// A scalar as plain text: a string without quotes, a number or boolean as written; nothing for `null`, arrays and
    /// objects.
    pub fn scalar_text(self) -> Option<Cow<'p, str>> {
        match self.kind() {
            Kind::String => self.as_str(),
            Kind::Number(text) => Some(Cow::Borrowed(text)),
            Kind::Bool(value) => Some(Cow::Borrowed(if value { "true" } else { "false" })),
            Kind::Null | Kind::Array | Kind::Object => None,
        }
    }

    /// The value of a key of an object; of a key that occurs twice, the last.
    pub fn get(self, key: &str) -> Option<Value<'p>> {
        self.entries().filter(|(name, _)| name == key).last().map(|(_, value)| value)
    }

    /// The value at a path of keys.
    pub fn get_path<K: AsRef<str>>(self, path: &[K]) -> Option<Value<'p>> {
        path.iter().try_fold(self, |value, key| value.get(key.as_ref()))
    }

    /// The elements of an array; none for any other value.
    pub fn items(self) -> impl Iterator<Item = Value<'p>> {
        let end = if self.node().kind == NodeKind::Array { self.node().next } else { 0 };
        let page = self.page;
        let mut index = self.index + 1;
        std::iter::from_fn(move || {
            let value = (index < end).then_some(Value { page, index })?;
            index = value.node().next;
            Some(value)
        })
    }

    /// The keys and values of an object; none for any other value.
    pub fn entries(self) -> impl Iterator<Item = (Cow<'p, str>, Value<'p>)> {
        let end = if self.node().kind == NodeKind::Object { self.node().next } else { 0 };
        let page = self.page;
        let mut index = self.index + 1;
        std::iter::from_fn(move || {
            let key = (index < end).then_some(Value { page, index })?;
            let value = Value { page, index: index + 1 };
            index = value.node().next;
            Some((key.as_str()?, value))
        })
    }

    fn node(self) -> Node {
        self.page.nodes[self.index as usize]
    }

    fn inner_text(self) -> &'p str {
        let Node { start, end, .. } = self.node();
        &self.page.text[start as usize..end as usize]
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.raw())
    }
}

struct Parser<'t> {
    text: &'t [u8],
    position: usize,
    nodes: Vec<Node>,
}

impl Parser<'_> {
    fn parse(mut self) -> Result<Vec<Node>> {
        let mut open: Vec<usize> = Vec::new();
        loop {
            self.skip_space();
            self.value(&mut open)?;
            if self.close_finished(&mut open)? {
                break;
            }
        }
        self.skip_space();
        if self.position < self.text.len() {
            return Err(self.expected("the end of the page"));
        }
        Ok(self.nodes)
    }

    /// Reads one value, or the opening of one: its first element follows.
    fn value(&mut self, open: &mut Vec<usize>) -> Result<()> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.open(NodeKind::Object, open),
            Some(b'[') => self.open(NodeKind::Array, open),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", NodeKind::True),
            Some(b'f') => self.word("false", NodeKind::False),
            Some(b'n') => self.word("null", NodeKind::Null),
            _ => Err(self.expected("a JSON value")),
        }
    }

    fn open(&mut self, kind: NodeKind, open: &mut Vec<usize>) -> Result<()> {
        if open.len() == MAX_DEPTH {
            return Err(self.expected("at most 128 levels of nesting"));
        }
        let start = self.position as u32;
        open.push(self.nodes.len());
        self.nodes.push(Node { start, end: start, next: 0, kind });
        self.position += 1;
        self.skip_space();
        match (kind, self.peek()) {
            (NodeKind::Object, Some(b'}')) | (NodeKind::Array, Some(b']')) => self.close(open),
            (NodeKind::Object, _) => {
                self.key()?;
                self.skip_space();
                self.value(open)
            }
            _ => self.value(open),
        }
    }

    /// After a value: closes what ends here; true where the outermost value ended, else the next value follows.
    fn close_finished(&mut self, open: &mut Vec<usize>) -> Result<bool> {
        while let Some(&parent) = open.last() {
            let kind = self.nodes[parent].kind;
            self.skip_space();
            match (kind, self.peek()) {
                (NodeKind::Object, Some(b',')) => {
                    self.position += 1;
                    self.skip_space();
                    self.key()?;
                    return Ok(false);
                }
                (NodeKind::Array, Some(b',')) => {
                    self.position += 1;
                    return Ok(false);
                }
                (NodeKind::Object, Some(b'}')) | (NodeKind::Array, Some(b']')) => self.close(open)?,
                (NodeKind::Object, _) => return Err(self.expected("`,` or `}`")),
                _ => return Err(self.expected("`,` or `]`")),
            }
        }
        Ok(true)
    }

    fn close(&mut self, open: &mut Vec<usize>) -> Result<()> {
        self.position += 1;
        let next = self.nodes.len() as u32;
        if let Some(parent) = open.pop() {
            self.nodes[parent].end = self.position as u32;
            self.nodes[parent].next = next;
        }
        Ok(())
    }

    fn key(&mut self) -> Result<()> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a key in double quotes"));
        }
        self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.expected("`:`"));
        }
        self.position += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<()> {
        let start = self.position + 1;
        let mut kind = NodeKind::String;
        let mut position = start;
        loop {
            let Some(found) = memchr::memchr2(b'"', b'\\', &self.text[position..]) else {
                self.position = self.text.len();
                return Err(self.expected("the closing quote of a string"));
            };
            position += found;
            if self.text[position] == b'"' {
                break;
            }
            kind = NodeKind::EscapedString;
            self.position = position;
            position += self.escape()?;
        }
        self.position = position + 1;
        self.leaf(start, position, kind);
        Ok(())
    }

    /// The length of the escape at the present position, checked.
    fn escape(&self) -> Result<usize> {
        match self.text.get(self.position + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
            Some(b'u') => match self.text.get(self.position + 2..self.position + 6) {
                Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(6),
                _ => Err(self.expected("four hexadecimal digits after `\\u`")),
            },
            _ => Err(self.expected("an escape that JSON knows")),
        }
    }

    fn number(&mut self) -> Result<()> {
        let start = self.position;
        if self.peek() == Some(b'-') {
            self.position += 1;
        }
        match self.peek() {
            Some(b'0') => self.position += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(self.expected("a digit")),
        }
        if self.peek() == Some(b'.') {
            self.position += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.position += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.position += 1;
            }
            self.digits()?;
        }
        self.leaf(start, self.position, NodeKind::Number);
        Ok(())
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.position;
        while let Some(b'0'..=b'9') = self.peek() {
            self.position += 1;
        }
        if self.position == start { Err(self.expected("a digit")) } else { Ok(()) }
    }

    fn word(&mut self, word: &str, kind: NodeKind) -> Result<()> {
        let end = self.position + word.len();
        if self.text.get(self.position..end) != Some(word.as_bytes()) {
            return Err(self.expected("a JSON value"));
        }
        self.leaf(self.position, end, kind);
        self.position = end;
        Ok(())
    }

    fn leaf(&mut self, start: usize, end: usize, kind: NodeKind) {
        let next = self.nodes.len() as u32 + 1;
        self.nodes.push(Node { start: start as u32, end: end as u32, next, kind });
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.position).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.position += 1;
        }
    }

    fn expected(&self, what: &str) -> Error {
        let found = match self.text.get(self.position..) {
            Some(rest) if !rest.is_empty() => {
                let shown = String::from_utf8_lossy(&rest[..rest.len().min(20)]).into_owned();
                format!("`{}`", shown.trim_end_matches('\u{fffd}').escape_debug())
            }
            _ => "the end of the page".to_owned(),
        };
        let position = self.position;
        Error::new(ErrorKind::BadResponse, format!("expected {what} at position {position}, found {found}"))
    }
}

/// Resolves the escapes of a string that the parser has checked; a lone surrogate becomes U+FFFD.
fn unescape(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(position) = rest.find('\\') {
        result.push_str(&rest[..position]);
        let escape = rest.as_bytes()[position + 1];
        rest = &rest[position + 2..];
        match escape {
            b'b' => result.push('\u{8}'),
            b'f' => result.push('\u{c}'),
            b'n' => result.push('\n'),
            b'r' => result.push('\r'),
            b't' => result.push('\t'),
            b'u' => {
                let unit = code_unit(rest);
                rest = &rest[4..];
                let low = rest.strip_prefix("\\u").filter(|_| (0xd800..0xdc00).contains(&unit)).map(code_unit);
                match low.filter(|low| (0xdc00..0xe000).contains(low)) {
                    Some(low) => {
                        rest = &rest[6..];
                        let point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                        result.push(char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    None => result.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)),
                }
            }
            other => result.push(char::from(other)),
        }
    }
    result.push_str(rest);
    result
}

fn code_unit(digits: &str) -> u32 {
    digits.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0xfffd)
}
