//! Leaving out files by their statistics.

use std::cmp::{max, min};

use arrow::array::{Array, AsArray};
use arrow::compute;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType,
};
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use lakeflow_interface::{ColumnPath, Result};
use parquet::file::statistics::Statistics;
use serde_json::Value;

use crate::delta::schema::locate;
use crate::delta::state::Layout;

/// The smallest and the greatest value of a column that somebody is interested in.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnRange {
    column: ColumnPath,
    bounds: Bounds,
}

#[derive(Clone, Debug, PartialEq)]
enum Bounds {
    Integer(i64, i64),
    Date(i64, i64),
    /// Microseconds since the epoch.
    Timestamp(i64, i64),
    Text(String, String),
}

impl ColumnRange {
    /// The range of the values of a column; none where there are no values, or of a type whose statistics say nothing.
    pub fn of(column: ColumnPath, values: &dyn Array) -> Option<Self> {
        let bounds = match values.data_type() {
            DataType::Int8 => integers::<Int8Type>(values)?,
            DataType::Int16 => integers::<Int16Type>(values)?,
            DataType::Int32 => integers::<Int32Type>(values)?,
            DataType::Int64 => integers::<Int64Type>(values)?,
            DataType::Date32 => {
                let (least, greatest) = extremes::<Date32Type>(values)?;
                Bounds::Date(least.into(), greatest.into())
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                let (least, greatest) = extremes::<TimestampMicrosecondType>(values)?;
                Bounds::Timestamp(least, greatest)
            }
            DataType::Utf8 => {
                let values = values.as_string::<i32>();
                Bounds::Text(compute::min_string(values)?.to_owned(), compute::max_string(values)?.to_owned())
            }
            _ => return None,
        };
        Some(Self { column, bounds })
    }

    /// The range that holds both; none where they are not of one column and type.
    pub fn union(self, other: &Self) -> Option<Self> {
        use Bounds::{Date, Integer, Text, Timestamp};
        if self.column != other.column {
            return None;
        }
        let bounds = match (self.bounds, &other.bounds) {
            (Integer(a, b), Integer(c, d)) => Integer(min(a, *c), max(b, *d)),
            (Date(a, b), Date(c, d)) => Date(min(a, *c), max(b, *d)),
            (Timestamp(a, b), Timestamp(c, d)) => Timestamp(min(a, *c), max(b, *d)),
            (Text(a, b), Text(c, d)) => Text(min(a, c.clone()), max(b, d.clone())),
            _ => return None,
        };
        Some(Self { column: self.column, bounds })
    }

    /// The range with the column's name in statistics.
    pub(super) fn placed(&self, layout: &Layout) -> Result<PlacedRange> {
        Ok(PlacedRange { path: physical_path(layout, &self.column)?, bounds: self.bounds.clone() })
    }
}

/// A column's path as data files and statistics name it.
pub(crate) fn physical_path(layout: &Layout, column: &ColumnPath) -> Result<Vec<String>> {
    let mut fields = layout.physical.fields();
    let mut path = Vec::new();
    for place in locate(layout.logical.fields(), column)? {
        path.push(fields[place].name().clone());
        if let DataType::Struct(inner) = fields[place].data_type() {
            fields = inner;
        }
    }
    Ok(path)
}

fn integers<T: ArrowPrimitiveType<Native: Into<i64>>>(values: &dyn Array) -> Option<Bounds> {
    extremes::<T>(values).map(|(least, greatest)| Bounds::Integer(least.into(), greatest.into()))
}

fn extremes<T: ArrowPrimitiveType>(values: &dyn Array) -> Option<(T::Native, T::Native)> {
    let values = values.as_primitive_opt::<T>()?;
    Some((compute::min(values)?, compute::max(values)?))
}

/// A range of a column by its name in statistics.
pub(super) struct PlacedRange {
    path: Vec<String>,
    bounds: Bounds,
}

impl PlacedRange {
    pub(super) fn path(&self) -> &[String] {
        &self.path
    }

    /// Whether a row group may have a value within the range, by its statistics.
    pub(super) fn may_hold_group(&self, statistics: &Statistics) -> bool {
        let overlaps = |least: i64, greatest: i64, from: i64, to: i64| least <= to && greatest >= from;
        let overlap = match (&self.bounds, statistics) {
            (Bounds::Integer(from, to) | Bounds::Date(from, to), Statistics::Int32(stats)) => {
                let extremes = stats.min_opt().zip(stats.max_opt());
                extremes.map(|(least, greatest)| overlaps((*least).into(), (*greatest).into(), *from, *to))
            }
            (Bounds::Integer(from, to) | Bounds::Timestamp(from, to), Statistics::Int64(stats)) => {
                let extremes = stats.min_opt().zip(stats.max_opt());
                extremes.map(|(least, greatest)| overlaps(*least, *greatest, *from, *to))
            }
            (Bounds::Text(from, to), Statistics::ByteArray(stats)) => {
                let extremes = stats.min_opt().zip(stats.max_opt());
                let within = |least: &[u8], greatest: &[u8]| least <= to.as_bytes() && greatest >= from.as_bytes();
                extremes.map(|(least, greatest)| within(least.data(), greatest.data()))
            }
            // Of other types, and where a column had another type once, statistics say nothing.
            _ => None,
        };
        overlap.unwrap_or(true)
    }

