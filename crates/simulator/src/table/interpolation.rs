//! Strings with names in braces: `https://host/repos/{owner}/issues/{number}`, `I_{n:010}`.

use super::expression::{self, Expression};

/// A piece of a string.
#[derive(Debug, PartialEq)]
pub(crate) enum Part {
    /// Text as it is.
    Text(String),
    /// A value.
    Value {
        /// What to insert.
        value: Expression<String>,
        /// The number format behind a colon, if there is one.
        padding: Option<Padding>,
    },
}

/// A number's least width, and whether it is hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Padding {
    pub(crate) width: usize,
    pub(crate) hexadecimal: bool,
}

/// Splits a string into its parts; doubled braces are literal.
pub(crate) fn parse(text: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(position) = rest.find(['{', '}']) {
        literal.push_str(&rest[..position]);
        let brace = &rest[position..=position];
        rest = &rest[position + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            literal.push_str(brace);
            rest = after;
            continue;
        }
        let Some((inside, after)) = rest.split_once('}').filter(|_| brace == "{") else {
            return Err(format!("unpaired `{brace}` in `{text}`; a literal brace is written twice"));
        };
        if !literal.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut literal)));
        }
        parts.push(parse_value(inside, text)?);
        rest = after;
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    Ok(parts)
}

fn parse_value(inside: &str, text: &str) -> Result<Part, String> {
    let (value, padding) = match inside.split_once(':') {
        None => (inside, None),
        Some((value, format)) => (value, Some(parse_padding(format)?)),
    };
    let value = expression::parse(value)
        .map_err(|message| format!("{message}; in `{text}`, where a literal brace is written twice"))?;
    Ok(Part::Value { value, padding })
}

fn parse_padding(format: &str) -> Result<Padding, String> {
    let (digits, hexadecimal) = match format.strip_suffix('x') {
        Some(digits) => (digits, true),
        None => (format, false),
    };
    match digits.strip_prefix('0').map(str::parse) {
        Some(Ok(width)) if width <= 64 => Ok(Padding { width, hexadecimal }),
        _ => Err(format!("expected a number format such as `:08` or `:010x`, found `:{format}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_literal_braces_are_told_apart() {
        let parts = parse("a{n}b{{/gist_id}}{n + 1:08x}").unwrap();
        assert_eq!(parts.len(), 4);
        assert_eq!(parts[0], Part::Text("a".into()));
        assert_eq!(parts[2], Part::Text("b{/gist_id}".into()));
        assert!(matches!(&parts[3], Part::Value { padding: Some(Padding { width: 8, hexadecimal: true }), .. }));
    }

    #[test]
    fn unpaired_brace_is_explained() {
        for text in ["{n", "n}", "{other{/x}"] {
            assert!(parse(text).unwrap_err().contains("written twice"), "{text}");
        }
        assert!(parse("{n:8}").unwrap_err().contains("`:08`"));
    }
}
