//! Words and text to fill records with: made once, then copied out in runs.

use crate::random::{below, mix};

/// The stretch of made text, in words; a run that is copied out begins anywhere in it.
const POOL_WORDS: u64 = 16_384;

/// Words of every vocabulary.
const COMMON: &str = "pipeline connector offset schema page token cursor commit retry table record stream batch delta \
    when the reader stops before latest checkpoint";

/// What lower-case ASCII text has beside them.
const ONLY_PLAIN: &[&str] = &[
    "fix", "add", "remove", "support", "for", "in", "large", "slow", "missing", "column", "after", "upgrade", "docs",
    "test",
];

/// What breaks parsers, on one line and on several.
const EVERYWHERE_RICH: &[&str] = &["é", "naïve", "数据", "emoji", "🚀", "quote \"", "slash \\", "Größe", "данные", "λ"];
const ON_ONE_LINE: &[&str] = &["O'Brien", "a/b", "<br>", "100%"];
const ON_SEVERAL_LINES: &[&str] = &["\n", "\r\n", "tab\t", "`code`"];

/// Words to choose from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Vocabulary {
    /// Lower-case ASCII words.
    Plain,
    /// Accents, other scripts, emoji, quotes, backslashes; no line breaks.
    #[default]
    Rich,
}

/// The text pools of a simulator.
pub(crate) struct Vocabularies {
    plain: Pool,
    rich: Pool,
    lines: Pool,
}

impl Vocabularies {
    /// Pools made from a seed.
    pub(crate) fn new(seed: u64) -> Self {
        let pool = |more: &[&[&str]]| {
            let words: Vec<&str> =
                COMMON.split_whitespace().chain(more.iter().flat_map(|words| words.iter().copied())).collect();
            Pool::new(seed, &words)
        };
        Self {
            plain: pool(&[ONLY_PLAIN]),
            rich: pool(&[EVERYWHERE_RICH, ON_ONE_LINE]),
            lines: pool(&[EVERYWHERE_RICH, ON_SEVERAL_LINES]),
        }
    }

    /// Writes so many words, escaped for JSON, without quotes.
    pub(crate) fn write_words(&self, vocabulary: Vocabulary, random: u64, count: u64, out: &mut Vec<u8>) {
        let pool = match vocabulary {
            Vocabulary::Plain => &self.plain,
            Vocabulary::Rich => &self.rich,
        };
        pool.write(&pool.words, random, count, 1, out);
    }

    /// Writes text of so many characters, escaped for JSON, without quotes; rich text has line breaks.
    pub(crate) fn write_text(&self, vocabulary: Vocabulary, random: u64, length: u64, out: &mut Vec<u8>) {
        let pool = match vocabulary {
            Vocabulary::Plain => &self.plain,
            Vocabulary::Rich => &self.lines,
        };
        pool.write(&pool.characters, random, length, 0, out);
    }
}

/// A stretch of text, escaped for JSON, with the places where words and characters begin.
struct Pool {
    escaped: Vec<u8>,
    words: Vec<usize>,
    characters: Vec<usize>,
}

impl Pool {
    fn new(seed: u64, vocabulary: &[&str]) -> Self {
        let mut pool = Self { escaped: Vec::new(), words: Vec::new(), characters: Vec::new() };
        for n in 0..POOL_WORDS {
            pool.words.push(pool.escaped.len());
            let word = vocabulary[below(mix(seed, n), vocabulary.len() as u64) as usize];
            for character in word.chars().chain([' ']) {
                pool.characters.push(pool.escaped.len());
                push_escaped(character, &mut pool.escaped);
            }
        }
        pool.words.push(pool.escaped.len());
        pool.characters.push(pool.escaped.len());
        pool
    }

    /// Writes `count` units, over again from the beginning of the pool where it is too short; the last `cut` bytes
    /// (the space behind the last word) are left out.
    fn write(&self, starts: &[usize], random: u64, count: u64, cut: usize, out: &mut Vec<u8>) {
        let units = starts.len() as u64 - 1;
        let mut first = below(random, units.saturating_sub(count).max(1));
        let mut left = count;
        while left > 0 {
            let run = left.min(units - first);
            out.extend_from_slice(&self.escaped[starts[first as usize]..starts[(first + run) as usize]]);
            left -= run;
            first = 0;
        }
        if count > 0 {
            out.truncate(out.len() - cut);
        }
    }
}

/// The words of a name, in lower case: `avatarUrl` and `avatar_url` have two.
pub(crate) fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous_is_lower = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() || (letter.is_uppercase() && previous_is_lower) {
            words.push(String::new());
        }
        previous_is_lower = letter.is_lowercase() || letter.is_numeric();
        if letter.is_alphanumeric() {
            words.last_mut().into_iter().for_each(|word| word.extend(letter.to_lowercase()));
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Appends text as the inside of a JSON string.
pub(crate) fn push_escaped_text(text: &str, out: &mut Vec<u8>) {
    for character in text.chars() {
        push_escaped(character, out);
    }
}

fn push_escaped(character: char, out: &mut Vec<u8>) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        control if control < ' ' => out.extend_from_slice(format!("\\u{:04x}", u32::from(control)).as_bytes()),
        other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = vec![b'"'];
        write(&mut out);
        out.push(b'"');
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn text_has_the_length_asked_for_in_characters() {
        let pools = Vocabularies::new(1);
        for length in [0, 1, 2, 999, 500_000] {
            let made = text(|out| pools.write_text(Vocabulary::Rich, mix(length, 3), length, out));
            assert_eq!(made.chars().count() as u64, length);
        }
    }

    #[test]
    fn plain_words_are_counted_and_plain() {
        let pools = Vocabularies::new(1);
        let made = text(|out| pools.write_words(Vocabulary::Plain, mix(5, 6), 9, out));
        assert_eq!(made.split(' ').count(), 9);
        assert!(made.is_ascii(), "{made}");
        assert_eq!(text(|out| pools.write_words(Vocabulary::Plain, 1, 0, out)), "");
    }

    #[test]
    fn rich_text_exercises_what_breaks_parsers() {
        let pools = Vocabularies::new(1);
        let made = text(|out| pools.write_text(Vocabulary::Rich, 1, 20_000, out));
        for expected in ['\n', '\r', '\t', '"', '\\', '🚀', '数'] {
            assert!(made.contains(expected), "{expected:?}");
        }
    }

    #[test]
    fn control_characters_are_escaped() {
        let all: String = (0..=0x7f).filter_map(char::from_u32).collect();
        assert_eq!(text(|out| push_escaped_text(&all, out)), all);
    }
}
