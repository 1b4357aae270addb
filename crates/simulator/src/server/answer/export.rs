//! Rows as files: JSON Lines and CSV, packed as gzip and as zip archives.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::archive::archive;
use crate::definition::{Format, Json, Packing, ResponseSpec, write_json};

/// The rows of one file of an archive: few, so that most archives have several files.
const ROWS_OF_A_FILE: usize = 50;

/// A body with its type, from rows with commas between them.
pub(super) fn export(rows: &[u8], response: &ResponseSpec) -> io::Result<(Vec<u8>, &'static str)> {
    let records: Vec<Json> = serde_json::from_slice(&[b"[", rows, b"]"].concat())?;
    let content_type = match response.format {
        Format::Json => super::JSON,
        Format::JsonLines => "application/x-ndjson",
        Format::Csv => "text/csv; charset=utf-8",
    };
    Ok(match response.packing {
        Packing::None => (written(&records, response.format), content_type),
        Packing::Gzip => (gzip(&written(&records, response.format))?, "application/gzip"),
        Packing::Zip => (archive(&files(&records, response.format, ""))?, "application/zip"),
        Packing::ZipOfGzip => {
            let mut files = files(&records, response.format, ".gz");
            for (_, content) in &mut files {
                *content = gzip(content)?;
            }
            (archive(&files)?, "application/zip")
        }
    })
}

/// Some rows to a file; one file at least.
fn files(records: &[Json], format: Format, ending: &str) -> Vec<(String, Vec<u8>)> {
    let ending = match format {
        Format::Json | Format::JsonLines => format!(".json{ending}"),
        Format::Csv => format!(".csv{ending}"),
    };
    let parts: Vec<&[Json]> = if records.is_empty() { vec![records] } else { records.chunks(ROWS_OF_A_FILE).collect() };
    let file = |(number, rows): (usize, &[Json])| (format!("export/{}{ending}", number + 1), written(rows, format));
    parts.into_iter().enumerate().map(file).collect()
}

fn written(records: &[Json], format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    match format {
        Format::Json => write_json(&Json::List(records.to_vec()), &mut out),
        Format::JsonLines => {
            for record in records {
                write_json(record, &mut out);
                out.push(b'\n');
            }
        }
        Format::Csv => {
            let header: Vec<&str> = match records.first() {
                Some(Json::Object(fields)) => fields.iter().map(|(key, _)| key.as_str()).collect(),
                _ => Vec::new(),
            };
            write_line(header.iter().map(|name| (*name).to_owned()), &mut out);
            for record in records {
                write_line(header.iter().map(|name| cell(record.get([*name]))), &mut out);
            }
        }
    }
    out
}

/// The text of a cell; nothing for null.
fn cell(value: Option<&Json>) -> String {
    match value {
        None | Some(Json::Null) => String::new(),
        Some(json) => json.as_parameter().unwrap_or_else(|| {
            let mut text = Vec::new();
            write_json(json, &mut text);
            String::from_utf8_lossy(&text).into_owned()
        }),
    }
}

fn write_line(cells: impl Iterator<Item = String>, out: &mut Vec<u8>) {
    for (position, cell) in cells.enumerate() {
        if position > 0 {
            out.push(b',');
        }
        if cell.contains([',', '"', '\n', '\r']) {
            out.extend_from_slice(format!("\"{}\"", cell.replace('"', "\"\"")).as_bytes());
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content)?;
    encoder.finish()
}
