//! Bodies that are downloaded: lines and archives, unpacked piece by piece into pages.

use std::io::{BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use lakeflow_http::Download;
use lakeflow_interface::records::Page;
use lakeflow_interface::{Error, ErrorKind, Result};

use super::archive::{entries, is_archive};
use crate::definition::{Csv, DetailedFormat, Format, NamedFormat};

/// Bytes of lines that make a page.
const PAGE_BYTES: usize = 1 << 20;

/// The longest line, and the longest value of a table of comma-separated ones.
const LONGEST_LINE: u64 = 64 << 20;

/// The largest document that is no list of lines.
const LARGEST_DOCUMENT: u64 = 256 << 20;

/// How much longer a body may become when it is unpacked, once it is longer than `UNSUSPECTED`: real data stays far below.
const MOST_EXPANSION: u64 = 200;
const UNSUSPECTED: u64 = 1 << 30;

/// What a body is written in.
#[derive(Clone, Debug)]
pub(super) enum Encoding {
    Json,
    JsonLines,
    Csv(Csv),
}

impl From<Option<&Format>> for Encoding {
    fn from(format: Option<&Format>) -> Self {
        match format {
            None | Some(Format::Named(NamedFormat::Json)) => Self::Json,
            Some(Format::Named(NamedFormat::JsonLines)) => Self::JsonLines,
            Some(Format::Named(NamedFormat::Csv)) => Self::Csv(Csv::default()),
            Some(Format::Detailed(DetailedFormat::Csv(csv))) => Self::Csv(csv.clone()),
        }
    }
}

/// Takes pages one by one; false when nobody wants more.
pub(super) type Sink<'s> = dyn FnMut(Page) -> bool + 's;

/// Unpacks a body; each piece is handed on before the next is read.
pub(super) fn unpack(body: Download, length: u64, encoding: &Encoding, sink: &mut Sink<'_>) -> Result<()> {
    let most = length.saturating_mul(MOST_EXPANSION).max(UNSUSPECTED);
    let mut unpacking = Unpacking { encoding, sink, left: most, most };
    let mut body = BufReader::new(body);
    if is_archive(&mut body).map_err(broken)? {
        return unpacking.archive(body.into_inner());
    }
    unpacking.file(body).map(|_| ())
}

struct Unpacking<'u, 's> {
    encoding: &'u Encoding,
    sink: &'u mut Sink<'s>,
    /// Bytes that may still come out.
    left: u64,
    most: u64,
}

impl Unpacking<'_, '_> {
    fn archive(&mut self, mut body: Download) -> Result<()> {
        for entry in entries(&mut body).map_err(broken)? {
            if !self.file(entry.open(&mut body).map_err(broken)?)? {
                break;
            }
        }
        Ok(())
    }

    /// One file, compressed or not; false when nobody wants more.
    fn file(&mut self, mut file: impl BufRead) -> Result<bool> {
        if file.fill_buf().map_err(broken)?.starts_with(b"\x1f\x8b") {
            return self.plain(BufReader::with_capacity(64 << 10, MultiGzDecoder::new(file)));
        }
        self.plain(file)
    }

    fn plain(&mut self, file: impl BufRead) -> Result<bool> {
        match self.encoding {
            Encoding::Json => self.document(file),
            Encoding::JsonLines => self.lines(file),
            Encoding::Csv(csv) => self.values(file, csv),
        }
    }

    fn document(&mut self, file: impl BufRead) -> Result<bool> {
        let mut text = Vec::new();
        file.take(LARGEST_DOCUMENT + 1).read_to_end(&mut text).map_err(broken)?;
        if text.len() as u64 > LARGEST_DOCUMENT {
            return Err(too_long("document", LARGEST_DOCUMENT));
        }
        self.count(text.len())?;
        if text.trim_ascii().is_empty() {
            return Ok(true);
        }
        Ok((self.sink)(Page::parse(text)?))
    }

    fn lines(&mut self, mut file: impl BufRead) -> Result<bool> {
        let mut page = Vec::with_capacity(PAGE_BYTES + PAGE_BYTES / 4);
        let mut line = Vec::new();
        let (mut first, mut number) = (1_u64, 0_u64);
        loop {
            line.clear();
            let read = (&mut file).take(LONGEST_LINE + 1).read_until(b'\n', &mut line).map_err(broken)?;
            if read as u64 > LONGEST_LINE {
                return Err(too_long("line", LONGEST_LINE));
            }
            self.count(read)?;
            number += 1;
            let text = line.trim_ascii();
            if !text.is_empty() {
                page.push(if page.is_empty() { b'[' } else { b',' });
                page.extend_from_slice(text);
            }
            if page.len() >= PAGE_BYTES || (read == 0 && !page.is_empty()) {
                page.push(b']');
                let parsed = Page::parse(std::mem::take(&mut page));
                let parsed = parsed.map_err(|error| error.with_context("lines", format!("{first} to {number}")))?;
                if !(self.sink)(parsed) {
                    return Ok(false);
                }
                first = number + 1;
            }
            if read == 0 {
                return Ok(true);
            }
        }
    }

    fn values(&mut self, mut file: impl BufRead, csv: &Csv) -> Result<bool> {
        for _ in 0..csv.skip_lines {
            let mut line = Vec::new();
            (&mut file).take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(broken)?;
        }
        let delimiter = csv.delimiter.and_then(|letter| u8::try_from(letter).ok()).unwrap_or(b',');
        let mut builder = csv::ReaderBuilder::new();
        builder.delimiter(delimiter).flexible(true).has_headers(csv.columns.is_none());
        let mut reader = builder.from_reader(Rationed { inner: file, since_record: 0 });
        let names: Vec<String> = match &csv.columns {
            Some(names) => names.clone(),
            None => {
                let header = reader.headers().map_err(|error| bad_values(&error))?;
                header.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect()
            }
        };
        let names: Vec<String> = names.iter().map(|name| serde_json::Value::from(name.as_str()).to_string()).collect();
        let mut page = String::new();
        let mut record = csv::StringRecord::new();
        loop {
            reader.get_mut().since_record = 0;
            let has_more = reader.read_record(&mut record).map_err(|error| bad_values(&error))?;
            if has_more {
                self.count(record.as_slice().len())?;
                push_record(&mut page, &names, &record)?;
            }
            if page.len() >= PAGE_BYTES || (!has_more && !page.is_empty()) {
                page.push(']');
                if !(self.sink)(Page::parse(std::mem::take(&mut page))?) {
                    return Ok(false);
                }
            }
            if !has_more {
                return Ok(true);
            }
        }
    }

    /// Counts bytes that have come out; more than any real data gives are an attack.
    fn count(&mut self, bytes: usize) -> Result<()> {
        match self.left.checked_sub(bytes as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(too_long("body", self.most)),
        }
    }
}

/// One line of values as a JSON object; what is empty is `null`.
fn push_record(page: &mut String, names: &[String], record: &csv::StringRecord) -> Result<()> {
    if record.len() != names.len() {
        let line = record.position().map_or(0, csv::Position::line);
        let message = format!("expected {} values in line {line}, found {}", names.len(), record.len());
        return Err(Error::new(ErrorKind::BadResponse, message));
    }
    page.push(if page.is_empty() { '[' } else { ',' });
    for (position, (name, value)) in names.iter().zip(record).enumerate() {
        page.push(if position == 0 { '{' } else { ',' });
        page.push_str(name);
        page.push(':');
        if value.is_empty() {
            page.push_str("null");
        } else {
            page.push_str(&serde_json::Value::from(value).to_string());
        }
    }
    page.push('}');
    Ok(())
}

/// A reader that ends with an error where one record takes too much.
struct Rationed<R> {
    inner: R,
    since_record: u64,
}

impl<R: Read> Read for Rationed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.since_record += read as u64;
        if self.since_record > LONGEST_LINE {
            return Err(std::io::Error::other(format!("a line of more than {LONGEST_LINE} bytes")));
        }
        Ok(read)
    }
}

