//! Instants in milliseconds since 1970: reading what clients write, and writing them fast.

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde::Deserialize;

const SECOND: i64 = 1_000;
const DAY: i64 = 86_400 * SECOND;

/// How a timestamp is written in a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InstantFormat {
    #[default]
    Rfc3339,
    Rfc3339Millis,
    EpochSeconds,
    EpochMillis,
    Date,
    /// `2026-01-31 12:00:00`, in UTC.
    Datetime,
    /// `2026-01-31 12:00:00.000000`, in UTC.
    DatetimeMicros,
    /// `2026-01-31T12:00:00+00:00`.
    Rfc3339Offset,
    /// Milliseconds since 1970 as a string.
    EpochMillisText,
}

impl InstantFormat {
    /// The names that a corpus may use.
    pub(crate) const NAMES: [(&'static str, Self); 9] = [
        ("rfc3339", Self::Rfc3339),
        ("rfc3339_millis", Self::Rfc3339Millis),
        ("epoch_seconds", Self::EpochSeconds),
        ("epoch_millis", Self::EpochMillis),
        ("date", Self::Date),
        ("datetime", Self::Datetime),
        ("datetime_micros", Self::DatetimeMicros),
        ("rfc3339_offset", Self::Rfc3339Offset),
        ("epoch_millis_text", Self::EpochMillisText),
    ];

    /// The instant as far as this format can tell it.
    pub(crate) fn truncate(self, instant: i64) -> i64 {
        let unit = match self {
            Self::Rfc3339 | Self::EpochSeconds | Self::Datetime | Self::Rfc3339Offset => SECOND,
            Self::Rfc3339Millis | Self::EpochMillis | Self::DatetimeMicros | Self::EpochMillisText => 1,
            Self::Date => DAY,
        };
        instant - instant.rem_euclid(unit)
    }

    /// Whether it is written as a JSON string.
    pub(crate) fn is_text(self) -> bool {
        !matches!(self, Self::EpochSeconds | Self::EpochMillis)
    }

    /// Writes the instant without quotes.
    pub(crate) fn write(self, instant: i64, out: &mut Vec<u8>) {
        match self {
            Self::EpochSeconds => write_integer(instant.div_euclid(SECOND), out),
            Self::EpochMillis | Self::EpochMillisText => write_integer(instant, out),
            Self::Date => write_date(instant.div_euclid(DAY), out),
            Self::Rfc3339 | Self::Rfc3339Millis | Self::Rfc3339Offset | Self::Datetime | Self::DatetimeMicros => {
                self.write_clock(instant, out);
            }
        }
    }

    /// Writes date and time of day.
    fn write_clock(self, instant: i64, out: &mut Vec<u8>) {
        write_date(instant.div_euclid(DAY), out);
        let millis = instant.rem_euclid(DAY);
        let seconds = millis / SECOND;
        let between = if matches!(self, Self::Datetime | Self::DatetimeMicros) { b' ' } else { b'T' };
        for (separator, value) in [(between, seconds / 3_600), (b':', seconds / 60 % 60), (b':', seconds % 60)] {
            out.push(separator);
            write_padded(value, 2, out);
        }
        match self {
            Self::Rfc3339 => out.push(b'Z'),
            Self::Rfc3339Offset => out.extend_from_slice(b"+00:00"),
            Self::Rfc3339Millis => {
                out.push(b'.');
                write_padded(millis % SECOND, 3, out);
                out.push(b'Z');
            }
            Self::DatetimeMicros => {
                out.push(b'.');
                write_padded(millis % SECOND, 3, out);
                out.extend_from_slice(b"000");
            }
            _ => {}
        }
    }
}

/// Reads RFC 3339, a date, or epoch seconds (milliseconds where there are more than eleven digits).
pub(crate) fn parse(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse::<i64>() {
        return Some(if text.len() > 11 { number } else { number * SECOND });
    }
    // A `+` of a zone offset that the client did not percent-encode arrives as a space.
    let repaired = text.replace(' ', "+");
    if let Ok(instant) = DateTime::parse_from_rfc3339(&repaired) {
        return Some(instant.timestamp_millis());
    }
    if let Some((date, hour)) = text.split_once('T').filter(|(date, hour)| date.len() == 8 && hour.len() == 2) {
        let date = NaiveDate::parse_from_str(date, "%Y%m%d").ok()?;
        return Some(date.and_hms_opt(hour.parse().ok()?, 0, 0)?.and_utc().timestamp_millis());
    }
    if let Ok(instant) = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f") {
        return Some(instant.and_utc().timestamp_millis());
    }
    if let Ok(instant) = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f") {
        return Some(instant.and_utc().timestamp_millis());
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}

/// Writes an integer in decimal digits.
pub(crate) fn write_integer(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Writes an integer with zeros before it up to a width, the sign included.
pub(crate) fn write_padded(value: i64, width: usize, out: &mut Vec<u8>) {
    if value < 0 {
        out.extend_from_slice(format!("{value:0width$}").as_bytes());
        return;
    }
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(value);
    out.extend(std::iter::repeat_n(b'0', width.saturating_sub(digits.len())));
    out.extend_from_slice(digits.as_bytes());
}

/// Writes the date of a day since 1970, by the civil calendar.
fn write_date(day: i64, out: &mut Vec<u8>) {
    // Years that begin in March, so that the leap day is the last one, in eras of 400 years.
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    for (value, width, separator) in [(year, 4, Some(b'-')), (month, 2, Some(b'-')), (day_of_month, 2, None)] {
        write_padded(value, width, out);
        out.extend(separator);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: InstantFormat, instant: i64) -> String {
        let mut out = Vec::new();
        format.write(instant, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn written_instants_agree_with_chrono() {
        for instant in (-60_000_000_000_000..200_000_000_000_000_i64).step_by(7_654_321_987) {
            let expected = DateTime::from_timestamp_millis(instant).unwrap();
            assert_eq!(
                written(InstantFormat::Rfc3339Millis, instant),
                expected.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
            );
            assert_eq!(written(InstantFormat::Date, instant), expected.format("%Y-%m-%d").to_string());
        }
    }

    #[test]
    fn instants_are_read_in_every_spelling() {
        let expected = Some(1_700_000_000_000);
        for text in ["2023-11-14T22:13:20Z", "2023-11-14T23:13:20+01:00", "2023-11-14T23:13:20 01:00", "1700000000"] {
            assert_eq!(parse(text), expected, "{text}");
        }
        assert_eq!(parse("1700000000000"), expected);
        assert_eq!(parse("2023-11-14"), Some(1_699_920_000_000));
        assert_eq!(parse("soon"), None);
    }
}
