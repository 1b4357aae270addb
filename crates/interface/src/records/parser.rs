//! The parser of a page: from text to nodes.

use super::page::{Node, NodeKind};
use crate::{Error, ErrorKind, Result};

/// Deepest nesting that a page may have.
const MAX_DEPTH: usize = 128;

/// Strings up to about this length end within a few words; longer ones are worth a call.
const SHORT_STRING: usize = 64;

pub(super) struct Parser<'t> {
    text: &'t [u8],
    position: usize,
    nodes: Vec<Node>,
    /// Whether the text has control characters anywhere, and strings must be searched for them.
    has_control: bool,
}

impl<'t> Parser<'t> {
    /// A parser of text that is UTF-8 and shorter than 4 GiB.
    pub(super) fn new(text: &'t [u8]) -> Self {
        let has_control = text.iter().fold(false, |found, byte| found | (*byte < b' '));
        Self { text, position: 0, nodes: Vec::with_capacity(text.len() / 16), has_control }
    }

    pub(super) fn parse(mut self) -> Result<Vec<Node>> {
        self.skip_space();
        self.value(0)?;
        self.skip_space();
        if self.position < self.text.len() {
            return Err(self.expected("the end of the page"));
        }
        Ok(self.nodes)
    }

    fn value(&mut self, depth: usize) -> Result<()> {
        match self.peek() {
            b'"' => self.string(),
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true", NodeKind::True),
            b'f' => self.word("false", NodeKind::False),
            b'n' => self.word("null", NodeKind::Null),
            _ => Err(self.expected("a JSON value")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<()> {
        let node = self.open(NodeKind::Object, depth)?;
        if self.peek() == b'}' {
            self.close(node);
            return Ok(());
        }
        loop {
            if self.peek() != b'"' {
                return Err(self.expected("a key in double quotes"));
            }
            self.string()?;
            self.skip_space();
            if self.peek() != b':' {
                return Err(self.expected("`:`"));
            }
            self.position += 1;
            self.skip_space();
            self.value(depth + 1)?;
            self.skip_space();
            match self.peek() {
                b',' => {
                    self.position += 1;
                    self.skip_space();
                }
                b'}' => {
                    self.close(node);
                    return Ok(());
                }
                _ => return Err(self.expected("`,` or `}`")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<()> {
        let node = self.open(NodeKind::Array, depth)?;
        if self.peek() == b']' {
            self.close(node);
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            self.skip_space();
            match self.peek() {
                b',' => {
                    self.position += 1;
                    self.skip_space();
                }
                b']' => {
                    self.close(node);
                    return Ok(());
                }
                _ => return Err(self.expected("`,` or `]`")),
            }
        }
    }

    fn open(&mut self, kind: NodeKind, depth: usize) -> Result<usize> {
        if depth == MAX_DEPTH {
            return Err(self.expected("at most 128 levels of nesting"));
        }
        let node = self.nodes.len();
        let start = self.position as u32;
        self.nodes.push(Node { start, end: start, next: 0, kind });
        self.position += 1;
        self.skip_space();
        Ok(node)
    }

    fn close(&mut self, node: usize) {
        self.position += 1;
        let next = self.nodes.len() as u32;
        if let Some(node) = self.nodes.get_mut(node) {
            node.end = self.position as u32;
            node.next = next;
        }
    }

    #[inline]
    fn string(&mut self) -> Result<()> {
        let start = self.position + 1;
        let end = self.quote_or_escape(start);
        if self.text.get(end) == Some(&b'"') {
            return self.close_string(start, end, NodeKind::String);
        }
        self.escaped_string(start, end)
    }

    #[inline(never)]
    fn escaped_string(&mut self, start: usize, first_escape: usize) -> Result<()> {
        let mut end = first_escape;
        loop {
            match self.text.get(end) {
                Some(b'"') => return self.close_string(start, end, NodeKind::EscapedString),
                Some(_) => {
                    self.position = end;
                    end = self.quote_or_escape(end + self.escape()?);
                }
                None => {
                    self.position = self.text.len();
                    return Err(self.expected("the closing quote of a string"));
                }
            }
        }
    }

    #[inline]
    fn close_string(&mut self, start: usize, end: usize, kind: NodeKind) -> Result<()> {
        if self.has_control
            && let Some(found) = self.text[start..end].iter().position(|byte| *byte < b' ')
        {
            self.position = start + found;
            return Err(self.expected("an escape for a control character in a string"));
        }
        self.position = end + 1;
        self.leaf(start, end, kind);
        Ok(())
    }

    /// The place of the first quote or backslash from `start` on, or the end of the text.
    #[inline]
    fn quote_or_escape(&self, start: usize) -> usize {
        let mut position = start;
        while position < start + SHORT_STRING {
            let Some(word) = self.text.get(position..).and_then(|rest| rest.first_chunk::<8>()) else { break };
            let found = quotes_and_escapes(u64::from_le_bytes(*word));
            if found != 0 {
                return position + found.trailing_zeros() as usize / 8;
            }
            position += 8;
        }
        let rest = self.text.get(position..).unwrap_or_default();
        memchr::memchr2(b'"', b'\\', rest).map_or(self.text.len(), |found| position + found)
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
        if self.peek() == b'-' {
            self.position += 1;
        }
        match self.peek() {
            b'0' => self.position += 1,
            b'1'..=b'9' => self.digits()?,
            _ => return Err(self.expected("a digit")),
        }
        if self.peek() == b'.' {
            self.position += 1;
            self.digits()?;
        }
        if let b'e' | b'E' = self.peek() {
            self.position += 1;
            if let b'+' | b'-' = self.peek() {
                self.position += 1;
            }
            self.digits()?;
        }
        self.leaf(start, self.position, NodeKind::Number);
        Ok(())
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.position;
        while self.peek().is_ascii_digit() {
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

    #[inline]
    fn leaf(&mut self, start: usize, end: usize, kind: NodeKind) {
        let next = self.nodes.len() as u32 + 1;
        self.nodes.push(Node { start: start as u32, end: end as u32, next, kind });
    }

    /// The byte at the present position; zero, which JSON has nowhere, at the end.
    #[inline]
    fn peek(&self) -> u8 {
        self.text.get(self.position).copied().unwrap_or(0)
    }

    #[inline]
    fn skip_space(&mut self) {
        if self.peek() <= b' ' {
            self.skip_some_space();
        }
    }

    /// Lines of indented JSON begin with many spaces.
    #[inline(never)]
    fn skip_some_space(&mut self) {
        while let b' ' | b'\n' | b'\t' | b'\r' = self.peek() {
            self.position += 1;
            while self.text[self.position..].starts_with(b"        ") {
                self.position += 8;
            }
        }
    }

    #[cold]
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

/// The highest bit of each byte that is a quote or a backslash; bits above the lowest one set may be wrong.
#[inline]
fn quotes_and_escapes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHEST: u64 = 0x8080_8080_8080_8080;
    let quotes = word ^ (ONES * b'"' as u64);
    let escapes = word ^ (ONES * b'\\' as u64);
    (quotes.wrapping_sub(ONES) & !quotes | escapes.wrapping_sub(ONES) & !escapes) & HIGHEST
}
