//! Writing records as JSON, and single fields as values.

use std::borrow::Cow;

use super::compile::rendered;
use super::node::{Literal, Name, Node, Part, Piece, Segment, Shift, ToldPart};
use super::row::{Place, Row};
use super::scalar::Scalar;
use crate::definition::{Json, write_json};
use crate::instant::{InstantFormat, write_integer, write_padded};
use crate::random::{below, between, mix};
use crate::vocabulary::push_escaped_text;

impl Row<'_> {
    /// Writes the whole record.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        Place::of(self, self.program.root).write(out);
    }
}

impl<'a> Place<'a> {
    /// Writes the value as JSON.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        let Some(place) = self.settle() else {
            out.extend_from_slice(b"null");
            return;
        };
        match place.content() {
            Node::Object { segments, .. } => {
                let start = out.len();
                place.write_segments(segments, out);
                place.write_over(start, out);
            }
            Node::Literal(literal) => out.extend_from_slice(&rendered(literal)),
            Node::List(items) => {
                write_list(items.iter().map(|item| place.with_node(*item)), out);
            }
            Node::Repeat { low, high, element } => {
                let length = between(place.draw(), *low, *high) as u64;
                write_list((0..length).map(|position| place.element(*element, position)), out);
            }
            Node::Row { part: Part::Fields(fields), .. } => {
                for (position, (key, _, link)) in fields.iter().enumerate() {
                    out.push(if position == 0 { b'{' } else { b',' });
                    out.extend_from_slice(key);
                    match place.pool_field(*link) {
                        Some(field) => field.write(out),
                        None => out.extend_from_slice(b"null"),
                    }
                }
                out.extend_from_slice(if fields.is_empty() { b"{}" } else { b"}" });
            }
            node => {
                let is_number =
                    matches!(node, Node::Number(_) | Node::Integer { .. } | Node::Decimal { .. } | Node::Bool { .. })
                        || node.instant_format().is_some_and(|format| !format.is_text());
                if is_number {
                    place.write_inner(out);
                } else {
                    out.push(b'"');
                    place.write_inner(out);
                    out.push(b'"');
                }
            }
        }
    }

    /// Lays what clients wrote over a record that begins at `start`.
    fn write_over(self, start: usize, out: &mut Vec<u8>) {
        if self.node == self.row.program.root
            && let Some(written) = self.row.written
            && let Ok(mut record) = serde_json::from_slice::<Json>(&out[start..])
        {
            written.merge_into(&mut record);
            out.truncate(start);
            write_json(&record, out);
        }
    }

    /// The value of a field that is not composite.
    pub(crate) fn value(self) -> Scalar<'a> {
        let Some(place) = self.settle() else { return Scalar::Null };
        match place.content() {
            Node::Literal(literal) => Scalar::from(literal),
            Node::Number(expression) => Scalar::Integer(expression.evaluate(&|name| place.number(name))),
            Node::Integer { low, high } => Scalar::Integer(between(place.draw(), *low, *high)),
            Node::Decimal { low, high, decimals } => {
                Scalar::Float(between(place.draw(), *low, *high) as f64 / 10_f64.powi(*decimals as i32))
            }
            Node::Bool { threshold } => Scalar::Bool(place.draw() < *threshold),
            Node::Timestamp { .. } | Node::Shifted { .. } => match place.instant() {
                Some((instant, _)) => Scalar::Instant(instant),
                None => Scalar::Null,
            },
            node if node.is_composite() => Scalar::Null,
            _ => Scalar::Text(Cow::Owned(place.text())),
        }
    }

    /// The instant that a timestamp's node stands for.
    fn instant(self) -> Option<(i64, InstantFormat)> {
        let row = self.row;
        if let (Some(moved), Some(format)) = (self.moved_cursor(), self.content().instant_format()) {
            return Some((format.truncate(moved), format));
        }
        match self.content() {
            Node::Timestamp { from, to, rows_per_instant, format } => {
                let instant = row.birth().unwrap_or_else(|| {
                    let last = row.world.slots(row.table).saturating_sub(1).max(1);
                    let group = (row.slot - row.slot % rows_per_instant).min(last);
                    let passed = i128::from(to - from) * i128::from(group) / i128::from(last);
                    row.world.now + from + passed as i64
                });
                Some((format.truncate(instant), *format))
            }
            Node::Shifted { base, shift, format } => {
                let Scalar::Instant(base) = self.follow(*base)?.value() else { return None };
                let Shift { sign, span, exact } = *shift;
                let distance = if exact { span } else { below(self.draw(), span as u64 + 1) as i64 };
                Some((format.truncate((base + sign * distance).min(row.latest())), *format))
            }
            _ => None,
        }
    }

    fn text(self) -> String {
        let mut quoted = vec![b'"'];
        self.write_inner(&mut quoted);
        if !quoted.contains(&b'\\') {
            quoted.remove(0);
            return String::from_utf8_lossy(&quoted).into_owned();
        }
        quoted.push(b'"');
        serde_json::from_slice(&quoted).unwrap_or_default()
    }

    fn write_segments(self, segments: &[Segment], out: &mut Vec<u8>) {
        for segment in segments {
            match segment {
                Segment::Bytes(bytes) => out.extend_from_slice(bytes),
                Segment::Value(node) => self.with_node(*node).write(out),
                Segment::Inner(node, piece) => {
                    let place = self.with_node(*node);
                    if let Node::Text(pieces) = place.content() {
                        place.write_piece(&pieces[*piece], out);
                    }
                }
            }
        }
    }

    /// Writes the value as it stands within a JSON string: without quotes, escaped; nothing for null.
    fn write_inner(self, out: &mut Vec<u8>) {
        let Some(place) = self.settle() else { return };
        let vocabularies = &place.row.world.vocabularies;
        match place.content() {
            Node::Literal(Literal::Text { escaped, .. }) => out.extend_from_slice(escaped),
            Node::Literal(literal) => out.extend_from_slice(&rendered(literal)),
            Node::Text(pieces) => pieces.iter().for_each(|piece| place.write_piece(piece, out)),
            Node::Number(expression) => write_integer(expression.evaluate(&|name| place.number(name)), out),
            Node::Integer { low, high } => write_integer(between(place.draw(), *low, *high), out),
            Node::Decimal { low, high, decimals } => write_decimal(between(place.draw(), *low, *high), *decimals, out),
            Node::Bool { threshold } => {
                out.extend_from_slice(if place.draw() < *threshold { b"true" } else { b"false" });
            }
            Node::Words { low, high, vocabulary } => {
                let random = place.draw();
                vocabularies.write_words(*vocabulary, mix(random, 1), between(random, *low, *high) as u64, out);
            }
            Node::Prose { low, high, vocabulary } => {
                let random = place.draw();
                vocabularies.write_text(*vocabulary, mix(random, 1), between(random, *low, *high) as u64, out);
            }
            Node::Hexadecimal { digits } => write_hexadecimal(place.draw(), *digits, out),
            Node::Uuid => write_uuid(place.draw(), out),
            Node::Timestamp { .. } | Node::Shifted { .. } => {
                if let Some((instant, format)) = place.instant() {
                    format.write(instant, out);
                }
            }
            Node::Encoded(value) => {
                let mut json = Vec::new();
                place.with_node(*value).write(&mut json);
                push_escaped_text(&String::from_utf8_lossy(&json), out);
            }
            Node::Told(part) => {
                let Some((told, feed)) = place.row.happening().zip(place.row.feed()) else { return };
                let source = &feed.sources[told.source];
                let text = match part {
                    ToldPart::Label => source.label(told.kind).unwrap_or_default(),
                    ToldPart::Corpus => &place.row.world.tables.get(source.table).name,
                };
                push_escaped_text(text, out);
            }
            // Composite values cannot stand in a string, and `settle` has passed through the others.
            Node::Object { .. }
            | Node::List(_)
            | Node::Repeat { .. }
            | Node::Row { .. }
            | Node::Choice { .. }
            | Node::Optional { .. }
            | Node::If { .. }
            | Node::Copy(_) => {}
        }
    }

    fn write_piece(self, piece: &Piece, out: &mut Vec<u8>) {
        match piece {
            Piece::Bytes(bytes) => out.extend_from_slice(bytes),
            Piece::Name(Name::Field(link)) => {
                if let Some(place) = self.follow(*link) {
                    place.write_inner(out);
                }
            }
            Piece::Name(name) => write_integer(self.number(name), out),
            Piece::Number { value, width, hexadecimal } => {
                let number = value.evaluate(&|name| self.number(name));
                if *hexadecimal {
                    out.extend_from_slice(format!("{number:0width$x}").as_bytes());
                } else {
                    write_padded(number, *width, out);
                }
            }
        }
    }
}

