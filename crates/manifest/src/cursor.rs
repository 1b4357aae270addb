//! Cursors: the values by which changes are ordered, and how they are compared and written.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::datatypes::DataType;
use chrono::{DateTime, Duration, NaiveDate, NaiveDateTime, SecondsFormat, TimeZone, Utc};
use chrono_tz::Tz;
use lakeflow_interface::records::{Kind, Value};

pub(crate) use crate::definition::CursorFormat as Format;

/// A point in time, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(pub(crate) DateTime<Utc>);

impl Instant {
    /// Reads RFC 3339; without a zone it is UTC, and a date is its midnight.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
            return Some(Self(instant.to_utc()));
        }
        let without_zone = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
        if let Some(naive) = without_zone.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok()) {
            return Some(Self(naive.and_utc()));
        }
        let date: NaiveDate = text.parse().ok()?;
        Some(Self(date.and_hms_opt(0, 0, 0)?.and_utc()))
    }

    /// Reads seconds or, from the year 5138 on, milliseconds since 1970.
    fn from_epoch(text: &str) -> Option<Self> {
        let number: i64 = text.parse().ok()?;
        let is_seconds = number.abs() < 100_000_000_000;
        let instant =
            if is_seconds { DateTime::from_timestamp(number, 0) } else { DateTime::from_timestamp_millis(number) };
        instant.map(Self)
    }

    /// The instant so much later or earlier; days are those of the zone, which are not all 24 hours long.
    fn moved(self, by: Duration, zone: Tz) -> Option<Self> {
        if by.num_days() == 0 {
            return self.0.checked_add_signed(by).map(Self);
        }
        let date = self.0.with_timezone(&zone).date_naive().checked_add_signed(by)?;
        // Noon is on every day, whatever the clocks do.
        let noon = zone.from_local_datetime(&date.and_hms_opt(12, 0, 0)?).earliest()?;
        Some(Self(noon.to_utc()))
    }

    /// The instant as some source wants it; what has no zone of its own is of the given one.
    pub(crate) fn format(self, format: &Format, zone: Tz) -> String {
        let local = self.0.with_timezone(&zone);
        match format {
            Format::Rfc3339 => self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            Format::Date => local.format("%Y-%m-%d").to_string(),
            Format::EpochSeconds => self.0.timestamp().to_string(),
            Format::EpochMilliseconds => self.0.timestamp_millis().to_string(),
            Format::Pattern(pattern) => local.format(pattern).to_string(),
        }
    }
}

impl Format {
    /// The length of what one value stands for: a day for a date.
    pub(crate) fn unit(&self) -> Duration {
        let has = |fields: &[&str]| match self {
            Self::Pattern(pattern) => fields.iter().any(|field| pattern.contains(field)),
            _ => false,
        };
        match self {
            Self::EpochMilliseconds => Duration::milliseconds(1),
            Self::Date => Duration::days(1),
            Self::Rfc3339 | Self::EpochSeconds => Duration::seconds(1),
            Self::Pattern(_) if has(&["%f", "%3f", "%.3f"]) => Duration::milliseconds(1),
            Self::Pattern(_) if has(&["%S", "%T", "%s", "%c", "%+", "%X", "%r"]) => Duration::seconds(1),
            Self::Pattern(_) if has(&["%M", "%R"]) => Duration::minutes(1),
            Self::Pattern(_) if has(&["%H", "%I", "%k", "%l"]) => Duration::hours(1),
            Self::Pattern(_) => Duration::days(1),
        }
    }
}

/// What a column's cursors are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CursorKind {
    Instant,
    Number,
    /// Instants where the text is RFC 3339, else text.
    Text,
}

impl CursorKind {
    /// The kind of a column's cursors; nothing where its values have no order.
    pub(crate) fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Timestamp(..) | DataType::Date32 => Some(Self::Instant),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Self::Text),
            data_type if data_type.is_numeric() => Some(Self::Number),
            _ => None,
        }
    }

    /// Reads a value; nothing where it is `null` or of another kind.
    pub(crate) fn read(self, value: Value<'_>) -> Option<Cursor> {
        let is_number = matches!(value.kind(), Kind::Number(_));
        let text = value.scalar_text()?;
        match (self, is_number) {
            (Self::Instant, true) => {
                Some(Cursor { point: Point::Instant(Instant::from_epoch(&text)?), text: text.into() })
            }
            _ => self.parse(&text),
        }
    }

    /// Reads text, as it stands in an offset.
    pub(crate) fn parse(self, text: &str) -> Option<Cursor> {
        let point = match self {
            Self::Instant => Point::Instant(Instant::parse(text).or_else(|| Instant::from_epoch(text))?),
            Self::Number => Point::Number(text.parse().ok()?),
            Self::Text => Instant::parse(text).map_or_else(|| Point::Text(text.to_owned()), Point::Instant),
        };
        Some(Cursor { text: text.into(), point })
    }
}

/// A cursor: as the source wrote it, and what it means.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    pub(crate) text: Arc<str>,
    point: Point,
}