fn broken(error: std::io::Error) -> Error {
    Error::new(ErrorKind::BadResponse, "the body cannot be unpacked").with_cause(error)
}

fn bad_values(error: &csv::Error) -> Error {
    Error::new(ErrorKind::BadResponse, format!("expected comma-separated values: {error}"))
}

fn too_long(what: &str, most: u64) -> Error {
    Error::new(ErrorKind::BadResponse, format!("expected a {what} of at most {most} bytes once unpacked, found more"))
        .with_hint("the source sends something else than the definition says, or means to exhaust this machine")
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, SeekFrom, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::super::archive;
    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn pages(body: &[u8], encoding: &Encoding) -> Result<Vec<String>> {
        let mut file = Download::new(1 << 20);
        file.write_all(body).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        let mut pages = Vec::new();
        unpack(file, body.len() as u64, encoding, &mut |page| {
            pages.push(page.root().raw().to_owned());
            true
        })?;
        Ok(pages)
    }

    #[test]
    fn lines_become_pages_however_they_are_packed() {
        let lines = b"{\"a\":1}\n\n{\"a\":2}";
        let packed = gzip(lines);
        let archive = archive::tests::packed(&[("x/1.json.gz", &packed), ("x/2.json", b"{\"a\":3}\n")]);
        assert_eq!(pages(lines, &Encoding::JsonLines).unwrap(), [r#"[{"a":1},{"a":2}]"#]);
        assert_eq!(pages(&gzip(lines), &Encoding::JsonLines).unwrap(), [r#"[{"a":1},{"a":2}]"#]);
        assert_eq!(pages(&archive, &Encoding::JsonLines).unwrap(), [r#"[{"a":1},{"a":2}]"#, r#"[{"a":3}]"#]);
        assert_eq!(pages(b"", &Encoding::JsonLines).unwrap(), [""; 0]);
        assert_eq!(pages(&gzip(b"{\"a\":[]}"), &Encoding::Json).unwrap(), [r#"{"a":[]}"#]);
    }

    #[test]
    fn values_become_objects_and_empty_ones_null() {
        let text = "\u{feff}id,\"name\"\r\n1,\"a \"\"b\"\"\nc\"\r\n2,\r\n";
        let expected = [r#"[{"id":"1","name":"a \"b\"\nc"},{"id":"2","name":null}]"#];
        assert_eq!(pages(text.as_bytes(), &Encoding::Csv(Csv::default())).unwrap(), expected);
        let csv = Csv { delimiter: Some(';'), columns: Some(vec!["a".into(), "b".into()]), skip_lines: 1 };
        assert_eq!(pages(b"report\n1;2\n", &Encoding::Csv(csv)).unwrap(), [r#"[{"a":"1","b":"2"}]"#]);
        let error = pages(b"a,b\n1\n", &Encoding::Csv(Csv::default())).unwrap_err();
        assert_eq!(error.message(), "expected 2 values in line 2, found 1");
    }

    #[test]
    fn bombs_end_with_an_error() {
        let zeros = gzip(&vec![b'0'; 80 << 20]);
        for encoding in [Encoding::JsonLines, Encoding::Csv(Csv::default())] {
            let error = pages(&zeros, &encoding).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BadResponse, "{error:?}");
        }
        assert!(pages(b"PK\x03\x04nonsense", &Encoding::JsonLines).is_err());
        assert!(pages(b"\x1f\x8bnonsense", &Encoding::JsonLines).is_err());
    }

    #[test]
    fn bad_line_is_told_with_its_place() {
        let error = pages(b"{\"a\":1}\n{\"a\":\n", &Encoding::JsonLines).unwrap_err();
        assert_eq!(error.context("lines"), Some("1 to 3"));
    }
}