    /// Whether a file may have a value within the range, by what its statistics say.
    pub(super) fn may_hold(&self, stats: Option<&str>) -> bool {
        let Some(stats) = stats.and_then(|text| serde_json::from_str::<Value>(text).ok()) else { return true };
        let (least, greatest) = (self.find(&stats, "minValues"), self.find(&stats, "maxValues"));
        match (least, greatest) {
            (Some(least), Some(greatest)) => self.overlaps(least, greatest).unwrap_or(true),
            _ => true,
        }
    }

    fn find<'a>(&self, stats: &'a Value, kind: &str) -> Option<&'a Value> {
        self.path.iter().try_fold(stats.get(kind)?, |value, name| value.get(name))
    }

    /// Whether the range overlaps what statistics say; none where they cannot be understood.
    fn overlaps(&self, least: &Value, greatest: &Value) -> Option<bool> {
        let overlaps = match &self.bounds {
            Bounds::Integer(from, to) => least.as_i64()? <= *to && greatest.as_i64()? >= *from,
            Bounds::Date(from, to) => days(least)? <= *to && days(greatest)? >= *from,
            // Statistics of timestamps are cut off to milliseconds.
            Bounds::Timestamp(from, to) => micros(least)? <= *to && micros(greatest)?.saturating_add(999) >= *from,
            // A greatest text that was cut off is made greater; the least one stays less when it is cut off.
            Bounds::Text(from, to) => least.as_str()? <= to.as_str() && greatest.as_str()? >= from.as_str(),
        };
        Some(overlaps)
    }
}

fn days(value: &Value) -> Option<i64> {
    let date: NaiveDate = value.as_str()?.parse().ok()?;
    Some(date.signed_duration_since(NaiveDate::default()).num_days())
}

fn micros(value: &Value) -> Option<i64> {
    let text = value.as_str()?;
    let with_zone = DateTime::parse_from_rfc3339(text).map(|instant| instant.timestamp_micros());
    with_zone.or_else(|_| text.parse::<NaiveDateTime>().map(|local| local.and_utc().timestamp_micros())).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Date32Array, Int64Array, StringArray, TimestampMicrosecondArray};

    use super::*;

    fn may_hold(values: ArrayRef, least: &str, greatest: &str) -> bool {
        let range = ColumnRange::of("k".parse().unwrap(), &values).unwrap();
        let stats = format!(r#"{{"numRecords":3,"minValues":{{"k":{least}}},"maxValues":{{"k":{greatest}}}}}"#);
        PlacedRange { path: vec!["k".to_owned()], bounds: range.bounds }.may_hold(Some(&stats))
    }

    #[test]
    fn file_is_left_out_only_where_statistics_rule_it_out() {
        let integers: ArrayRef = Arc::new(Int64Array::from(vec![Some(10), None, Some(20)]));
        assert!(may_hold(Arc::clone(&integers), "20", "30"));
        assert!(may_hold(Arc::clone(&integers), "0", "10"));
        assert!(!may_hold(Arc::clone(&integers), "21", "30"));
        assert!(!may_hold(Arc::clone(&integers), "0", "9"));
        assert!(may_hold(integers, "null", "30"));
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["m", "p"]));
        assert!(may_hold(Arc::clone(&texts), r#""a""#, r#""m""#));
        assert!(!may_hold(texts, r#""a""#, r#""lz""#));
        let dates: ArrayRef = Arc::new(Date32Array::from(vec![31]));
        assert!(may_hold(Arc::clone(&dates), r#""1970-02-01""#, r#""1970-02-01""#));
        assert!(!may_hold(dates, r#""1970-02-02""#, r#""1970-03-01""#));
    }

    #[test]
    fn timestamp_beyond_the_cut_off_millisecond_is_still_found() {
        let instants: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1_500_600]).with_timezone("UTC"));
        let (cut, before) = (r#""1970-01-01T00:00:01.500Z""#, r#""1970-01-01T00:00:01.499Z""#);
        assert!(may_hold(Arc::clone(&instants), cut, cut));
        assert!(!may_hold(Arc::clone(&instants), before, before));
        assert!(may_hold(instants, r#""1970-01-01T00:00:01.5""#, r#""1970-01-01T00:00:02""#));
    }

    #[test]
    fn union_holds_both_ranges() {
        let range = |values: Vec<i64>| ColumnRange::of("k".parse().unwrap(), &Int64Array::from(values)).unwrap();
        assert_eq!(range(vec![3, 5]).union(&range(vec![-1])), Some(range(vec![-1, 5])));
        assert_eq!(ColumnRange::of("k".parse().unwrap(), &Int64Array::from(vec![None::<i64>])), None);
    }
}
