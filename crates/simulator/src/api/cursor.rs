//! Cursors: the place of a row in a listing, as a client hands it back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::query::Position;
use crate::state::Moment;
use crate::table::Scalar;

/// A cursor as it was handed out.
#[derive(Debug, PartialEq)]
pub(crate) struct Cursor {
    /// The last row before it; none where there was no row yet.
    pub(crate) position: Option<Position>,
    /// The parameters that it remembers.
    pub(crate) query: Vec<(String, String)>,
}

/// The key, the moment and the number of a row, as a cursor writes them.
type Written = (Value, Option<Moment>, u64);

impl Cursor {
    /// The cursor as text that means nothing to who gets it.
    pub(crate) fn encode(&self) -> String {
        let position = self.position.as_ref().map(|position| {
            let key = match &position.key {
                Scalar::Null => Value::Null,
                Scalar::Bool(value) => json!(["b", value]),
                Scalar::Integer(value) => json!(["n", value]),
                Scalar::Float(value) => json!(["f", value]),
                Scalar::Instant(value) => json!(["t", value]),
                Scalar::Text(value) => json!(["s", value]),
            };
            json!([key, position.moment, position.slot])
        });
        URL_SAFE_NO_PAD.encode(json!([position, self.query]).to_string())
    }

    /// Reads a cursor; nothing where it is none of ours.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (position, query): (Option<Written>, Vec<(String, String)>) = serde_json::from_slice(&bytes).ok()?;
        let position = match position {
            None => None,
            Some((key, moment, slot)) => Some(Position { key: scalar(&key)?, moment, slot }),
        };
        Some(Self { position, query })
    }
}

fn scalar(key: &Value) -> Option<Scalar<'static>> {
    let value = &key[1];
    match key[0].as_str() {
        None => Some(Scalar::Null),
        Some("b") => value.as_bool().map(Scalar::Bool),
        Some("n") => value.as_i64().map(Scalar::Integer),
        Some("f") => value.as_f64().map(Scalar::Float),
        Some("t") => value.as_i64().map(Scalar::Instant),
        Some("s") => value.as_str().map(|text| Scalar::Text(text.to_owned().into())),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_survives_being_written_and_read() {
        for key in [Scalar::Null, Scalar::Integer(-7), Scalar::Instant(1_700_000_000_000), Scalar::Text("ä/b".into())]
        {
            let position = Some(Position { key, moment: Some((5, 2)), slot: 41 });
            let cursor = Cursor { position, query: vec![("status".into(), "any".into())] };
            assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        }
        assert_eq!(Cursor::decode("no-cursor"), None);
    }
}
