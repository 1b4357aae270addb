//! Zip archives of several files.

use std::io::{self, Write};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// Where the parts of an archive begin.
const LOCAL: u32 = 0x0403_4b50;
const ENTRY: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;

/// An archive of files, each with its name, deflated.
pub(super) fn archive(files: &[(String, Vec<u8>)]) -> io::Result<Vec<u8>> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let offset = size(archive.len())?;
        let common = add(name, content, &mut archive)?;
        directory.extend(ENTRY.to_le_bytes());
        directory.extend([20, 0]);
        directory.extend(&common);
        // No comment, the first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (begin, count) = (size(archive.len())?, u16::try_from(files.len()).map_err(io::Error::other)?);
    let length = size(directory.len())?;
    archive.extend(directory);
    archive.extend(END.to_le_bytes());
    archive.extend([0; 4]);
    for _ in 0..2 {
        archive.extend(count.to_le_bytes());
    }
    archive.extend(length.to_le_bytes());
    archive.extend(begin.to_le_bytes());
    archive.extend([0, 0]);
    Ok(archive)
}

/// Adds a file; gives what the directory says of it too.
fn add(name: &str, content: &[u8], archive: &mut Vec<u8>) -> io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content)?;
    let packed = encoder.finish()?;
    let mut sum = Crc::new();
    sum.update(content);
    // Version 2.0, no flags, deflated, no time.
    let mut common = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0];
    for number in [sum.sum(), size(packed.len())?, size(content.len())?] {
        common.extend(number.to_le_bytes());
    }
    common.extend(u16::try_from(name.len()).map_err(io::Error::other)?.to_le_bytes());
    common.extend([0, 0]);
    archive.extend(LOCAL.to_le_bytes());
    archive.extend(&common);
    archive.extend(name.as_bytes());
    archive.extend(&packed);
    Ok(common)
}

fn size(length: usize) -> io::Result<u32> {
    u32::try_from(length).map_err(|_| io::Error::other("an archive is too large"))
}
