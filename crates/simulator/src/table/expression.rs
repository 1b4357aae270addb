//! Arithmetic over whole numbers: `5000000000 + n * 2`.

/// An expression over names of type `N`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression<N> {
    Constant(i64),
    Name(N),
    Binary(Box<Self>, Operation, Box<Self>),
}

/// What a binary expression does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Operation {
    fn apply(self, left: i64, right: i64) -> i64 {
        match self {
            Self::Add => left.wrapping_add(right),
            Self::Subtract => left.wrapping_sub(right),
            Self::Multiply => left.wrapping_mul(right),
            // Division by zero gives zero: a template cannot fail in mid-row.
            Self::Divide => left.checked_div_euclid(right).unwrap_or(0),
            Self::Remainder => left.checked_rem_euclid(right).unwrap_or(0),
        }
    }
}

impl<N> Expression<N> {
    /// The value, with names looked up.
    pub(crate) fn evaluate(&self, lookup: &impl Fn(&N) -> i64) -> i64 {
        match self {
            Self::Constant(value) => *value,
            Self::Name(name) => lookup(name),
            Self::Binary(left, operation, right) => operation.apply(left.evaluate(lookup), right.evaluate(lookup)),
        }
    }

    /// Whether the value never falls where the named values for which `rises` is true rise.
    pub(crate) fn rises(&self, rises: &impl Fn(&N) -> bool) -> bool {
        match self {
            Self::Constant(_) => true,
            Self::Name(name) => rises(name),
            Self::Binary(left, operation, right) => match (operation, right.as_ref(), left.as_ref()) {
                (Operation::Add, _, _) => left.rises(rises) && right.rises(rises),
                (Operation::Subtract, Self::Constant(_), _) => left.rises(rises),
                (Operation::Multiply | Operation::Divide, Self::Constant(factor), _) => {
                    *factor > 0 && left.rises(rises)
                }
                (Operation::Multiply, _, Self::Constant(factor)) => *factor > 0 && right.rises(rises),
                _ => false,
            },
        }
    }

    /// The same expression over other names.
    pub(crate) fn try_map<M, E>(self, convert: &mut impl FnMut(N) -> Result<M, E>) -> Result<Expression<M>, E> {
        Ok(match self {
            Self::Constant(value) => Expression::Constant(value),
            Self::Name(name) => Expression::Name(convert(name)?),
            Self::Binary(left, operation, right) => {
                Expression::Binary(Box::new(left.try_map(convert)?), operation, Box::new(right.try_map(convert)?))
            }
        })
    }
}

/// Reads an expression; the error says what was expected where.
pub(crate) fn parse(text: &str) -> Result<Expression<String>, String> {
    let mut parser = Parser { text, position: 0, depth: 0 };
    let expression = parser.sum()?;
    match parser.rest().chars().next() {
        None => Ok(expression),
        Some(found) => Err(format!("expected an operator or the end, found `{found}` in `{text}`")),
    }
}

struct Parser<'a> {
    text: &'a str,
    position: usize,
    depth: u32,
}

impl<'a> Parser<'a> {
    fn rest(&mut self) -> &'a str {
        let rest = self.text[self.position..].trim_start();
        self.position = self.text.len() - rest.len();
        rest
    }

    fn take_any(&mut self, characters: &str) -> Option<char> {
        let found = self.rest().chars().next().filter(|character| characters.contains(*character))?;
        self.position += found.len_utf8();
        Some(found)
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|character| !accept(character)).unwrap_or(rest.len());
        self.position += end;
        &rest[..end]
    }

    fn sum(&mut self) -> Result<Expression<String>, String> {
        let mut left = self.product()?;
        while let Some(sign) = self.take_any("+-") {
            let operation = if sign == '+' { Operation::Add } else { Operation::Subtract };
            left = Expression::Binary(Box::new(left), operation, Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expression<String>, String> {
        let mut left = self.operand()?;
        while let Some(sign) = self.take_any("*/%") {
            let operation = match sign {
                '*' => Operation::Multiply,
                '/' => Operation::Divide,
                _ => Operation::Remainder,
            };
            left = Expression::Binary(Box::new(left), operation, Box::new(self.operand()?));
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expression<String>, String> {
        self.depth += 1;
        if self.depth > 64 {
            return Err(format!("`{}` is nested too deeply", self.text));
        }
        let operand = self.operand_within();
        self.depth -= 1;
        operand
    }

    fn operand_within(&mut self) -> Result<Expression<String>, String> {
        if self.take_any("-").is_some() {
            let operand = self.operand()?;
            return Ok(match operand {
                Expression::Constant(value) => Expression::Constant(value.wrapping_neg()),
                other => Expression::Binary(Box::new(Expression::Constant(0)), Operation::Subtract, Box::new(other)),
            });
        }
        if self.take_any("(").is_some() {
            let inner = self.sum()?;
            return match self.take_any(")") {
                Some(_) => Ok(inner),
                None => Err(format!("expected `)` in `{}`", self.text)),
            };
        }
        let digits = self.take_while(|character| character.is_ascii_digit());
        if !digits.is_empty() {
            return digits.parse().map(Expression::Constant).map_err(|_| format!("number `{digits}` is too large"));
        }
        let name = self.take_while(|character| character.is_alphanumeric() || character == '_' || character == '.');
        if name.is_empty() {
            return Err(match self.rest().chars().next() {
                Some(found) => format!("expected a number or a name, found `{found}` in `{}`", self.text),
                None => format!("expected a number or a name at the end of `{}`", self.text),
            });
        }
        Ok(Expression::Name(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> i64 {
        parse(text).unwrap().evaluate(&|name| if name == "n" { 7 } else { 0 })
    }

    #[test]
    fn arithmetic_binds_as_usual() {
        assert_eq!(value("1 + 2 * n"), 15);
        assert_eq!(value("(1 + 2) * n % 10"), 1);
        assert_eq!(value("-n / 2 - -3"), -1);
        assert_eq!(value("n / 0"), 0);
    }

    #[test]
    fn rising_is_recognised_where_it_is_certain() {
        for (text, expected) in [
            ("5 + n * 2", true),
            ("n / 3", true),
            ("2 * n", true),
            ("n % 5", false),
            ("0 - n", false),
            ("n * -1", false),
        ] {
            assert_eq!(parse(text).unwrap().rises(&|name| name == "n"), expected, "{text}");
        }
    }

    #[test]
    fn bad_expression_says_what_was_expected() {
        assert_eq!(parse("n +").unwrap_err(), "expected a number or a name at the end of `n +`");
        assert_eq!(parse("n $ 2").unwrap_err(), "expected an operator or the end, found `$` in `n $ 2`");
        assert_eq!(parse("(n").unwrap_err(), "expected `)` in `(n`");
        assert!(parse(&"(".repeat(100_000)).unwrap_err().contains("nested too deeply"));
    }
}
