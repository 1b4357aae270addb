//! What identifies and orders rows: hashes of keys and of whole rows, sequences that compare as bytes.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use arrow::array::ArrayRef;
use arrow::row::{RowConverter, Rows, SortField};
use lakeflow_interface::{Error, ErrorKind, Result};
use xxhash_rust::xxh3::xxh3_128;

/// The 128-bit hash of a key or of a row.
pub(super) type Digest = u128;

/// A map by digest; a digest needs no further hashing.
pub(super) type DigestMap<V> = HashMap<Digest, V, BuildHasherDefault<Already>>;

/// A set of shortened digests.
pub(super) type ShortDigestSet = HashSet<u64, BuildHasherDefault<Already>>;

/// A digest as it is kept where a rare false match costs only time.
pub(super) fn shortened(digest: Digest) -> u64 {
    digest as u64
}

/// The hasher of what is a hash already.
#[derive(Default)]
pub(super) struct Already(u64);

impl Hasher for Already {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn write_u128(&mut self, value: u128) {
        self.0 = value as u64;
    }
}

/// Columns in a form whose bytes compare as the values do, nulls first.
pub(super) struct Comparable(RowConverter);

impl Comparable {
    /// For columns of the same types as these.
    pub(super) fn like(columns: &[ArrayRef]) -> Result<Self> {
        let fields = columns.iter().map(|array| SortField::new(array.data_type().clone())).collect();
        RowConverter::new(fields).map(Self).map_err(unusable)
    }

    /// The values, row by row.
    pub(super) fn rows(&self, columns: &[ArrayRef]) -> Result<Rows> {
        self.0.convert_columns(columns).map_err(unusable)
    }

    /// The values that rows of this stand for.
    pub(super) fn values<'a>(&self, rows: impl IntoIterator<Item = &'a [u8]>) -> Result<ArrayRef> {
        let parser = self.0.parser();
        let parsed = rows.into_iter().map(|bytes| parser.parse(bytes));
        let columns = self.0.convert_rows(parsed).map_err(unusable)?;
        let column = columns.into_iter().next();
        column.ok_or_else(|| Error::new(ErrorKind::Internal, "rows of no column have no values"))
    }

    /// The digests of the rows.
    pub(super) fn digests(&self, columns: &[ArrayRef]) -> Result<Vec<Digest>> {
        Ok(self.rows(columns)?.iter().map(|bytes| xxh3_128(bytes.as_ref())).collect())
    }

    /// The digests of the rows as keys: nothing for a row whose columns are all null.
    pub(super) fn keys(&self, columns: &[ArrayRef]) -> Result<Vec<Option<Digest>>> {
        let nulls: Vec<_> = columns.iter().map(|column| column.logical_nulls()).collect();
        let is_null = |row| nulls.iter().all(|nulls| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)));
        let digests = self.digests(columns)?.into_iter().enumerate();
        Ok(digests.map(|(row, digest)| (!is_null(row)).then_some(digest)).collect())
    }
}

fn unusable(cause: arrow::error::ArrowError) -> Error {
    Error::new(ErrorKind::Unsupported, "a column has a type whose values cannot be compared").with_cause(cause)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, RecordBatch, StringArray, StructArray};
    use arrow::buffer::NullBuffer;
    use arrow::datatypes::{DataType, Field};
    use lakeflow_interface::ColumnPath;

    use super::super::columns::columns;
    use super::*;

    fn paths(paths: &[&str]) -> Vec<ColumnPath> {
        paths.iter().map(|path| path.parse().unwrap()).collect()
    }

    fn batch() -> RecordBatch {
        let child: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(1), Some(2), None]));
        let parent = StructArray::new(
            vec![Field::new("id", DataType::Int64, true)].into(),
            vec![child],
            Some(NullBuffer::from(vec![true, false, true, true])),
        );
        let name: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("a"), None]));
        RecordBatch::try_from_iter_with_nullable([("owner", Arc::new(parent) as ArrayRef, true), ("name", name, true)])
            .unwrap()
    }

    fn keys(columns_of: &[&str]) -> Vec<Option<Digest>> {
        let columns = columns(&batch(), &paths(columns_of)).unwrap();
        Comparable::like(&columns).unwrap().keys(&columns).unwrap()
    }

    #[test]
    fn nested_key_is_null_where_its_parent_is() {
        let keys = keys(&["owner.id"]);
        assert!(keys[0].is_some() && keys[2].is_some() && keys[0] != keys[2]);
        assert_eq!((keys[1], keys[3]), (None, None));
    }

    #[test]
    fn composite_key_is_missing_only_where_all_parts_are_null() {
        let keys = keys(&["owner.id", "name"]);
        assert_eq!(keys.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true, false]);
        assert_ne!(keys[0], keys[2]);
    }

    #[test]
    fn null_sequence_comes_before_every_value() {
        let columns = columns(&batch(), &paths(&["owner.id"])).unwrap();
        let sequences = Comparable::like(&columns).unwrap().rows(&columns).unwrap();
        assert!(sequences.row(3) < sequences.row(0));
        assert!(sequences.row(0) < sequences.row(2));
        assert_eq!(sequences.row(1), sequences.row(3));
    }
}
