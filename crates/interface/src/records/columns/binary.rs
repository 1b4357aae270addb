//! Columns of bytes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryBuilder};
use base64::Engine;
use base64::alphabet::{self, Alphabet};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::primitive::Reading;
use super::{Column, KeyColumn, Kind, Notes, Outcome, Value, reserve};
use crate::Result;
use crate::records::exact_number::short_integer;

const STANDARD: GeneralPurpose = lenient_padding(&alphabet::STANDARD);
const URL_SAFE: GeneralPurpose = lenient_padding(&alphabet::URL_SAFE);

const fn lenient_padding(alphabet: &Alphabet) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(alphabet, config)
}

#[derive(Default)]
pub(super) struct BinaryColumn {
    builder: BinaryBuilder,
}

impl Column for BinaryColumn {
    fn append(&mut self, value: Value<'_>, _notes: &mut Notes) -> Outcome {
        match read(value) {
            Reading::Value(bytes) => {
                self.builder.append_value(bytes);
                Outcome::Typed
            }
            Reading::Null => {
                self.builder.append_null();
                Outcome::Null
            }
            Reading::Bad => {
                self.builder.append_null();
                Outcome::Bad
            }
        }
    }

    fn append_nulls(&mut self, count: usize) {
        self.builder.append_nulls(count);
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let array = self.builder.finish();
        self.builder = BinaryBuilder::with_capacity(reserve(array.len()), reserve(array.values().len()));
        Ok(Arc::new(array))
    }
}

impl KeyColumn for BinaryColumn {
    fn fits(&self, value: Value<'_>) -> bool {
        matches!(read(value), Reading::Value(_))
    }
}

fn read(value: Value<'_>) -> Reading<Vec<u8>> {
    match value.kind() {
        Kind::Null => Reading::Null,
        Kind::String => Reading::fitting(value.as_str().and_then(|text| of_base64(text.trim()))),
        Kind::Array => Reading::fitting(value.items().map(byte).collect()),
        Kind::Bool(_) | Kind::Number(_) | Kind::Object => Reading::Bad,
    }
}

fn byte(value: Value<'_>) -> Option<u8> {
    match value.kind() {
        Kind::Number(text) => short_integer(text.as_bytes())?.try_into().ok(),
        _ => None,
    }
}

/// Either alphabet, padded or not, with line breaks or without.
fn of_base64(text: &str) -> Option<Vec<u8>> {
    if is_hexadecimal(text) {
        return None;
    }
    let engine = if text.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    if text.contains(['\r', '\n']) {
        return engine.decode(text.replace(['\r', '\n'], "")).ok();
    }
    engine.decode(text).ok()
}

/// Hexadecimal text is valid base64 too, but 16 or more characters of base64 are never so by chance.
fn is_hexadecimal(text: &str) -> bool {
    let bytes = text.as_bytes();
    let in_case = |letters: std::ops::RangeInclusive<u8>| {
        bytes.iter().all(|byte| byte.is_ascii_digit() || letters.contains(byte))
    };
    bytes.len() >= 16
        && bytes.len().is_multiple_of(2)
        && bytes.iter().any(u8::is_ascii_digit)
        && (in_case(b'a'..=b'f') || in_case(b'A'..=b'F'))
}
