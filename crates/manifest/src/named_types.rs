//! Named types: schemas in Spark DDL in which a name of `types` may stand wherever a type may.

use std::collections::BTreeMap;

/// The longest text that a schema may become.
const MAX_LENGTH: usize = 1 << 20;

/// The named types of a definition.
pub(crate) struct NamedTypes<'d>(pub(crate) &'d BTreeMap<String, String>);

impl NamedTypes<'_> {
    /// A list of columns with every named type in place of its name.
    pub(crate) fn expand_schema(&self, schema: &str) -> Result<String, String> {
        self.expand(schema, Expect::Name, &mut Vec::new())
    }

    /// A named type with every named type in place of its name.
    pub(crate) fn expand_type(&self, name: &str) -> Result<String, String> {
        self.expand(name, Expect::Type, &mut Vec::new())
    }

    fn expand<'t>(&'t self, text: &'t str, first: Expect, open: &mut Vec<&'t str>) -> Result<String, String> {
        let mut expanded = String::with_capacity(text.len());
        let mut places = vec![first];
        let mut expect = first;
        let mut outer = Outer::Other;
        for token in Tokens(text) {
            let place = places.last().copied().unwrap_or(first);
            match (token, expect) {
                ("<", _) => {
                    let inner = if outer == Outer::Struct { Expect::Name } else { Expect::Type };
                    places.push(inner);
                    expect = inner;
                }
                (">", _) => {
                    places.pop();
                    expect = Expect::Rest;
                }
                (",", _) => expect = place,
                (":", _) => {}
                (space, _) if space.trim().is_empty() => {}
                (_, Expect::Name) => expect = Expect::Type,
                (word, Expect::Type) => {
                    outer = if word.eq_ignore_ascii_case("struct") { Outer::Struct } else { Outer::Other };
                    expect = Expect::Rest;
                    if let Some(inner) = self.inner(word, open)? {
                        expanded.push_str(&inner);
                        continue;
                    }
                }
                (_, Expect::Rest) => {}
            }
            expanded.push_str(token);
            if expanded.len() > MAX_LENGTH {
                return Err("expected a schema of at most one megabyte, found a longer one".to_owned());
            }
        }
        Ok(expanded)
    }

    fn inner<'t>(&'t self, word: &'t str, open: &mut Vec<&'t str>) -> Result<Option<String>, String> {
        let Some((name, definition)) = self.0.get_key_value(word) else { return Ok(None) };
        if open.contains(&name.as_str()) {
            return Err(format!("the type `{name}` leads back to itself"));
        }
        open.push(name);
        let expanded = self.expand(definition, Expect::Type, open)?;
        open.pop();
        // Lines of a schema stay where they are, so that errors in it name them.
        Ok(Some(expanded.replace('\n', " ")))
    }
}

/// What the next word is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Name,
    Type,
    Rest,
}

/// What a `<` would open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outer {
    Struct,
    Other,
}

/// Words, quoted texts, white space, bracketed numbers and single marks; together they are the whole text.
struct Tokens<'t>(&'t str);

impl<'t> Iterator for Tokens<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let first = self.0.chars().next()?;
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let length = match first {
            '`' | '\'' | '"' => self.0[1..].find(first).map(|end| end + 2),
            '(' => self.0.find(')').map(|end| end + 1),
            letter if letter.is_whitespace() => self.0.find(|letter: char| !letter.is_whitespace()),
            letter if is_word(letter) => self.0.find(|letter| !is_word(letter)),
            mark => Some(mark.len_utf8()),
        };
        let (token, rest) = self.0.split_at(length.unwrap_or(self.0.len()));
        self.0 = rest;
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn name_is_replaced_only_where_a_type_stands() {
        let types = types(&[("user", "STRUCT<\n  id: INT, team: team>"), ("team", "STRUCT<name: STRING>")]);
        let expand = |text: &str| NamedTypes(&types).expand_schema(text).unwrap();
        let user = "STRUCT<   id: INT, team: STRUCT<name: STRING>>";
        assert_eq!(expand("user user NOT NULL"), format!("user {user} NOT NULL"));
        assert_eq!(expand("a ARRAY<user>, `user` INT"), format!("a ARRAY<{user}>, `user` INT"));
        assert_eq!(expand("m MAP<STRING, user>, b INT"), format!("m MAP<STRING, {user}>, b INT"));
        assert_eq!(
            expand("s STRUCT<user: user, team INT> COMMENT 'user, user'"),
            format!("s STRUCT<user: {user}, team INT> COMMENT 'user, user'")
        );
        assert_eq!(expand("d DECIMAL(10, 2), user STRING"), "d DECIMAL(10, 2), user STRING");
    }

    #[test]
    fn loop_and_explosion_are_refused() {
        let looping = types(&[("a", "ARRAY<b>"), ("b", "STRUCT<x: a>")]);
        assert_eq!(NamedTypes(&looping).expand_type("a").unwrap_err(), "the type `a` leads back to itself");
        let doubling: Vec<(String, String)> =
            (1..40).map(|level| (format!("t{level}"), format!("STRUCT<a: t{0}, b: t{0}>", level - 1))).collect();
        let doubling = doubling.into_iter().chain([("t0".to_owned(), "STRUCT<x: INT>".to_owned())]).collect();
        assert!(NamedTypes(&doubling).expand_type("t39").unwrap_err().contains("one megabyte"));
    }
}
