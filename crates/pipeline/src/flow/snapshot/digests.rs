//! Digests of rows, spread over a temporary file by their keys, so that two tables are compared part by part.

use std::io::{Read, Seek, SeekFrom, Write};

use lakeflow_interface::{Error, ErrorKind, Result};
use tempfile::SpooledTempFile;

use super::super::keys::Digest;

/// The number of parts; each is held in memory while it is compared.
const PARTS: usize = 128;
/// The bytes that stay in memory before they go to disk.
const SPOOL_BYTES: usize = 4 << 20;
const ENTRY_BYTES: usize = 40;
/// The bytes of one part that are written at a time.
const CHUNK_BYTES: usize = 200 * ENTRY_BYTES;

/// A row's key, its content and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: Digest,
    pub(super) row: Digest,
    pub(super) place: u64,
}

/// The digests of a table, in parts by key: chunks in one file.
pub(super) struct Digests {
    file: SpooledTempFile,
    length: u64,
    parts: Vec<Part>,
}

#[derive(Default)]
struct Part {
    /// Where the part's chunks begin in the file.
    chunks: Vec<u64>,
    /// The chunk that grows.
    open: Vec<u8>,
}

impl Digests {
    pub(super) fn new() -> Self {
        let parts = std::iter::repeat_with(Part::default).take(PARTS).collect();
        Self { file: SpooledTempFile::new(SPOOL_BYTES), length: 0, parts }
    }

    pub(super) fn push(&mut self, entry: Entry) -> Result<()> {
        let part = &mut self.parts[(entry.key >> 64) as usize % PARTS];
        part.open.extend_from_slice(&entry.key.to_le_bytes());
        part.open.extend_from_slice(&entry.row.to_le_bytes());
        part.open.extend_from_slice(&entry.place.to_le_bytes());
        if part.open.len() == CHUNK_BYTES {
            self.file.write_all(&part.open).map_err(temporary)?;
            part.chunks.push(self.length);
            part.open.clear();
            self.length += CHUNK_BYTES as u64;
        }
        Ok(())
    }

    /// The entries part by part, those of a part in the order in which they came.
    pub(super) fn into_parts(mut self) -> impl Iterator<Item = Result<Vec<Entry>>> {
        let parts = std::mem::take(&mut self.parts);
        parts.into_iter().map(move |part| part.read(&mut self.file))
    }
}

impl Part {
    fn read(self, file: &mut SpooledTempFile) -> Result<Vec<Entry>> {
        let mut entries = Vec::with_capacity((self.chunks.len() * CHUNK_BYTES + self.open.len()) / ENTRY_BYTES);
        let mut chunk = vec![0; CHUNK_BYTES];
        for start in self.chunks {
            file.seek(SeekFrom::Start(start)).map_err(temporary)?;
            file.read_exact(&mut chunk).map_err(temporary)?;
            entries.extend(chunk.as_chunks().0.iter().map(Entry::from_bytes));
        }
        entries.extend(self.open.as_chunks().0.iter().map(Entry::from_bytes));
        Ok(entries)
    }
}

impl Entry {
    fn from_bytes(bytes: &[u8; ENTRY_BYTES]) -> Self {
        let digest = |from: usize| {
            let mut number = [0; 16];
            number.copy_from_slice(&bytes[from..from + 16]);
            Digest::from_le_bytes(number)
        };
        let mut place = [0; 8];
        place.copy_from_slice(&bytes[32..]);
        Self { key: digest(0), row: digest(16), place: u64::from_le_bytes(place) }
    }
}

/// An error of a temporary file.
pub(super) fn temporary(cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, "cannot use a temporary file for the snapshot")
        .with_context("folder", std::env::temp_dir().display().to_string())
        .with_hint("make room there, or point the environment variable `TMPDIR` elsewhere")
        .with_cause(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_come_back_part_by_part_in_order() {
        let entry = |number: u64| Entry {
            key: Digest::from(number) << 64 | 7,
            row: Digest::from(number).wrapping_mul(u128::MAX / 3),
            place: number,
        };
        let mut digests = Digests::new();
        for number in 0..200_000 {
            digests.push(entry(number)).unwrap();
        }
        let parts: Vec<Vec<Entry>> = digests.into_parts().collect::<Result<_>>().unwrap();
        assert_eq!(parts.len(), PARTS);
        for (part, entries) in parts.iter().enumerate() {
            let expected = (part as u64..200_000).step_by(PARTS).map(entry);
            assert!(entries.iter().copied().eq(expected));
        }
    }
}
