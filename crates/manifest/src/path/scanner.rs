//! Reads the text of paths and conditions.

use super::Step;
use super::condition::{Condition, Literal, Operand, Operator, Test};

/// Deepest nesting of parentheses and filters.
const MOST_DEPTH: u32 = 16;

/// Longest text of a path or condition.
const MOST_BYTES: usize = 4096;

/// What is left of a text.
pub(super) struct Scanner<'t> {
    rest: &'t str,
    depth: u32,
}

/// Whether a key needs no quotes in a path.
pub(super) fn is_name(key: &str) -> bool {
    !key.is_empty() && key.chars().all(is_name_character)
}

fn is_name_character(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '-' || letter == '@' || letter == '$'
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let is_long = text.len() > MOST_BYTES;
        Self { rest: if is_long { "\u{0}" } else { text }, depth: 0 }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes a mark, if it is next.
    pub(super) fn take(&mut self, mark: &str) -> bool {
        match self.rest.strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    pub(super) fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take_spaced(&mut self, mark: &str) -> bool {
        self.skip_space();
        self.take(mark)
    }

    /// The steps of a path, behind its `$` or `@`.
    pub(super) fn steps(&mut self) -> Option<Vec<Step>> {
        let mut steps = Vec::new();
        loop {
            if self.take(".") {
                steps.push(Step::Key(self.name()?));
            } else if self.take("[") {
                steps.push(self.bracket()?);
            } else {
                return Some(steps);
            }
        }
    }

    fn bracket(&mut self) -> Option<Step> {
        let step = if self.take("*") {
            Step::Each
        } else if self.take("?") {
            Step::Filter(self.condition("@")?)
        } else if let Some(key) = self.quoted() {
            Step::Key(Some(key).filter(|key| !key.is_empty())?)
        } else {
            let digits = self.rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(self.rest.len());
            let (number, rest) = self.rest.split_at(digits);
            self.rest = rest;
            Step::Index(number.parse().ok()?)
        };
        self.take_spaced("]").then_some(step)
    }

    fn name(&mut self) -> Option<String> {
        let end = self.rest.find(|letter| !is_name_character(letter)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(name.to_owned()).filter(|name| !name.is_empty())
    }

    /// A text in single or double quotes; a backslash keeps the next character.
    fn quoted(&mut self) -> Option<String> {
        let quote = self.rest.chars().next().filter(|letter| matches!(letter, '\'' | '"'))?;
        let mut text = String::new();
        let mut letters = self.rest.char_indices().skip(1);
        while let Some((position, letter)) = letters.next() {
            match letter {
                '\\' => text.push(letters.next()?.1),
                _ if letter == quote => {
                    self.rest = &self.rest[position + letter.len_utf8()..];
                    return Some(text);
                }
                _ => text.push(letter),
            }
        }
        None
    }

    /// A condition whose paths begin with some mark.
    pub(super) fn condition(&mut self, this: &str) -> Option<Condition> {
        self.depth += 1;
        if self.depth > MOST_DEPTH {
            return None;
        }
        let begin = self.rest;
        let test = self.any(this)?;
        self.depth -= 1;
        let text = &begin[..begin.len() - self.rest.len()];
        Some(Condition::new(text.trim(), test))
    }

    fn any(&mut self, this: &str) -> Option<Test> {
        let mut tests = vec![self.all(this)?];
        while self.take_spaced("||") {
            tests.push(self.all(this)?);
        }
        Some(if tests.len() == 1 { tests.remove(0) } else { Test::Any(tests) })
    }

    fn all(&mut self, this: &str) -> Option<Test> {
        let mut tests = vec![self.single(this)?];
        while self.take_spaced("&&") {
            tests.push(self.single(this)?);
        }
        Some(if tests.len() == 1 { tests.remove(0) } else { Test::All(tests) })
    }

    fn single(&mut self, this: &str) -> Option<Test> {
        if self.take_spaced("!") {
            return Some(Test::Not(Box::new(self.single(this)?)));
        }
        if self.take("(") {
            self.depth += 1;
            let test = if self.depth > MOST_DEPTH { None } else { self.any(this) };
            self.depth -= 1;
            return test.filter(|_| self.take_spaced(")"));
        }
        let left = self.operand(this)?;
        self.skip_space();
        let operators = [
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<=", Operator::AtMost),
            (">=", Operator::AtLeast),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        match operators.into_iter().find(|(mark, _)| self.take(mark)) {
            Some((_, operator)) => Some(Test::Compare(left, operator, self.operand(this)?)),
            None => match left {
                Operand::Path(steps) => Some(Test::Holds(steps)),
                Operand::Literal(_) => None,
            },
        }
    }

    fn operand(&mut self, this: &str) -> Option<Operand> {
        self.skip_space();
        if self.take(this) {
            return self.steps().map(Operand::Path);
        }
        if let Some(text) = self.quoted() {
            return Some(Operand::Literal(Literal::Text(text)));
        }
        let end = self.rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || "+-.".contains(letter)));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        let literal = match word {
            "null" => Literal::Null,
            "true" => Literal::Boolean(true),
            "false" => Literal::Boolean(false),
            number => Literal::Number(number.parse::<f64>().is_ok_and(f64::is_finite).then(|| number.to_owned())?),
        };
        Some(Operand::Literal(literal))
    }
}