#[derive(Clone, Debug)]
enum Point {
    Instant(Instant),
    Number(f64),
    Text(String),
}

impl Cursor {
    /// The cursor of an instant.
    pub(crate) fn at(instant: DateTime<Utc>) -> Self {
        let instant = Instant(instant);
        Self { text: instant.format(&Format::Rfc3339, Tz::UTC).into(), point: Point::Instant(instant) }
    }

    /// The instant, where it is one.
    pub(crate) fn instant(&self) -> Option<DateTime<Utc>> {
        match self.point {
            Point::Instant(instant) => Some(instant.0),
            _ => None,
        }
    }

    /// Whether it is an instant behind another.
    pub(crate) fn is_after(&self, instant: DateTime<Utc>) -> bool {
        self.instant().is_some_and(|own| own > instant)
    }

    /// The cursor that lies so much before this one; itself where it is no instant.
    pub(crate) fn before(&self, span: Duration) -> Self {
        match self.instant().and_then(|instant| instant.checked_sub_signed(span)) {
            Some(earlier) if !span.is_zero() => Self::at(earlier),
            _ => self.clone(),
        }
    }

    /// Whether it is no more than `span` before another; the other itself always is.
    pub(crate) fn is_within(&self, span: Duration, other: &Self) -> bool {
        match (self.instant(), other.instant().and_then(|other| other.checked_sub_signed(span))) {
            (Some(own), Some(earliest)) => own >= earliest,
            _ => self >= other,
        }
    }

    /// The bound that a source gets, moved by one unit where the source would leave out the bound itself.
    pub(crate) fn bound(&self, format: Option<&Format>, shift: i32, zone: Tz) -> String {
        match &self.point {
            Point::Instant(instant) => {
                let format = format.unwrap_or(&Format::Rfc3339);
                instant.moved(format.unit() * shift, zone).unwrap_or(*instant).format(format, zone)
            }
            Point::Number(number) if shift != 0 => (number + f64::from(shift)).to_string(),
            _ => self.text.to_string(),
        }
    }
}

impl PartialEq for Cursor {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Cursor {}

impl PartialOrd for Cursor {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cursor {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.point, &other.point) {
            (Point::Instant(own), Point::Instant(other)) => own.cmp(other),
            (Point::Number(own), Point::Number(other)) => own.total_cmp(other),
            (Point::Text(own), Point::Text(other)) => own.cmp(other),
            _ => self.text.cmp(&other.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_compare_as_instants_and_numbers_as_numbers() {
        let parse = |kind: CursorKind, text: &str| kind.parse(text).unwrap();
        let instant = |text| parse(CursorKind::Instant, text);
        assert_eq!(instant("2026-01-01T12:00:00Z"), instant("2026-01-01T13:00:00+01:00"));
        assert!(instant("2026-01-01T12:00:00.5Z") > instant("2026-01-01T12:00:00Z"));
        assert!(parse(CursorKind::Number, "10") > parse(CursorKind::Number, "9"));
        assert!(parse(CursorKind::Text, "b10") < parse(CursorKind::Text, "b9"));
        assert_eq!(instant("2026-01-01T12:00:00Z"), instant("2026-01-01 12:00:00.000000"));
        assert_eq!(instant("2026-01-01T12:00:00Z"), instant("2026-01-01T12:00:00"));
        assert!(CursorKind::Instant.parse("soon").is_none());
    }

    #[test]
    fn exclusive_bound_moves_by_one_unit() {
        let cursor = CursorKind::Instant.parse("2026-01-01T00:00:00Z").unwrap();
        assert_eq!(cursor.bound(None, -1, Tz::UTC), "2025-12-31T23:59:59Z");
        assert_eq!(cursor.bound(Some(&Format::Date), -1, Tz::UTC), "2025-12-31");
        assert_eq!(CursorKind::Number.parse("7").unwrap().bound(None, -1, Tz::UTC), "6");
    }

    #[test]
    fn day_before_the_end_of_a_short_day_is_that_day() {
        let end = CursorKind::Instant.parse("2026-03-29T22:00:00Z").unwrap();
        assert_eq!(end.bound(Some(&Format::Date), -1, Tz::Europe__Berlin), "2026-03-29");
    }

    #[test]
    fn bound_is_written_as_the_source_wants_it() {
        let cursor = CursorKind::Instant.parse("2026-01-01T23:30:00Z").unwrap();
        let hour = Format::Pattern("%Y%m%dT%H".to_owned());
        assert_eq!(cursor.bound(Some(&hour), 0, Tz::UTC), "20260101T23");
        assert_eq!(cursor.bound(Some(&hour), 0, Tz::Europe__Berlin), "20260102T00");
        assert_eq!(cursor.bound(Some(&hour), -1, Tz::UTC), "20260101T22");
        assert_eq!(cursor.bound(Some(&Format::EpochSeconds), 0, Tz::Europe__Berlin), "1767310200");
    }
}