fn write_list<'a>(items: impl Iterator<Item = Place<'a>>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (position, item) in items.enumerate() {
        if position > 0 {
            out.push(b',');
        }
        item.write(out);
    }
    out.push(b']');
}

fn write_decimal(scaled: i64, decimals: u32, out: &mut Vec<u8>) {
    let power = 10_u64.pow(decimals);
    let magnitude = scaled.unsigned_abs();
    let sign = if scaled < 0 { "-" } else { "" };
    let text = match decimals {
        0 => format!("{sign}{magnitude}.0"),
        _ => format!("{sign}{}.{:0width$}", magnitude / power, magnitude % power, width = decimals as usize),
    };
    out.extend_from_slice(text.as_bytes());
}

fn write_hexadecimal(random: u64, digits: usize, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for position in 0..digits {
        let word = mix(random, position as u64 / 16);
        out.push(DIGITS[(word >> (position % 16 * 4) & 15) as usize]);
    }
}

fn write_uuid(random: u64, out: &mut Vec<u8>) {
    let start = out.len();
    for (position, digits) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if position > 0 {
            out.push(b'-');
        }
        write_hexadecimal(mix(random, position as u64), digits, out);
    }
    // Version 4, variant 1.
    out[start + 14] = b'4';
    out[start + 19] = b"89ab"[(random & 3) as usize];
}
