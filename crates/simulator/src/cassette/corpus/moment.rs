//! Instants in recorded records: which values are some, and lengths of time as corpora write them.

use crate::definition::Json;
use crate::instant::{self, InstantFormat};

/// What epoch seconds of this time look like: from 2001 on, for a century.
const SECONDS: std::ops::Range<i64> = 1_000_000_000..4_200_000_000;

/// Ends of the names of fields that hold instants as numbers.
const ENDINGS: [&str; 10] =
    ["_at", "date", "time", "timestamp", "created", "updated", "modified", "_start", "_end", "_ts"];

/// The instant that a value of a field stands for, in milliseconds since 1970, and how it is written. A number is one
/// where the field's name says so, or where it is known.
pub(super) fn read(name: &str, value: &Json, known: bool) -> Option<(i64, InstantFormat)> {
    let format = match value {
        Json::Text(text) => text_format(text, known || names_instant(name))?,
        Json::Integer(number) if known || names_instant(name) => match *number {
            seconds if SECONDS.contains(&seconds) => InstantFormat::EpochSeconds,
            millis if SECONDS.contains(&(millis / 1_000)) => InstantFormat::EpochMillis,
            _ => return None,
        },
        _ => return None,
    };
    Some((instant::parse(&value.as_parameter()?)?, format))
}

fn text_format(text: &str, may_be_number: bool) -> Option<InstantFormat> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let (date, clock) = text.split_at_checked(10)?;
    let is_date = date.bytes().enumerate().all(|(position, byte)| match position {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    match (clock.bytes().next(), clock.contains('.')) {
        (_, false) if is_number => (may_be_number && text.len() == 13).then_some(InstantFormat::EpochMillisText),
        (None, _) if is_date => Some(InstantFormat::Date),
        (Some(b'T'), true) if is_date && clock.ends_with('Z') => Some(InstantFormat::Rfc3339Millis),
        (Some(b'T'), false) if is_date && clock.ends_with('Z') => Some(InstantFormat::Rfc3339),
        (Some(b'T'), _) if is_date && clock.contains(['+', '-']) => Some(InstantFormat::Rfc3339Offset),
        (Some(b' '), true) if is_date => Some(InstantFormat::DatetimeMicros),
        (Some(b' '), false) if is_date => Some(InstantFormat::Datetime),
        _ => None,
    }
}

/// Whether a field's name says that it holds an instant: `created_at`, `createdAt`, `start_time`.
fn names_instant(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ENDINGS.iter().any(|ending| lower.ends_with(ending)) || name.ends_with("At")
}

/// A length of time in the largest unit that it is a whole number of.
pub(super) fn span(millis: i64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
    let unit = units.iter().find(|(unit, _)| millis % unit == 0 && millis != 0);
    unit.map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", millis / unit))
}

/// How a corpus names a format; nothing for the one that needs no name.
pub(super) fn format_name(format: InstantFormat) -> Option<&'static str> {
    let names = InstantFormat::NAMES.iter();
    names.filter(|_| format != InstantFormat::default()).find(|(_, known)| *known == format).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_told_from_other_values() {
        let text = |text: &str| read("x", &Json::Text(text.to_owned()), false).map(|(_, format)| format);
        assert_eq!(text("2026-01-31T12:00:00Z"), Some(InstantFormat::Rfc3339));
        assert_eq!(text("2026-01-31T12:00:00.250Z"), Some(InstantFormat::Rfc3339Millis));
        assert_eq!(text("2026-01-31T12:00:00+02:00"), Some(InstantFormat::Rfc3339Offset));
        assert_eq!(text("2026-01-31 12:00:00"), Some(InstantFormat::Datetime));
        assert_eq!(text("2026-01-31"), Some(InstantFormat::Date));
        for other in ["2026-01-3x", "1769860800000", "hello world", "2026", "2026-99-31"] {
            assert_eq!(text(other), None, "{other}");
        }
        let number = |name, number| read(name, &Json::Integer(number), false).map(|(_, format)| format);
        assert_eq!(number("created", 1_769_860_800), Some(InstantFormat::EpochSeconds));
        assert_eq!(number("updatedAt", 1_769_860_800_000), Some(InstantFormat::EpochMillis));
        assert_eq!((number("amount", 1_769_860_800), number("created", 12)), (None, None));
    }

    #[test]
    fn spans_have_one_unit() {
        assert_eq!([0, 1_500, 60_000, 90_000, 172_800_000].map(span), ["0s", "1500ms", "1m", "90s", "2d"]);
    }
}
