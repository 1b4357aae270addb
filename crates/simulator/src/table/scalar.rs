//! The value of one field, and how it compares with others and with what clients write.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::node::Literal;
use crate::definition::{Json, Operator};
use crate::instant;
use crate::pattern::matches_text;

/// The value of one field of one row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    /// Milliseconds since 1970.
    Instant(i64),
    Text(Cow<'a, str>),
}

impl<'a> From<&'a Literal> for Scalar<'a> {
    fn from(literal: &'a Literal) -> Self {
        match literal {
            Literal::Null => Self::Null,
            Literal::Bool(value) => Self::Bool(*value),
            Literal::Integer(value) => Self::Integer(*value),
            Literal::Float(value) => Self::Float(*value),
            Literal::Text { plain, .. } => Self::Text(Cow::Borrowed(plain)),
        }
    }
}

impl Scalar<'_> {
    /// A value that a client wrote, of the type that the field otherwise has.
    pub(crate) fn written(value: &Json, usual: &Self) -> Scalar<'static> {
        match value {
            Json::Null | Json::List(_) | Json::Object(_) => Scalar::Null,
            Json::Bool(value) => Scalar::Bool(*value),
            Json::Integer(value) if matches!(usual, Scalar::Instant(_)) => {
                instant::parse(&value.to_string()).map_or(Scalar::Integer(*value), Scalar::Instant)
            }
            Json::Integer(value) => Scalar::Integer(*value),
            Json::Float(value) => Scalar::Float(*value),
            Json::Text(text) => match usual {
                Scalar::Instant(_) => instant::parse(text).map(Scalar::Instant),
                Scalar::Integer(_) => text.parse().ok().map(Scalar::Integer),
                Scalar::Float(_) => text.parse().ok().map(Scalar::Float),
                Scalar::Bool(_) => text.parse().ok().map(Scalar::Bool),
                Scalar::Null | Scalar::Text(_) => None,
            }
            .unwrap_or_else(|| Scalar::Text(Cow::Owned(text.clone()))),
        }
    }

    /// The order of two values of a field; nulls come last.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (Self::Bool(left), Self::Bool(right)) => left.cmp(right),
            (Self::Integer(left), Self::Integer(right)) | (Self::Instant(left), Self::Instant(right)) => {
                left.cmp(right)
            }
            _ => match (self.as_float(), other.as_float()) {
                (Some(left), Some(right)) => left.total_cmp(&right),
                _ => self.rank().cmp(&other.rank()),
            },
        }
    }

    /// The same without what it borrows.
    pub(crate) fn into_owned(self) -> Scalar<'static> {
        match self {
            Self::Null => Scalar::Null,
            Self::Bool(value) => Scalar::Bool(value),
            Self::Integer(value) => Scalar::Integer(value),
            Self::Float(value) => Scalar::Float(value),
            Self::Instant(value) => Scalar::Instant(value),
            Self::Text(value) => Scalar::Text(Cow::Owned(value.into_owned())),
        }
    }

    fn as_float(&self) -> Option<f64> {
        match self {
            Self::Integer(value) | Self::Instant(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Integer(_) | Self::Float(_) | Self::Instant(_) => 1,
            Self::Text(_) => 2,
            Self::Null => 3,
        }
    }
}

/// A value that a client wrote, read in every way that a field may need.
#[derive(Clone, Debug)]
pub(crate) struct Comparand {
    text: String,
    integer: Option<i64>,
    float: Option<f64>,
    instant: Option<i64>,
}

impl Comparand {
    /// Reads a value.
    pub(crate) fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            integer: text.parse().ok(),
            float: text.parse().ok(),
            instant: instant::parse(text),
        }
    }

    /// The value as it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The instant that it may be.
    pub(crate) fn instant(&self) -> Option<i64> {
        self.instant
    }

    /// The same so many milliseconds later, where it is an instant; the numbers that it may be are that instant then.
    pub(crate) fn later(self, millis: i64) -> Self {
        let Some(instant) = self.instant.map(|instant| instant + millis) else { return self };
        Self { instant: Some(instant), integer: Some(instant / 1_000), float: None, ..self }
    }

    /// Whether it can be compared with this value at all.
    pub(crate) fn suits(&self, value: &Scalar<'_>) -> bool {
        matches!(value, Scalar::Null) || self.against(value).is_some()
    }

    /// How a value of a field stands to it; nothing where the two cannot be compared.
    pub(crate) fn against(&self, value: &Scalar<'_>) -> Option<Ordering> {
        match value {
            Scalar::Null => None,
            Scalar::Bool(value) => {
                let wanted = match self.text.as_str() {
                    "true" | "1" => true,
                    "false" | "0" => false,
                    _ => return None,
                };
                Some(value.cmp(&wanted))
            }
            Scalar::Integer(value) => match self.integer {
                Some(wanted) => Some(value.cmp(&wanted)),
                None => self.float.map(|wanted| (*value as f64).total_cmp(&wanted)),
            },
            Scalar::Float(value) => self.float.map(|wanted| value.total_cmp(&wanted)),
            Scalar::Instant(value) => self.instant.map(|wanted| value.cmp(&wanted)),
            Scalar::Text(value) => Some(value.as_ref().cmp(self.text.as_str())),
        }
    }
}

/// Whether a value passes a filter; `wanted` has several members for `in` only. A null only passes `ne`.
pub(crate) fn passes(value: &Scalar<'_>, operator: Operator, wanted: &[Comparand]) -> bool {
    let any = |accept: fn(Ordering) -> bool| wanted.iter().any(|one| one.against(value).is_some_and(accept));
    match operator {
        Operator::Eq | Operator::In => any(Ordering::is_eq),
        Operator::Ne | Operator::NotIn => !any(Ordering::is_eq),
        Operator::Like => match value {
            Scalar::Text(text) => wanted.iter().any(|one| matches_text(&one.text, text)),
            _ => any(Ordering::is_eq),
        },
        Operator::Present => *value != Scalar::Null,
        Operator::Absent => *value == Scalar::Null,
        Operator::Gt => any(Ordering::is_gt),
        Operator::Gte => any(Ordering::is_ge),
        Operator::Lt => any(Ordering::is_lt),
        Operator::Lte => any(Ordering::is_le),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_compare_by_the_type_of_the_field() {
        let gte = |value: Scalar<'_>, text: &str| passes(&value, Operator::Gte, &[Comparand::new(text)]);
        assert!(gte(Scalar::Integer(10), "9"));
        assert!(!gte(Scalar::Text("10".into()), "9"));
        assert!(gte(Scalar::Instant(1_700_000_000_000), "2023-11-14T23:13:20+01:00"));
        assert!(!gte(Scalar::Integer(10), "many"));
        assert!(passes(&Scalar::Bool(true), Operator::Eq, &[Comparand::new("true")]));
    }

    #[test]
    fn null_passes_only_ne() {
        for operator in [Operator::Eq, Operator::Gt, Operator::Gte, Operator::Lt, Operator::Lte, Operator::In] {
            assert!(!passes(&Scalar::Null, operator, &[Comparand::new("")]), "{operator:?}");
        }
        assert!(passes(&Scalar::Null, Operator::Ne, &[Comparand::new("open")]));
    }

    #[test]
    fn nulls_sort_last() {
        let mut values = vec![Scalar::Null, Scalar::Integer(2), Scalar::Float(1.5)];
        values.sort_by(Scalar::order);
        assert_eq!(values, [Scalar::Float(1.5), Scalar::Integer(2), Scalar::Null]);
    }
}
