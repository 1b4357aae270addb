//! `ConnectorName`: `module:Class`.

use std::fmt;

/// The name of a connector written in Python: `package.module:Class`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConnectorName(String);

impl ConnectorName {
    /// The name that a text has the form of: nothing where it is a path, a URL or a plain name.
    pub fn parse(text: &str) -> Option<Self> {
        let (module, class) = text.split_once(':')?;
        let is_dotted = |text: &str| text.split('.').all(is_identifier);
        (is_dotted(module) && is_dotted(class)).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the class alone.
    pub(crate) fn class(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, class)| class)
    }
}

impl fmt::Display for ConnectorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether Python allows this as a name; what it makes of other alphabets is left to it.
fn is_identifier(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_paths_and_addresses() {
        for text in ["shop:ShopConnector", "team.sources.shop:Shop.Inner", "_a:B1"] {
            assert_eq!(ConnectorName::parse(text).unwrap().as_str(), text);
        }
        for text in
            ["shop", "./shop", "https://example.com", "git@example.com:team/x", "C:\\shop", "a:", ":B", "a:b:c", "a.:B"]
        {
            assert_eq!(ConnectorName::parse(text), None, "{text}");
        }
    }
}
