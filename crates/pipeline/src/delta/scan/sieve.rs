//! Leaving out rows whose keys are none of those that somebody looks for, by one bit for many keys.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, downcast_primitive_array};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{ArrowNativeType, DataType};
use xxhash_rust::xxh3::xxh3_64;

/// Bits for each key: about a sixteenth of the other rows passes.
const BITS_PER_KEY: usize = 16;
/// An odd number whose bits look random (2^64 divided by the golden ratio).
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Keys, folded into a bitmap: a row that it holds back has none of them, a row that passes may have one.
///
/// Hashing a key and asking a map costs ten times as much, so of a large table only the rows that pass are asked about.
#[derive(Clone, Debug)]
pub struct KeySieve {
    types: Vec<DataType>,
    bits: Arc<[u64]>,
}

impl KeySieve {
    /// For keys in batches of the same columns; none where there are no keys, or columns that it cannot hash.
    pub fn of(batches: &[Vec<ArrayRef>]) -> Option<Self> {
        let types: Vec<DataType> = batches.first()?.iter().map(|column| column.data_type().clone()).collect();
        let keys: usize = batches.iter().filter_map(|columns| columns.first()).map(|column| column.len()).sum();
        let mut bits = vec![0_u64; (keys * BITS_PER_KEY).next_power_of_two().max(64) / 64];
        for columns in batches {
            for hash in hashes(columns)? {
                let bit = bit_of(hash, bits.len());
                bits[bit / 64] |= 1 << (bit % 64);
            }
        }
        Some(Self { types, bits: bits.into() })
    }

    /// The rows whose first columns may be one of the keys.
    pub(super) fn candidates(&self, columns: &[ArrayRef]) -> Option<BooleanBuffer> {
        let columns = columns.get(..self.types.len())?;
        let is_same = columns.iter().zip(&self.types).all(|(column, data_type)| column.data_type() == data_type);
        let hashes = if is_same { hashes(columns)? } else { return None };
        Some(BooleanBuffer::collect_bool(hashes.len(), |row| {
            let bit = bit_of(hashes[row], self.bits.len());
            self.bits[bit / 64] >> (bit % 64) & 1 == 1
        }))
    }
}

/// A hash's place among the bits of a power of two of words: its topmost bits, which all of the key has touched.
fn bit_of(hash: u64, words: usize) -> usize {
    (hash >> (58 - words.trailing_zeros())) as usize
}

/// The hashes of keys; none where a column has a type without a cheap one.
fn hashes(columns: &[ArrayRef]) -> Option<Vec<u64>> {
    let mut hashes = vec![0; columns.first()?.len()];
    for column in columns {
        downcast_primitive_array!(
            column => mix(&mut hashes, column, |row| column.value(row).as_usize() as u64),
            DataType::Utf8 => {
                let texts = column.as_string::<i32>();
                mix(&mut hashes, texts, |row| xxh3_64(texts.value(row).as_bytes()));
            },
            _ => return None
        );
    }
    Some(hashes)
}

/// Mixes a column's values into hashes; all nulls are one value.
fn mix(hashes: &mut [u64], column: &dyn Array, value: impl Fn(usize) -> u64) {
    let nulls = column.nulls().filter(|nulls| nulls.null_count() > 0);
    for (row, hash) in hashes.iter_mut().enumerate() {
        let value = if nulls.is_some_and(|nulls| nulls.is_null(row)) { SPREAD } else { value(row) };
        *hash = (hash.rotate_left(32) ^ value).wrapping_mul(SPREAD);
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{BooleanArray, Int64Array, StringArray};

    use super::*;

    fn numbers(values: impl IntoIterator<Item = Option<i64>>) -> ArrayRef {
        Arc::new(values.into_iter().collect::<Int64Array>())
    }

    #[test]
    fn all_keys_pass_and_most_others_do_not() {
        let keys = numbers((0..5_000).map(|key| Some(key * 7)));
        let sieve = KeySieve::of(&[vec![keys]]).unwrap();
        let passed = sieve.candidates(&[numbers((0..35_000).map(Some))]).unwrap();
        assert!((0..5_000).all(|key| passed.value(key * 7)));
        assert!(passed.count_set_bits() < 9_000, "{}", passed.count_set_bits());
    }

    #[test]
    fn composite_keys_pass_with_their_nulls() {
        let columns = || {
            let names: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("b"), None]));
            vec![numbers([Some(1), Some(2), None, None]), names]
        };
        let sieve = KeySieve::of(&[columns(), columns()]).unwrap();
        assert_eq!(sieve.candidates(&columns()).unwrap().count_set_bits(), 4);
        let others = vec![numbers([Some(3)]), Arc::new(StringArray::from(vec!["a"])) as ArrayRef];
        assert_eq!(sieve.candidates(&others).unwrap().count_set_bits(), 0);
    }

    #[test]
    fn column_without_a_cheap_hash_has_no_sieve() {
        let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true]));
        assert!(KeySieve::of(&[vec![flags]]).is_none());
        let sieve = KeySieve::of(&[vec![numbers([Some(1)])]]).unwrap();
        assert!(sieve.candidates(&[Arc::new(StringArray::from(vec!["1"]))]).is_none(), "a column of another type");
    }
}
