//! Instants, wall clock times and dates, read from text and from epoch numbers.

use super::exact_number::ExactNumber;

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// 0001-01-01T00:00:00
const EARLIEST: i64 = -62_135_596_800 * MICROS_PER_SECOND;
/// 9999-12-31T23:59:59.999999
const LATEST: i64 = 253_402_300_800 * MICROS_PER_SECOND - 1;

/// A date and time as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// The wall clock, in microseconds since 1970-01-01T00:00:00 of the same clock.
    wall: i64,
    /// How far the clock is ahead of UTC; nothing where the text does not say.
    offset_seconds: Option<i64>,
}

impl Written {
    /// The instant in microseconds since the epoch; a clock that does not say its offset is UTC.
    pub(super) fn instant(self) -> Option<i64> {
        let instant = self.wall - self.offset_seconds.unwrap_or(0) * MICROS_PER_SECOND;
        (EARLIEST..=LATEST).contains(&instant).then_some(instant)
    }

    /// The wall clock, where no offset gets lost by it.
    pub(super) fn wall_clock(self) -> Option<i64> {
        (self.offset_seconds.unwrap_or(0) == 0).then_some(self.wall)
    }

    /// The date in days since the epoch, where no time gets lost by it.
    pub(super) fn date(self) -> Option<i32> {
        let days = (self.wall % MICROS_PER_DAY == 0).then_some(self.wall / MICROS_PER_DAY)?;
        i32::try_from(days).ok()
    }

    /// Reads an ISO 8601 or RFC 3339 date with or without a time, or an epoch of nine or more digits.
    #[inline]
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        if let Ok(usual) = <&[u8; 20]>::try_from(text)
            && let Some(written) = Self::parse_usual(usual)
        {
            return Some(written);
        }
        Self::parse_any(text.trim_ascii())
    }

    /// `2024-01-31T12:30:00Z`, as most sources write it.
    #[inline]
    fn parse_usual(text: &[u8; 20]) -> Option<Self> {
        if (text[4], text[7], text[10], text[13], text[16], text[19]) != (b'-', b'-', b'T', b':', b':', b'Z') {
            return None;
        }
        let two = |at: usize| two_digits([text[at], text[at + 1]]);
        let days = days_since_epoch(two(0)? * 100 + two(2)?, two(5)?, two(8)?)?;
        let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
        Some(Self { wall: seconds * MICROS_PER_SECOND, offset_seconds: Some(0) })
    }

    fn parse_any(text: &[u8]) -> Option<Self> {
        if text.len() == 8 && text.iter().all(u8::is_ascii_digit) {
            return Self::parse_compact_date(text);
        }
        let mut rest = Rest(text);
        let Some(days) = rest.date() else { return Self::parse_epoch_text(text) };
        let midnight = days * MICROS_PER_DAY;
        if rest.0.is_empty() {
            return Some(Self { wall: midnight, offset_seconds: None });
        }
        rest.take_any(b"Tt ")?;
        let time = rest.time()?;
        let offset_seconds = rest.offset()?;
        let wall = midnight + time;
        (wall <= LATEST).then_some(Self { wall, offset_seconds })
    }

    fn parse_compact_date(text: &[u8]) -> Option<Self> {
        let mut rest = Rest(text);
        let year = rest.two()? * 100 + rest.two()?;
        let days = days_since_epoch(year, rest.two()?, rest.two()?)?;
        Some(Self { wall: days * MICROS_PER_DAY, offset_seconds: None })
    }

    /// Shorter numbers in quotes are more probably a year or a code than an epoch.
    fn parse_epoch_text(text: &[u8]) -> Option<Self> {
        let unsigned = text.strip_prefix(b"-").unwrap_or(text);
        let digits = unsigned.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits >= 9 || unsigned == b"0" { Self::from_epoch(ExactNumber::parse(text)?) } else { None }
    }

    /// An epoch in seconds, milliseconds, microseconds or nanoseconds, told apart by magnitude.
    pub(super) fn from_epoch(number: ExactNumber) -> Option<Self> {
        let whole = number.scaled_down(0)?.unsigned_abs();
        let scale = match whole {
            0..100_000_000_000 => 6,
            100_000_000_000..100_000_000_000_000 => 3,
            100_000_000_000_000..100_000_000_000_000_000 => 0,
            100_000_000_000_000_000..100_000_000_000_000_000_000 => -3,
            _ => return None,
        };
        let wall = i64::try_from(number.scaled_down(scale)?).ok()?;
        (EARLIEST..=LATEST).contains(&wall).then_some(Self { wall, offset_seconds: Some(0) })
    }
}

/// What of a text is still to be read.
struct Rest<'t>(&'t [u8]);

