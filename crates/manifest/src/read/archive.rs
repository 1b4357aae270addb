//! Zip archives, file by file, in bounded memory.
//!
//! Only what exports use: stored and deflated files, also larger than 4 GiB.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Seek, SeekFrom};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

/// Most files of an archive.
const MOST_FILES: u64 = 100_000;

/// The largest directory of an archive, in bytes.
const LARGEST_DIRECTORY: u64 = 64 << 20;

/// The longest end of an archive: its fixed part and a comment.
const LONGEST_END: u64 = 22 + 65_535;

const END: u32 = 0x0605_4b50;
const LARGE_END: u32 = 0x0606_4b50;
const LARGE_LOCATOR: u32 = 0x0706_4b50;
const ENTRY: u32 = 0x0201_4b50;
const LOCAL: u32 = 0x0403_4b50;

/// One file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    is_deflated: bool,
    checksum: u32,
    packed: u64,
    unpacked: u64,
    offset: u64,
}

/// The files of an archive, folders left out.
pub(super) fn entries(archive: &mut (impl Read + Seek)) -> Result<Vec<Entry>> {
    let (count, length, offset) = directory(archive)?;
    if count > MOST_FILES || length > LARGEST_DIRECTORY {
        return Err(invalid(format!("more than {MOST_FILES} files in an archive")));
    }
    archive.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    archive.take(length).read_to_end(&mut bytes)?;
    let mut rest = bytes.as_slice();
    let mut entries = Vec::new();
    for _ in 0..count {
        let head = take(&mut rest, 46)?;
        if u32_at(head, 0) != ENTRY {
            return Err(invalid("a broken directory of an archive"));
        }
        let name = take(&mut rest, u16_at(head, 28).into())?;
        let extra = take(&mut rest, u16_at(head, 30).into())?;
        take(&mut rest, u16_at(head, 32).into())?;
        if name.ends_with(b"/") {
            continue;
        }
        if u16_at(head, 8) & 1 != 0 {
            return Err(invalid("a file of an archive that needs a password"));
        }
        let is_deflated = match u16_at(head, 10) {
            0 => false,
            8 => true,
            method => return Err(invalid(format!("the method of compression {method} in an archive"))),
        };
        let mut entry = Entry {
            is_deflated,
            checksum: u32_at(head, 16),
            packed: u32_at(head, 20).into(),
            unpacked: u32_at(head, 24).into(),
            offset: u32_at(head, 42).into(),
        };
        entry.read_large(extra)?;
        entries.push(entry);
    }
    Ok(entries)
}

/// The number of entries of the directory, its length and where it is.
fn directory(archive: &mut (impl Read + Seek)) -> Result<(u64, u64, u64)> {
    let length = archive.seek(SeekFrom::End(0))?;
    let begin = length.saturating_sub(LONGEST_END);
    archive.seek(SeekFrom::Start(begin))?;
    let mut tail = Vec::new();
    archive.take(LONGEST_END).read_to_end(&mut tail)?;
    let mark = END.to_le_bytes();
    let at = tail.windows(22).rposition(|window| window.starts_with(&mark));
    let at = at.ok_or_else(|| invalid("an archive without an end"))?;
    let end = &tail[at..];
    let small = (u64::from(u16_at(end, 10)), u64::from(u32_at(end, 12)), u64::from(u32_at(end, 16)));
    let locator = at.checked_sub(20).map(|at| &tail[at..]).filter(|locator| u32_at(locator, 0) == LARGE_LOCATOR);
    let Some(locator) = locator else { return Ok(small) };
    archive.seek(SeekFrom::Start(u64_at(locator, 8)))?;
    let mut large = [0; 56];
    archive.read_exact(&mut large)?;
    if u32_at(&large, 0) != LARGE_END {
        return Err(invalid("a broken end of an archive"));
    }
    Ok((u64_at(&large, 32), u64_at(&large, 40), u64_at(&large, 48)))
}

impl Entry {
    /// Numbers beyond 32 bits stand in an extra field, those that need it only.
    fn read_large(&mut self, mut extra: &[u8]) -> Result<()> {
        while extra.len() >= 4 {
            let (kind, length) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
            extra = &extra[4..];
            let mut field = take(&mut extra, length)?;
            if kind == 1 {
                for number in [&mut self.unpacked, &mut self.packed, &mut self.offset] {
                    if *number == u64::from(u32::MAX) {
                        *number = u64_at(take(&mut field, 8)?, 0);
                    }
                }
            }
        }
        Ok(())
    }

