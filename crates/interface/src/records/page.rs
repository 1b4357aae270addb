//! A page of JSON, parsed once into a flat list of nodes that point into its text.
//!
//! Nodes keep the place of every value, so numbers keep all their digits, nested values can be handed on as the source
//! wrote them, and nothing is unescaped that nobody reads.

use std::borrow::Cow;
use std::fmt;

use super::parser::Parser;
use crate::{Error, ErrorKind, Result};

/// A response body, parsed.
#[derive(Clone)]
pub struct Page {
    text: String,
    nodes: Vec<Node>,
}

/// The place of one value within its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIndex(u32);

/// One value; a key of an object is a node too, followed by its value.
#[derive(Clone, Copy)]
pub(super) struct Node {
    /// Where the value's text begins; for strings, after the quote.
    pub(super) start: u32,
    /// Where it ends; for strings, before the quote.
    pub(super) end: u32,
    /// The index of the first node behind this value.
    pub(super) next: u32,
    pub(super) kind: NodeKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeKind {
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
        // Places are 32 bits wide.
        if u32::try_from(body.len()).is_err() {
            return Err(Error::new(ErrorKind::BadResponse, "expected a page below 4 GiB"));
        }
        let text = String::from_utf8(body).map_err(|error| {
            let position = error.utf8_error().valid_up_to();
            Error::new(ErrorKind::BadResponse, format!("expected UTF-8, found another byte at position {position}"))
        })?;
        let nodes = Parser::new(text.as_bytes()).parse()?;
        Ok(Self { text, nodes })
    }

    /// The outermost value.
    pub fn root(&self) -> Value<'_> {
        Value { page: self, index: 0 }
    }

    /// The value at a place that a value of this page gave.
    #[inline]
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
    #[inline]
    pub fn index(self) -> NodeIndex {
        NodeIndex(self.index)
    }

    /// What this value is.
    #[inline]
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
    #[inline]
    pub fn is_null(self) -> bool {
        self.node().kind == NodeKind::Null
    }

    /// The text of a string, without escapes; nothing for any other value.
    #[inline]
    pub fn as_str(self) -> Option<Cow<'p, str>> {
        match self.node().kind {
            NodeKind::String => Some(Cow::Borrowed(self.inner_text())),
            NodeKind::EscapedString => {
                let mut text = String::with_capacity(self.inner_text().len());
                self.unescape_into(&mut |part| text.push_str(part));
                Some(Cow::Owned(text))
            }
            _ => None,
        }
    }

    /// Hands on the parts of a string that has escapes, resolved.
    pub(super) fn unescape_into(self, push: &mut impl FnMut(&str)) {
        unescape(self.inner_text(), push);
    }

    /// The value as the source wrote it: JSON text, strings with their quotes.
    #[inline]
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
        self.raw_entries().filter(|(name, _)| name.is_text(key)).last().map(|(_, value)| value)
    }

    /// The value at a path of keys.
    pub fn get_path<K: AsRef<str>>(self, path: &[K]) -> Option<Value<'p>> {
        path.iter().try_fold(self, |value, key| value.get(key.as_ref()))
    }

    /// The elements of an array; none for any other value.
    #[inline]
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
        self.raw_entries().filter_map(|(key, value)| Some((key.as_str()?, value)))
    }

    /// The page that this value is in.
    #[inline]
    pub(super) fn page(self) -> &'p Page {
        self.page
    }

    /// The text of a string that has no escapes.
    #[inline]
    pub(super) fn unescaped(self) -> Option<&'p str> {
        (self.node().kind == NodeKind::String).then(|| self.inner_text())
    }

    /// Whether this is a string of just this text.
    #[inline]
    fn is_text(self, text: &str) -> bool {
        match self.unescaped() {
            Some(own) => is_same_key(own, text),
            None => self.as_str().is_some_and(|own| own == text),
        }
    }

    /// The keys, as strings of the page, and values of an object; none for any other value.
    #[inline]
    pub(super) fn raw_entries(self) -> impl Iterator<Item = (Value<'p>, Value<'p>)> {
        let end = if self.node().kind == NodeKind::Object { self.node().next } else { 0 };
        let page = self.page;
        let mut index = self.index + 1;
        std::iter::from_fn(move || {
            let key = (index < end).then_some(Value { page, index })?;
            let value = Value { page, index: index + 1 };
            index = value.node().next;
            Some((key, value))
        })
    }

    #[inline]
    fn node(self) -> Node {
        self.page.nodes[self.index as usize]
    }

    #[inline]
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

/// Whether two keys are the same; they are short, and not worth a call of `memcmp`.
#[inline]
pub(super) fn is_same_key(own: &str, other: &str) -> bool {
    let (own, other) = (own.as_bytes(), other.as_bytes());
    if own.len() != other.len() || own.len() > 16 {
        return own == other;
    }
    match (own.first_chunk::<8>(), other.first_chunk::<8>(), own.last_chunk::<8>(), other.last_chunk::<8>()) {
        (Some(own_first), Some(other_first), Some(own_last), Some(other_last)) => {
            own_first == other_first && own_last == other_last
        }
        _ => own.iter().zip(other).all(|(own, other)| own == other),
    }
}

/// Resolves the escapes of a string that the parser has checked; a lone surrogate becomes U+FFFD.
fn unescape(text: &str, push: &mut impl FnMut(&str)) {
    let mut rest = text;
    while let Some(position) = memchr::memchr(b'\\', rest.as_bytes()) {
        push(&rest[..position]);
        let escape = rest.as_bytes().get(position + 1).copied();
        rest = rest.get(position + 2..).unwrap_or_default();
        let resolved = match escape {
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let (character, length) = code_point(rest);
                rest = rest.get(length..).unwrap_or_default();
                character
            }
            other => char::from(other.unwrap_or_default()),
        };
        push(resolved.encode_utf8(&mut [0; 4]));
    }
    push(rest);
}

/// The character of the digits behind `\u`, and the length of all that it takes: a second unit may follow.
fn code_point(digits: &str) -> (char, usize) {
    let unit = code_unit(digits);
    let low = digits.get(4..).and_then(|rest| rest.strip_prefix("\\u")).map(code_unit);
    match low.filter(|low| (0xd800..0xdc00).contains(&unit) && (0xdc00..0xe000).contains(low)) {
        Some(low) => {
            let point = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            (char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER), 10)
        }
        None => (char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), 4),
    }
}

fn code_unit(digits: &str) -> u32 {
    digits.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0xfffd)
}
