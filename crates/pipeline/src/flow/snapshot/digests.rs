//! Digests of rows, spread over temporary files by their keys, so that two tables are compared part by part.

use std::io::{BufReader, Read, Seek, SeekFrom, Write};

use lakeflow_interface::{Error, ErrorKind, Result};
use tempfile::SpooledTempFile;

use super::super::keys::Digest;

/// The number of parts; each is held in memory while it is compared.
const PARTS: usize = 64;
/// The bytes of one part that stay in memory before it goes to disk.
const SPOOL_BYTES: usize = 64 * 1024;
/// The bytes of one part that are written at a time.
const BUFFER_BYTES: usize = 8 * 1024;
const ENTRY_BYTES: usize = 40;

/// A row's key, its content and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: Digest,
    pub(super) row: Digest,
    pub(super) place: u64,
}

/// The digests of a table, in parts by key.
pub(super) struct Digests {
    parts: Vec<Part>,
}

struct Part {
    file: SpooledTempFile,
    buffer: Vec<u8>,
    entries: usize,
}

impl Digests {
    pub(super) fn new() -> Self {
        let part = || Part { file: SpooledTempFile::new(SPOOL_BYTES), buffer: Vec::new(), entries: 0 };
        Self { parts: std::iter::repeat_with(part).take(PARTS).collect() }
    }

    pub(super) fn push(&mut self, entry: Entry) -> Result<()> {
        let part = &mut self.parts[(entry.key >> 64) as usize % PARTS];
        part.buffer.extend_from_slice(&entry.key.to_le_bytes());
        part.buffer.extend_from_slice(&entry.row.to_le_bytes());
        part.buffer.extend_from_slice(&entry.place.to_le_bytes());
        part.entries += 1;
        if part.buffer.len() >= BUFFER_BYTES { part.flush() } else { Ok(()) }
    }

    /// The entries part by part, those of a part in the order in which they came.
    pub(super) fn into_parts(self) -> impl Iterator<Item = Result<Vec<Entry>>> {
        self.parts.into_iter().map(Part::read)
    }
}

impl Part {
    fn flush(&mut self) -> Result<()> {
        self.file.write_all(&self.buffer).map_err(temporary)?;
        self.buffer.clear();
        Ok(())
    }

    fn read(mut self) -> Result<Vec<Entry>> {
        self.flush()?;
        self.file.seek(SeekFrom::Start(0)).map_err(temporary)?;
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, self.file);
        let mut bytes = [0; ENTRY_BYTES];
        let mut entries = Vec::with_capacity(self.entries);
        for _ in 0..self.entries {
            reader.read_exact(&mut bytes).map_err(temporary)?;
            entries.push(Entry::from_bytes(&bytes));
        }
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
