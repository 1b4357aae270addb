//! Words, names, numbers and signs of DDL, each with its place.

use crate::{Error, ErrorKind, Result};

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name or keyword.
    Word(String),
    /// A name in back-quotes.
    Quoted(String),
    /// A string in quotes.
    Text(String),
    /// A whole number.
    Number(String),
    /// `( ) < > , :`
    Sign(char),
    /// The end of the text.
    End,
}

impl Token {
    /// The token as messages show it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Word(text) | Self::Number(text) => format!("`{text}`"),
            Self::Quoted(text) => format!("the name `{text}`"),
            Self::Text(text) => format!("the string '{text}'"),
            Self::Sign(sign) => format!("`{sign}`"),
            Self::End => "the end".to_owned(),
        }
    }
}

/// A line and a column, from 1 on; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    line: usize,
    column: usize,
}

impl Position {
    /// The error for something else than what was expected here.
    pub(super) fn expected(self, expected: &str, found: &str) -> Error {
        self.error(format!("expected {expected}, found {found}"))
    }

    /// An error here.
    pub(super) fn error(self, message: String) -> Error {
        Error::new(ErrorKind::Definition, message)
            .with_context("line", self.line.to_string())
            .with_context("column", self.column.to_string())
    }
}

/// Splits DDL into tokens, the last of which is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Position)>> {
    let mut lexer = Lexer { rest: text, position: Position { line: 1, column: 1 } };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space()?;
        let position = lexer.position;
        let token = lexer.token()?;
        let is_end = token == Token::End;
        tokens.push((token, position));
        if is_end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'t> {
    rest: &'t str,
    position: Position,
}

impl<'t> Lexer<'t> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.take(next.len_utf8());
        Some(next)
    }

    fn take(&mut self, length: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        for character in taken.chars() {
            if character == '\n' {
                self.position = Position { line: self.position.line + 1, column: 1 };
            } else {
                self.position.column += 1;
            }
        }
        taken
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'t str {
        self.take(self.rest.find(|character| !belongs(character)).unwrap_or(self.rest.len()))
    }

    /// Skips white space and both forms of SQL comment.
    fn skip_space(&mut self) -> Result<()> {
        loop {
            self.take_while(char::is_whitespace);
            if self.rest.starts_with("--") {
                self.take_while(|character| character != '\n');
            } else if self.rest.starts_with("/*") {
                let start = self.position;
                let length = self.rest[2..].find("*/").ok_or_else(|| start.expected("`*/`", "the end"))?;
                self.take(length + 4);
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Token> {
        let start = self.position;
        let Some(first) = self.rest.chars().next() else { return Ok(Token::End) };
        Ok(match first {
            '(' | ')' | '<' | '>' | ',' | ':' => {
                self.next();
                Token::Sign(first)
            }
            '`' => Token::Quoted(self.quoted(start)?),
            '\'' | '"' => Token::Text(self.string(first, start)?),
            '0'..='9' => {
                let text = self.take_while(is_word);
                let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
                if is_number { Token::Number(text.to_owned()) } else { Token::Word(text.to_owned()) }
            }
            _ if is_word(first) => Token::Word(self.take_while(is_word).to_owned()),
            other => {
                let error = start.expected("a column name, a type or a sign", &format!("`{}`", other.escape_debug()));
                return Err(
                    error.with_hint("a name with other characters than letters, digits and `_` is put in back-quotes")
                );
            }
        })
    }

    /// A name in back-quotes; a doubled one stands for itself.
    fn quoted(&mut self, start: Position) -> Result<String> {
        self.next();
        let mut name = String::new();
        loop {
            name.push_str(self.take_while(|character| character != '`'));
            if self.next().is_none() {
                return Err(start.expected("a closing back-quote", "the end"));
            }
            if !self.rest.starts_with('`') {
                break;
            }
            self.next();
            name.push('`');
        }
        if name.is_empty() { Err(start.expected("a name in the back-quotes", "nothing")) } else { Ok(name) }
    }

    /// A string; within it a backslash takes the next character as it is, and a doubled quote stands for one.
    fn string(&mut self, quote: char, start: Position) -> Result<String> {
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err(start.expected("a closing quote", "the end")),
                Some('\\') => match self.next() {
                    Some('n') => text.push('\n'),
                    Some('r') => text.push('\r'),
                    Some('t') => text.push('\t'),
                    Some(other) => text.push(other),
                    None => return Err(start.expected("a closing quote", "the end")),
                },
                Some(found) if found == quote => {
                    if !self.rest.starts_with(quote) {
                        return Ok(text);
                    }
                    self.next();
                    text.push(quote);
                }
                Some(other) => text.push(other),
            }
        }
    }
}

pub(super) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