    /// The file's content; it ends with an error where it is not what the archive says.
    pub(super) fn open<'a>(&self, archive: &'a mut (impl Read + Seek)) -> Result<BufReader<Box<dyn Read + 'a>>> {
        archive.seek(SeekFrom::Start(self.offset))?;
        let mut head = [0; 30];
        archive.read_exact(&mut head)?;
        if u32_at(&head, 0) != LOCAL {
            return Err(invalid("a broken file of an archive"));
        }
        let skipped = i64::from(u16_at(&head, 26)) + i64::from(u16_at(&head, 28));
        archive.seek(SeekFrom::Current(skipped))?;
        let packed = BufReader::new(archive.take(self.packed));
        let content: Box<dyn Read + 'a> = if self.is_deflated {
            Box::new(self.checked(DeflateDecoder::new(packed)))
        } else {
            Box::new(self.checked(packed))
        };
        Ok(BufReader::new(content))
    }

    fn checked<R: Read>(&self, inner: R) -> Checked<R> {
        Checked { inner, sum: Crc::new(), length: 0, expected: (self.checksum, self.unpacked) }
    }
}

/// A file that is compared with its checksum and length at its end.
struct Checked<R> {
    inner: R,
    sum: Crc,
    length: u64,
    expected: (u32, u64),
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let read = self.inner.read(buffer)?;
        self.sum.update(&buffer[..read]);
        self.length += read as u64;
        let is_end = read == 0 && !buffer.is_empty();
        if self.length > self.expected.1 || (is_end && (self.sum.sum(), self.length) != self.expected) {
            return Err(invalid("a file of an archive that does not have its checksum and length"));
        }
        Ok(read)
    }
}

fn take<'b>(rest: &mut &'b [u8], length: usize) -> Result<&'b [u8]> {
    let (taken, after) = rest.split_at_checked(length).ok_or_else(|| invalid("the end of an archive too early"))?;
    *rest = after;
    Ok(taken)
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..at + N).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; N])
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes_at(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes_at(bytes, at))
}

fn invalid(found: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidData, format!("found {}", found.into()))
}

/// Whether a file begins as an archive does.
pub(super) fn is_archive(file: &mut impl BufRead) -> Result<bool> {
    let beginning = file.fill_buf()?;
    Ok(beginning.starts_with(b"PK\x03\x04") || beginning.starts_with(b"PK\x05\x06"))
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::{Cursor, Write};

    use flate2::Compression;
    use flate2::write::DeflateEncoder;

    use super::*;

    /// An archive of some files, deflated.
    pub(in super::super) fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let (mut archive, mut directory) = (Vec::new(), Vec::new());
        for (name, content) in files {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(content).unwrap();
            let packed = encoder.finish().unwrap();
            let mut sum = Crc::new();
            sum.update(content);
            let mut common = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
            for number in [sum.sum(), packed.len() as u32, content.len() as u32] {
                common.extend(number.to_le_bytes());
            }
            common.extend((name.len() as u16).to_le_bytes());
            common.extend([0, 0]);
            directory.extend(ENTRY.to_le_bytes());
            directory.extend([20, 0]);
            directory.extend(&common);
            directory.extend([0; 10]);
            directory.extend((archive.len() as u32).to_le_bytes());
            directory.extend(name.as_bytes());
            archive.extend(LOCAL.to_le_bytes());
            archive.extend(&common);
            archive.extend(name.as_bytes());
            archive.extend(&packed);
        }
        let offset = archive.len() as u32;
        archive.extend(&directory);
        archive.extend(END.to_le_bytes());
        archive.extend([0; 4]);
        for _ in 0..2 {
            archive.extend((files.len() as u16).to_le_bytes());
        }
        archive.extend((directory.len() as u32).to_le_bytes());
        archive.extend(offset.to_le_bytes());
        archive.extend([0, 0]);
        archive
    }

    #[test]
    fn files_come_out_as_they_went_in() {
        let mut archive = Cursor::new(packed(&[("folder/", b""), ("folder/a", b"first"), ("b", &[b'x'; 100_000])]));
        let entries = entries(&mut archive).unwrap();
        let contents: Vec<String> =
            entries.iter().map(|entry| std::io::read_to_string(entry.open(&mut archive).unwrap()).unwrap()).collect();
        assert_eq!(contents, ["first".to_owned(), "x".repeat(100_000)]);
    }

    #[test]
    fn damage_is_an_error() {
        let whole = packed(&[("a", b"some content that is long enough")]);
        for position in 0..whole.len() {
            let mut archive = Cursor::new(whole.clone());
            archive.get_mut()[position] ^= 0x5a;
            let Ok(entries) = entries(&mut archive) else { continue };
            for entry in entries {
                let content = entry.open(&mut archive).and_then(std::io::read_to_string);
                assert!(
                    content.as_ref().is_ok_and(|text| text == "some content that is long enough") || content.is_err()
                );
            }
        }
        for length in 0..whole.len() {
            assert!(entries(&mut Cursor::new(&whole[..length])).is_err(), "{length}");
        }
    }
}