impl Rest<'_> {
    fn date(&mut self) -> Option<i64> {
        let year = self.two()? * 100 + self.two()?;
        let separator = self.take_any(b"-/")?;
        let month = self.two()?;
        self.take_any(&[separator])?;
        days_since_epoch(year, month, self.two()?)
    }

    /// The microseconds since midnight; `23:59:60` is the midnight that follows it.
    fn time(&mut self) -> Option<i64> {
        let hour = self.two()?;
        self.take_any(b":")?;
        let minute = self.two()?;
        let mut micros = 0;
        let mut second = 0;
        if self.take_any(b":").is_some() {
            second = self.two()?;
            if self.take_any(b".,").is_some() {
                micros = self.fraction()?;
            }
        }
        let leap_second = (hour, minute, second) == (23, 59, 60);
        if hour > 23 || minute > 59 || (second > 59 && !leap_second) {
            return None;
        }
        Some((hour * 3600 + minute * 60 + second) * MICROS_PER_SECOND + micros)
    }

    /// Digits of a second; those beyond microseconds are cut.
    fn fraction(&mut self) -> Option<i64> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let micros = (0..6).fold(0, |micros, place| {
            let digit = if place < digits { i64::from(self.0[place] - b'0') } else { 0 };
            micros * 10 + digit
        });
        self.0 = &self.0[digits..];
        (digits > 0).then_some(micros)
    }

    /// The offset that ends the text: the outer option is empty where the text does not end so.
    fn offset(&mut self) -> Option<Option<i64>> {
        let spaced = self.take_any(b" ").is_some();
        match self.0 {
            [] if !spaced => return Some(None),
            b"Z" | b"z" | b"UTC" | b"GMT" => return Some(Some(0)),
            _ => {}
        }
        let sign = if self.take_any(b"+-")? == b'-' { -1 } else { 1 };
        let hours = self.two()?;
        let minutes = match self.0 {
            [] => 0,
            _ => {
                let _colon = self.take_any(b":");
                self.two()?
            }
        };
        let valid = self.0.is_empty() && hours <= 18 && minutes <= 59;
        valid.then_some(Some(sign * (hours * 3600 + minutes * 60)))
    }

    fn two(&mut self) -> Option<i64> {
        let (pair, rest) = self.0.split_first_chunk::<2>()?;
        self.0 = rest;
        two_digits(*pair)
    }

    fn take_any(&mut self, wanted: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        if !wanted.contains(first) {
            return None;
        }
        self.0 = rest;
        Some(*first)
    }
}

#[inline]
fn two_digits([tens, ones]: [u8; 2]) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then_some(i64::from(tens) * 10 + i64::from(ones))
}

/// The days from 1970-01-01 to a date of the years 1 to 9999.
#[inline]
fn days_since_epoch(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let month_length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if year == 0 || day == 0 || day > month_length {
        return None;
    }
    // Years are counted from March, so that the leap day is the last of its year.
    let shifted_year = year - i64::from(month <= 2);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let days = shifted_year * 365 + shifted_year / 4 - shifted_year / 100 + shifted_year / 400 + day_of_year;
    Some(days - 719_468)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate};

    use super::*;

    fn instant(text: &str) -> Option<i64> {
        Written::parse(text.as_bytes())?.instant()
    }

    fn expected(text: &str) -> Option<i64> {
        Some(DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros())
    }

    #[test]
    fn every_day_has_its_number() {
        let mut date = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
        let last = NaiveDate::from_ymd_opt(9999, 12, 31).unwrap();
        while date < last {
            let text = date.format("%Y-%m-%d").to_string();
            let days = Written::parse(text.as_bytes()).and_then(Written::date);
            assert_eq!(days.map(i64::from), Some(i64::from(date.to_epoch_days())), "{text}");
            date = date.succ_opt().unwrap();
        }
    }

    #[test]
    fn instants_are_read_in_all_their_forms() {
        for (text, same) in [
            ("2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"),
            ("2024-02-29t23:59:59z", "2024-02-29T23:59:59Z"),
            ("2024-02-29 23:59:59", "2024-02-29T23:59:59Z"),
            ("2024/02/29 23:59", "2024-02-29T23:59:00Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z"),
            ("20240229", "2024-02-29T00:00:00Z"),
            (" 2024-02-29T23:59:59.5Z ", "2024-02-29T23:59:59.500Z"),
            ("2024-02-29T23:59:59,123456789+05:30", "2024-02-29T23:59:59.123456+05:30"),
            ("2024-02-29T23:59:59-0800", "2024-02-29T23:59:59-08:00"),
            ("2024-02-29T23:59:59+01", "2024-02-29T23:59:59+01:00"),
            ("2024-02-29 23:59:59 +0000", "2024-02-29T23:59:59Z"),
            ("2024-02-29 23:59:59 UTC", "2024-02-29T23:59:59Z"),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
            ("1700000000", "2023-11-14T22:13:20Z"),
            ("1700000000123", "2023-11-14T22:13:20.123Z"),
            ("1700000000.1234567", "2023-11-14T22:13:20.123456Z"),
            ("-1700000000", "1916-02-18T01:46:40Z"),
            ("0", "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(instant(text), expected(same), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in [
            "",
            "soon",
            "2024",
            "202402",
            "2024-02-30",
            "2023-02-29",
            "0000-00-00",
            "2024-13-01",
            "2024-02-29T",
            "2024-02-29T24:00:00Z",
            "2024-02-29T23:60:00Z",
            "2024-02-29T12:30:60Z",
            "2024-02-29T12:30:00.Z",
            "2024-02-29T12:30:00+25:00",
            "2024-02-29T12:30:00+1",
            "2024-02-29T12:30:00Zulu",
            "2024-2-9",
            "02/03/2024",
            "2024-02/03",
            "20241301",
            "99999999999999999999999",
            "0001-01-01T00:00:00+01:00",
            "2024-02-29T12:30:00 ",
            "2024-02-29 12:30:00  UTC",
        ]
        .iter()
        .filter(|text| text.trim() == **text)
        {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn dates_and_wall_clocks_lose_nothing() {
        let written = |text: &str| Written::parse(text.as_bytes()).unwrap();
        assert_eq!(written("1970-01-02T00:00:00+02:00").date(), Some(1));
        assert_eq!(written("1969-12-31").date(), Some(-1));
        assert_eq!(written("1970-01-02T00:00:01Z").date(), None);
        assert_eq!(written("1970-01-02T00:00:01Z").wall_clock(), Some(MICROS_PER_DAY + MICROS_PER_SECOND));
        assert_eq!(written("1970-01-02T00:00:01+02:00").wall_clock(), None);
    }
}
