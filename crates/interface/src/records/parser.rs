//! The parser of a page: from text to nodes.

use super::page::{Node, NodeKind};
use crate::{Error, ErrorKind, Result};

/// Deepest nesting that a page may have.
const MAX_DEPTH: usize = 128;

pub(super) struct Parser<'t> {
    text: &'t [u8],
    position: usize,
    nodes: Vec<Node>,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self { text, position: 0, nodes: Vec::with_capacity(text.len() / 16) }
    }

    pub(super) fn parse(mut self) -> Result<Vec<Node>> {
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
