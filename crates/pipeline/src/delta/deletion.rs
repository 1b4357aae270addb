//! Rows that a commit marks as deleted.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use delta_kernel::actions::deletion_vector::DeletionVectorDescriptor;
use delta_kernel::actions::deletion_vector_writer::DeletionVector;
use delta_kernel::{Engine as _, KernelError, KernelResult};
use lakeflow_interface::{Error, ErrorKind, Result};
use object_store::ObjectStoreExt;
use object_store::path::Path;
use roaring::RoaringTreemap;

use super::storage::{internal_error, kernel_error, storage_error};
use super::table::DeltaTable;

/// The first bytes of a bitmap in the portable form, the only one in files.
const PORTABLE_MAGIC: u32 = 1_681_511_377;
/// The size before a vector and the checksum after it.
const FRAME_BYTES: u64 = 8;

/// Places of rows that a commit marks as deleted: positions within data files, by the files' paths.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeletedRows {
    files: BTreeMap<Arc<str>, RoaringTreemap>,
}

impl DeletedRows {
    /// Adds one row; adding it again changes nothing.
    pub fn insert(&mut self, file: &Arc<str>, position: u64) {
        self.files.entry(Arc::clone(file)).or_default().insert(position);
    }

    /// Adds rows of one file.
    pub fn extend(&mut self, file: &Arc<str>, positions: impl IntoIterator<Item = u64>) {
        let mut positions: Vec<u64> = positions.into_iter().collect();
        positions.sort_unstable();
        positions.dedup();
        // What is in order is made a bitmap many times faster than one by one.
        let rows = RoaringTreemap::from_sorted_iter(positions.iter().copied());
        let rows = rows.unwrap_or_else(|_| positions.into_iter().collect());
        match self.files.get_mut(file) {
            Some(all) => *all |= rows,
            None if rows.is_empty() => {}
            None => drop(self.files.insert(Arc::clone(file), rows)),
        }
    }

    /// The number of rows.
    pub fn len(&self) -> u64 {
        self.files.values().map(RoaringTreemap::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The rows by file.
    pub(crate) fn files(&self) -> &BTreeMap<Arc<str>, RoaringTreemap> {
        &self.files
    }
}

/// Positions of rows within one file.
pub(crate) type Vector = RoaringTreemap;

/// A vector as the kernel's writer wants it.
pub(crate) struct Marked(pub(crate) Vector);

impl DeletionVector for Marked {
    type IndexIterator = roaring::treemap::IntoIter;

    fn into_iter(self) -> Self::IndexIterator {
        self.0.into_iter()
    }

    /// The bitmap as it is; what the kernel has for all vectors would add the positions to another one, one by one.
    fn serialize(self) -> KernelResult<Bytes> {
        let mut bytes = Vec::with_capacity(self.0.serialized_size());
        self.0.serialize_into(&mut bytes).map_err(KernelError::generic_err)?;
        Ok(bytes.into())
    }

    fn cardinality(&self) -> u64 {
        self.0.len()
    }
}

/// The file that holds a deletion vector; none where the vector is in the log itself.
pub(crate) fn vector_file(table: &DeltaTable, descriptor: &DeletionVectorDescriptor) -> Result<Option<Path>> {
    let url = descriptor
        .absolute_path(table.location())
        .map_err(|cause| kernel_error("a deletion vector in the log is not valid", cause))?;
    let path = url.map(|url| Path::from_url_path(url.path())).transpose();
    path.map_err(|cause| internal_error("a deletion vector has no path", cause))
}

/// Reads one deletion vector, and nothing else of the file that it is in.
pub(crate) async fn read_vector(table: &DeltaTable, descriptor: &DeletionVectorDescriptor) -> Result<Vector> {
    let failed = |cause| kernel_error("a deletion vector cannot be read", cause);
    let Some(path) = vector_file(table, descriptor)? else {
        let (reader, descriptor) = (table.clone(), descriptor.clone());
        let read = move || descriptor.read(reader.engine().storage_handler(), reader.location()).map_err(failed);
        return table.blocking(read).await;
    };
    let start = descriptor.offset.map_or(1, |offset| u64::from(offset.unsigned_abs()));
    let size = descriptor.size_in_bytes.unsigned_abs();
    let bytes = table
        .store()
        .get_range(&path, start..start + u64::from(size) + FRAME_BYTES)
        .await
        .map_err(|cause| storage_error("a deletion vector cannot be read", cause))?;
    decode(&bytes, size).map_err(|cause| {
        Error::new(ErrorKind::Storage, "a deletion vector is damaged")
            .with_context("file", path.as_ref())
            .with_cause(cause)
    })
}

/// The vector within its frame: size (big endian), magic number (little endian), bitmap, CRC-32 of the two (big endian).
fn decode(frame: &[u8], size: u32) -> Result<Vector, Box<dyn std::error::Error + Send + Sync>> {
    let (stored_size, rest) = frame.split_first_chunk::<4>().ok_or("it is cut off")?;
    let (body, checksum) = rest.split_last_chunk::<4>().ok_or("it is cut off")?;
    let (magic, bitmap) = body.split_first_chunk::<4>().ok_or("it is cut off")?;
    if u32::from_be_bytes(*stored_size) != size || u32::from_le_bytes(*magic) != PORTABLE_MAGIC {
        return Err("it has another size or form than the log says".into());
    }
    if u32::from_be_bytes(*checksum) != crc32fast::hash(body) {
        return Err("its checksum does not match".into());
    }
    Ok(Vector::deserialize_from(bitmap)?)
}

#[cfg(test)]
mod tests {
    use delta_kernel::actions::deletion_vector_writer::StreamingDeletionVectorWriter;

    use super::*;

    #[test]
    fn written_vector_is_read_and_damage_is_found() {
        let vector: Vector = [1, 5, 70_000, u64::from(u32::MAX) + 3].into_iter().collect();
        let mut file = Vec::new();
        let mut writer = StreamingDeletionVectorWriter::new(&mut file);
        let written = writer.write_deletion_vector(Marked(vector.clone())).unwrap();
        let size = written.size_in_bytes.unsigned_abs();
        assert_eq!(decode(&file[1..], size).unwrap(), vector);
        assert!(decode(&file[1..], size + 1).is_err());
        assert!(decode(&file[1..20], size).is_err());
        let middle = file.len() / 2;
        file[middle] ^= 1;
        assert!(decode(&file[1..], size).is_err());
    }

    #[test]
    fn row_deleted_twice_counts_once() {
        let mut deleted = DeletedRows::default();
        let file = Arc::from("a.parquet");
        deleted.extend(&file, [3, 4]);
        deleted.insert(&file, 4);
        deleted.extend(&Arc::from("b.parquet"), []);
        assert_eq!((deleted.len(), deleted.files().len()), (2, 1));
    }
}
