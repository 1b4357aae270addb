//! `Mask`: hides the values of a connection in what a connector says.

use std::sync::{PoisonError, RwLock};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands in the place of a value.
const HIDDEN: &str = "***";

/// Shorter values are no secrets, and hiding them would make any text unreadable.
const SHORTEST: usize = 4;

/// Values that must not be seen.
#[derive(Debug, Default)]
pub(crate) struct Mask(RwLock<Vec<String>>);

impl Mask {
    /// Hides these values too, also as URLs and Python's `repr` have them, and the lines of those that have several.
    pub(crate) fn learn<'v>(&self, values: impl IntoIterator<Item = &'v str>) {
        let mut hidden = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for value in values {
            for part in std::iter::once(value).chain(value.lines()).map(str::trim) {
                hidden.push(part.to_owned());
                hidden.push(utf8_percent_encode(part, NON_ALPHANUMERIC).to_string());
                hidden.push(part.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r"));
            }
        }
        hidden.retain(|value| value.len() >= SHORTEST && !matches!(value.as_str(), "true" | "false"));
        // The longest first: a value may be a part of another.
        hidden.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        hidden.dedup();
    }

    /// The text without them.
    pub(crate) fn text(&self, text: &str) -> String {
        let hidden = self.0.read().unwrap_or_else(PoisonError::into_inner);
        hidden.iter().fold(text.to_owned(), |text, value| text.replace(value, HIDDEN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_hidden_in_all_their_forms() {
        let mask = Mask::default();
        mask.learn(["s3cr&t", "-----BEGIN\nabcdef\n-----END", "us", "true"]);
        mask.learn(["s3cr&t-longer"]);
        assert_eq!(mask.text("s3cr&t-longer and s3cr&t in us, true"), "*** and *** in us, true");
        assert_eq!(mask.text("GET /?key=s3cr%26t"), "GET /?key=***");
        assert_eq!(mask.text("key '-----BEGIN\\nabcdef\\n-----END'"), "key '***'");
        assert_eq!(mask.text("line abcdef"), "line ***");
    }
}
